"""Pages of projects and their API documents."""

from django.urls import path

from projects import views

app_name = "projects"
urlpatterns = [
    path("", views.project_list, name="list"),
    path("new", views.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/edit", views.edit, name="edit"),
    path("<int:pk>/delete", views.delete, name="delete"),
    path("<int:pk>/import", views.import_page, name="import"),
    path("specs/<int:pk>/", views.spec, name="spec"),
    path("specs/<int:pk>/edit", views.edit_spec, name="spec-edit"),
    path("specs/<int:pk>/delete", views.delete_spec, name="spec-delete"),
]
