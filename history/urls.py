"""Pages of runs."""

from django.urls import path

from history import views

app_name = "history"
urlpatterns = [
    path("", views.run_list, name="list"),
    path("<int:pk>/", views.run, name="run"),
    path("<int:pk>/generators/", views.generators, name="generators"),
    path("<int:pk>/span/", views.span, name="span"),
    path("<int:pk>/seconds/", views.seconds, name="seconds"),
    path("<int:pk>/failures/", views.failures, name="failures"),
    path("<int:pk>/log", views.log, name="log"),
    path("<int:pk>/script", views.script, name="script"),
    path("<int:pk>/k6-report/<slug:instance>/", views.report, name="k6-report"),
]
