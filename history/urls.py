"""Pages of runs."""

from django.urls import path

from history import comparing_views, views

app_name = "history"
urlpatterns = [
    path("", views.run_list, name="list"),
    path("<int:pk>/", views.run, name="run"),
    path("<int:pk>/generators/", views.generators, name="generators"),
    path("<int:pk>/log", views.log, name="log"),
    path("<int:pk>/script", views.script, name="script"),
    path("<int:pk>/k6-report/<slug:instance>/", views.report, name="k6-report"),
    path("compare/", comparing_views.compare, name="compare"),
    path("<int:pk>/against-baseline/", comparing_views.against_baseline, name="against-baseline"),
]
