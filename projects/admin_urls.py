"""Django's administration has a login, a logout and a password page of its own. Their addresses lead to ours."""

from django.urls import path
from django.views.generic import RedirectView

from projects import account_views

urlpatterns = [
    path("login/", account_views.admin_login),
    path("logout/", account_views.LogOut.as_view()),
    path("password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("password_change/done/", RedirectView.as_view(pattern_name="password_change_done")),
]
