"""One's own account: login, logout, name, password, sessions."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, logout
from django.contrib.auth import views as django_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from metricvault.lib.errors import Missing, NotAllowed
from projects import oidc
from projects import sessions as living
from projects.access import require_user
from projects.audit import Action, differences, record
from projects.models import LoginSession


class LogIn(django_views.LoginView):
    """The one login page. A name and a password that do not belong together are answered alike, whoever they are of."""

    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return {**super().get_context_data(**more), "provider": oidc.provider_name()}

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


class LogOut(django_views.LogoutView):
    """POST only: no picture on a web page logs anybody out."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        by_provider = request.session.get(BACKEND_SESSION_KEY) == living.OIDC_BACKEND
        answer = super().post(request, *args, **kwargs)
        return redirect("oidc-out") if by_provider and oidc.is_set_up() else answer


@login_not_required
@never_cache
@require_safe
def admin_login(request: HttpRequest) -> HttpResponse:
    """Where the administration sends whom it does not let in."""
    if request.user.is_authenticated:
        raise NotAllowed(_("Only administrators see the administration."))
    wanted = request.GET.get("next") or reverse("admin:index")
    return redirect_to_login(wanted)  # which takes no address that leads away


class NameForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["first_name", "last_name"]
        labels = {"first_name": gettext_lazy("First name"), "last_name": gettext_lazy("Last name")}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who I am here; POST changes the name that others see."""
    user = require_user(request)
    before = {"first_name": user.first_name, "last_name": user.last_name}
    form = NameForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        changed = form.save()
        was, now = differences(before, {name: getattr(changed, name) for name in before})
        if now:
            record(Action.CHANGED, changed, before=was, after=now)
        messages.success(request, _("Your name is saved."))
        return redirect("account")
    context = {"form": form, "has_password": user.has_usable_password()}
    return render(request, "accounts/account.html", context, status=422 if form.errors else 200)


@method_decorator(never_cache, name="dispatch")
class ChangePassword(django_views.PasswordChangeView):
    """Asks for the old password; ends the person's other sessions."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("password_change_done")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not require_user(request).has_usable_password():
            raise NotAllowed(_("This account has no password here: its person comes in another way."))
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        before = str(self.request.session.session_key)
        answer = super().form_valid(form)
        after = self.request.session.session_key
        living.follow(before, after)
        living.end_all(form.user, keep=after)
        record(Action.CHANGED, form.user, detail="password")
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


@require_safe
def password_changed(request: HttpRequest) -> HttpResponse:
    """What the change means."""
    require_user(request)
    return render(request, "accounts/password_done.html")


class SetPassword(django_views.PasswordResetConfirmView):
    """The page behind a link that an administrator made (`password_link`). It works once and for a while
    (settings.PASSWORD_RESET_TIMEOUT); whoever has it sets the password, and then logs in with it."""

    template_name = "accounts/password_set.html"
    success_url = reverse_lazy("login")

    def get_user(self, uidb64: str) -> User | None:
        found = super().get_user(uidb64)
        return found if isinstance(found, User) and found.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        living.end_all(form.user)
        record(Action.CHANGED, form.user, detail="password, by a link", actor=form.user)
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        answer.status_code = 422
        return answer


def password_link(request: HttpRequest, user: User) -> str:
    """An address at which `user`, or whoever else is told it, sets a new password once."""
    parts = [urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)]
    return request.build_absolute_uri(reverse("password_set", args=parts))


@never_cache
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is logged in."""
    user = require_user(request)
    rows = living.sessions_of(user)
    for row in rows:
        row.browser = living.browser_in_words(row.user_agent)  # type: ignore[attr-defined]
        row.is_this = row.session_key == request.session.session_key  # type: ignore[attr-defined]
    rows.sort(key=lambda row: not row.is_this)  # type: ignore[attr-defined]
    return render(request, "accounts/sessions.html", {"sessions": rows})


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one of the person's own sessions."""
    rows = LoginSession.objects.filter(user=require_user(request), pk=pk)
    row = rows.first()
    if row is None:
        raise Missing(_("There is no session %(id)s (any more).") % {"id": pk})
    if row.session_key == request.session.session_key:
        logout(request)
        return redirect("login")
    living.end(rows)
    record(Action.DELETED, row)
    messages.success(request, _("The session is ended."))
    return redirect("sessions")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Ends all of the person's sessions but this one."""
    user = require_user(request)
    ended = living.end_all(user, keep=request.session.session_key)
    if ended:
        record(Action.DELETED, user, detail=f"sessions: {ended} others ended")
    messages.success(request, _("All other sessions are ended."))
    return redirect("sessions")
