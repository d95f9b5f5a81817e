"""Pages of projects and their API documents."""

from django.urls import path

from projects import document_views, import_views, views

app_name = "projects"
urlpatterns = [
    path("", views.project_list, name="list"),
    path("new", views.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/edit", views.edit, name="edit"),
    path("<int:pk>/delete", views.delete, name="delete"),
    path("<int:pk>/import", import_views.form, name="import"),
    path("imports/<int:pk>/", import_views.steps, name="import-steps"),
    path("imports/<int:pk>/confirm", import_views.confirm, name="import-confirm"),
    path("imports/<int:pk>/discard", import_views.discard, name="import-discard"),
    path("specs/<int:pk>/", document_views.spec, name="spec"),
    path("specs/<int:pk>/findings", document_views.findings, name="spec-findings"),
    path("specs/<int:pk>/edit", document_views.edit_spec, name="spec-edit"),
    path("specs/<int:pk>/delete", document_views.delete_spec, name="spec-delete"),
    path("endpoints/<int:pk>/", document_views.endpoint, name="endpoint"),
]
