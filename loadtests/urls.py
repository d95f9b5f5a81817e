"""Pages of plans, and the two buttons that start and stop load."""

from django.urls import include, path

from loadtests import arranging_views, builder_views, plan_file_views, trying_views, views

app_name = "loadtests"
scenario_urls = [
    path("save", builder_views.save_scenario, name="scenario-save"),
    path("duplicate", builder_views.duplicate_scenario, name="scenario-duplicate"),
    path("delete", builder_views.delete_scenario, name="scenario-delete"),
    path("profile", arranging_views.profile, name="profile"),
    path("stages/add", arranging_views.add_stage, name="stage-add"),
    path("stages/order", arranging_views.order_stages, name="stages-order"),
    path("stages/<int:stage_pk>/delete", arranging_views.delete_stage, name="stage-delete"),
    path("stages/<int:stage_pk>/duplicate", arranging_views.duplicate_stage, name="stage-duplicate"),
    path("stages/<int:stage_pk>/<str:direction>", arranging_views.move_stage, name="stage-move"),
    path("steps/add", arranging_views.add_step, name="step-add"),
    path("steps/order", arranging_views.order_steps, name="steps-order"),
    path("steps/<int:step_pk>/reset", builder_views.reset_step, name="step-reset"),
    path("steps/<int:step_pk>/delete", arranging_views.delete_step, name="step-delete"),
    path("steps/<int:step_pk>/duplicate", arranging_views.duplicate_step, name="step-duplicate"),
    path("steps/<int:step_pk>/move/<str:direction>", arranging_views.move_step, name="step-move"),
    path("steps/<int:step_pk>/<str:kind>/add", arranging_views.add_row, name="row-add"),
    path("steps/<int:step_pk>/<str:kind>/<int:number>/delete", arranging_views.delete_row, name="row-delete"),
]
urlpatterns = [
    path("", views.plan_list, name="list"),
    path("active/", views.active, name="active"),
    path("new", views.new, name="new"),
    path("import", plan_file_views.import_file, name="import"),
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
    path("<int:pk>/file", plan_file_views.plan_file, name="plan_file"),
    path("<int:pk>/duplicate", plan_file_views.duplicate, name="duplicate_plan"),
    path("<int:pk>/archive", plan_file_views.archive, name="archive_plan"),
    path("scenarios/<int:pk>/", include(scenario_urls)),
    path("runs/<int:run_pk>/stop", views.stop, name="stop"),
    path("runs/<int:run_pk>/again", plan_file_views.run_again, name="run_again"),
    path("runs/<int:run_pk>/edit", plan_file_views.edit_again, name="edit_again"),
]
