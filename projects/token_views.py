"""The page where people make and revoke the API tokens of their programs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from metricvault.lib.errors import Missing
from projects import api_tokens
from projects.access import require_user
from projects.models import ApiToken
from projects.token_forms import TokenForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The person's tokens; POST makes one and shows its text, this once."""
    user = require_user(request)
    form = TokenForm(user, request.POST or None)
    made, text = None, ""
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        made, text = api_tokens.make_token(user, chosen["name"], chosen["scope"], chosen["project"], form.expires_at())
        form = TokenForm(user)
    rows = ApiToken.objects.filter(user=user, revoked_at=None).select_related("project")
    context = {"form": form, "tokens": rows, "made": made, "text": text, "now": timezone.now()}
    return render(request, "projects/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a token of the person at once."""
    user = require_user(request)
    token = ApiToken.objects.filter(user=user, pk=pk).first()
    if token is None:
        raise Missing(_("There is no API token %(id)s.") % {"id": pk})
    api_tokens.revoke(token)
    return redirect("tokens")
