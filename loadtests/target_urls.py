"""Pages of the hosts that may be loaded, and of the requests for more."""

from django.urls import path

from loadtests import approving_views

app_name = "targets"
urlpatterns = [
    path("projects/<int:pk>/targets", approving_views.targets, name="project"),
    path("targets/requests", approving_views.requests, name="requests"),
    path("targets/requests/<int:pk>/approve", approving_views.approve, name="approve"),
    path("targets/requests/<int:pk>/deny", approving_views.deny, name="deny"),
]
