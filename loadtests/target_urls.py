"""Pages of the hosts that may be loaded, and of the requests for more."""

from django.urls import path

from loadtests import approving_views

urlpatterns = [
    path("projects/<int:pk>/targets", approving_views.targets, name="targets"),
    path("targets/requests", approving_views.requests, name="target-requests"),
    path("targets/requests/<int:pk>/approve", approving_views.approve, name="target-approve"),
    path("targets/requests/<int:pk>/deny", approving_views.deny, name="target-deny"),
]
