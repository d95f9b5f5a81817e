"""Pages of one's own account."""

from django.urls import path

from projects import account_views as views
from projects import oidc_views

urlpatterns = [
    path("", views.account, name="account"),
    path("login/", views.LogIn.as_view(), name="login"),
    path("logout/", views.LogOut.as_view(), name="logout"),
    path("oidc/", oidc_views.ToProvider.as_view(), name="oidc-start"),
    path("oidc/callback/", oidc_views.FromProvider.as_view(), name="oidc-callback"),
    path("oidc/out/", oidc_views.logged_out, name="oidc-out"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
    path("password/done/", views.password_changed, name="password_change_done"),
    path("password/set/<uidb64>/<token>/", views.SetPassword.as_view(), name="password_set"),
    path("sessions/", views.sessions, name="sessions"),
    path("sessions/others", views.end_others, name="sessions-end-others"),
    path("sessions/<int:pk>/end", views.end_session, name="session-end"),
]
