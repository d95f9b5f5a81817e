"""The way to the provider and back."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from metricvault.lib.errors import Malformed, Missing, NotAllowed, ProductError
from projects import oidc
from projects.audit import Action, record

_ON_THE_WAY = 3600  # seconds that the session of somebody who is not logged in yet is kept


def _refusal(request: HttpRequest, error: ProductError) -> HttpResponse:
    return render(request, "registration/refused.html", {"error": error}, status=error.status)


@method_decorator([login_not_required, never_cache], name="dispatch")
class ToProvider(OIDCAuthenticationRequestView):
    """Sends the browser to the provider."""

    def __init__(self, **more: Any) -> None:
        super(OIDCAuthenticationRequestView, self).__init__(**more)  # the library's would ask the provider here

    get_settings = staticmethod(oidc.library_setting)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not oidc.is_set_up():
            raise Missing(_("There is nothing at this address."))
        try:
            self.OIDC_OP_AUTH_ENDPOINT = oidc.provider().authorization_endpoint
        except ProductError as error:
            return _refusal(request, error)
        self.OIDC_RP_CLIENT_ID = oidc.library_setting("OIDC_RP_CLIENT_ID")
        if not request.user.is_authenticated:
            request.session.set_expiry(_ON_THE_WAY)
        return super().get(request)


@method_decorator([login_not_required, never_cache], name="dispatch")
class FromProvider(OIDCAuthenticationCallbackView):
    """Takes the answer. Whatever is wrong with it becomes a sentence."""

    get_settings = staticmethod(oidc.library_setting)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not oidc.is_set_up():
            raise Missing(_("There is nothing at this address."))
        try:
            self._check_begun(request)
        except ProductError as error:
            return _refusal(request, error)
        try:
            self._check_answer(request)
            return super().get(request)
        except ProductError as error:
            record(Action.REFUSED, detail=f"single sign-on: {error.message}")
            return _refusal(request, error)

    def _check_begun(self, request: HttpRequest) -> None:
        """Not audited: anybody can call this address as often as they like."""
        begun = request.GET.get("state", "") in request.session.get("oidc_states", {})
        if not begun or not ("code" in request.GET or "error" in request.GET):
            raise Malformed(_("This login was not begun here, or too long ago. Begin again."))

    def _check_answer(self, request: HttpRequest) -> None:
        """The library would log out whoever follows a link with an error in it."""
        problem = request.GET.get("error", "")
        if problem:
            del request.session["oidc_states"][request.GET["state"]]
            request.session.modified = True
            raise NotAllowed(_("The provider refused the login (%(problem)s).") % {"problem": problem[:100]})

    def login_failure(self) -> HttpResponse:
        raise NotAllowed(_("The provider did not accept this login. Begin again."))

    @property
    def failure_url(self) -> str:
        return reverse("login")


@login_not_required
@never_cache
@require_safe
def logged_out(request: HttpRequest) -> HttpResponse:
    """Whoever came by the provider is out here, and maybe not there. A link, since a form may lead to no other site."""
    if not oidc.is_set_up():
        raise Missing(_("There is nothing at this address."))
    there = oidc.logout_address(request.build_absolute_uri(reverse("login")))
    return render(request, "registration/out.html", {"there": there, "provider": oidc.provider_name()})
