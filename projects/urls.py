"""Pages of projects and their API documents."""

from django.urls import path

from projects import audit_views, data_file_views, document_views, environment_views, import_views, people_views, views

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
    path("<int:pk>/environments", environment_views.environments, name="environments"),
    path("<int:pk>/environments/new", environment_views.new_environment, name="environment-new"),
    path("<int:pk>/environments/rows/<slug:kind>", environment_views.environment_row, name="environment-row"),
    path("<int:pk>/environments/login", environment_views.environment_login, name="environment-login"),
    path("environments/<int:pk>/", environment_views.environment, name="environment"),
    path("environments/<int:pk>/delete", environment_views.delete_environment, name="environment-delete"),
    path("environments/<int:pk>/duplicate", environment_views.duplicate_environment, name="environment-duplicate"),
    path("<int:pk>/people", people_views.people, name="people"),
    path("<int:pk>/people/<int:person>", people_views.change, name="person"),
    path("<int:pk>/people/<int:person>/remove", people_views.remove, name="person-remove"),
    path("<int:pk>/people/<int:person>/owner", people_views.hand_over, name="person-owner"),
    path("<int:pk>/audit", audit_views.of_project, name="audit"),
    path("<int:pk>/audit.csv", audit_views.csv_of_project, name="audit-csv"),
    path("<int:pk>/data", data_file_views.files, name="data-files"),
    path("data/<int:pk>/", data_file_views.data_file, name="data-file"),
    path("data/<int:pk>/delete", data_file_views.delete_data_file, name="data-file-delete"),
]
