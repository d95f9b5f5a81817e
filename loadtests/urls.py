"""Pages of plans, and the two buttons that start and stop load."""

from django.urls import path

from loadtests import builder_views, trying_views, views

app_name = "loadtests"
urlpatterns = [
    path("", views.plan_list, name="list"),
    path("active/", views.active, name="active"),
    path("new", views.new, name="new"),
    path("<int:pk>/", builder_views.plan, name="plan"),
    path("<int:pk>/save", builder_views.save, name="save"),
    path("<int:pk>/add", views.add, name="add"),
    path("<int:pk>/script", builder_views.script, name="script"),
    path("<int:pk>/run", views.run, name="run"),
    path("<int:pk>/try", trying_views.start, name="try"),
    path("tries/<int:pk>/", trying_views.show, name="try-shown"),
    path("tries/<int:pk>/steps/<int:at>/", trying_views.step, name="try-step"),
    path("tries/<int:pk>/steps/<int:at>/take", trying_views.take_value, name="take_value"),
    path("<int:pk>/delete", views.delete, name="delete"),
    path("scenarios/<int:pk>/save", builder_views.save_scenario, name="scenario-save"),
    path("scenarios/<int:pk>/reset", builder_views.reset_scenario, name="scenario-reset"),
    path("scenarios/<int:pk>/duplicate", builder_views.duplicate_scenario, name="scenario-duplicate"),
    path("scenarios/<int:pk>/delete", builder_views.delete_scenario, name="scenario-delete"),
    path("scenarios/<int:pk>/stages/add", builder_views.add_stage, name="stage-add"),
    path("scenarios/<int:pk>/stages/<int:stage_pk>/delete", builder_views.delete_stage, name="stage-delete"),
    path("runs/<int:run_pk>/stop", views.stop, name="stop"),
]
