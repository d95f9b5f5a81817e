"""k6's own dashboards, below /runs/."""

from django.urls import path

from loadtests.dashboards import views

app_name = "k6-dashboard"
urlpatterns = [
    path("<int:pk>/k6-dashboard/<slug:instance>/", views.enter, name="enter"),
    path("<int:pk>/k6-dashboard/<slug:instance>/<str:ticket>/<path:path>", views.part, name="part"),
]
