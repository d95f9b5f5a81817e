"""API tokens: made once, shown once, kept as a hash; who a program is, and what it may do.

A token is "mv_" and 32 random bytes in base64url. So many bits need no slow hash: guessing one is hopeless whatever the
hash costs (OWASP, "Password Storage Cheat Sheet", is about what people choose).
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from metricvault.lib.errors import NotAllowed, NotSignedIn
from projects import audit
from projects.models import ApiToken, Project

MARK = "mv_"
_SEEN_EVERY = timedelta(minutes=1)  # so often its last use is written down
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What a token that may run load may send, by the pattern of the address; the API's other changes need "admin".
RUN_ROUTES = frozenset(
    {
        "load-testing",
        "load-testing/preview",
        "load-testing/try",
        "plan/<int:plan_id>/run",
        "plan/<int:plan_id>/try",
        "test-history/<int:run_id>/again",
        "test-history/<int:run_id>/stop",
    }
)


def make_token(
    user: User, name: str, scope: str, project: Project | None = None, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token of `user` and its text, which nobody can read again."""
    text = MARK + secrets.token_urlsafe(32)
    made = ApiToken.objects.create(
        user=user,
        name=name,
        scope=scope,
        project=project,
        begins=text[:8],
        digest=_digest(text),
        expires_at=expires_at,
    )
    told = {"scope": made.scope, "only_project": project, "expires_at": expires_at}
    audit.record(audit.Action.CREATED, made, after={**told, "person": user.get_username()})
    return made, text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def bearer_of(request: HttpRequest) -> str | None:
    """What stands behind "Authorization: Bearer"; None without such a header."""
    kind, _space, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def sign_in(request: HttpRequest, text: str, now: datetime | None = None) -> ApiToken:
    """Makes the person of the token the one behind `request`, within the token's project.

    `NotSignedIn` for a token that is unknown, revoked or out of date, and where its person may come in no more.
    """
    now = now or timezone.now()
    valid = Q(expires_at=None) | Q(expires_at__gt=now)
    rows = ApiToken.objects.filter(valid, digest=_digest(text), revoked_at=None, user__is_active=True)
    token = rows.select_related("user").first()
    if token is None:
        raise NotSignedIn(_("This API token is not valid (any more). Make a new one on the page “API tokens”."))
    token.user.only_project_id = token.project_id  # type: ignore[attr-defined]  # read by projects.access
    request.user = token.user
    request.api_token_name = token.name  # type: ignore[attr-defined]  # read by projects.audit
    request.api_token_scope = token.scope  # type: ignore[attr-defined]  # read by projects.audit_api
    request.api_token_id = token.pk  # type: ignore[attr-defined]  # read by metricvault.rates, history.live
    _note_use(token, request, now)
    return token


def _note_use(token: ApiToken, request: HttpRequest, now: datetime) -> None:
    address = request.META.get("REMOTE_ADDR") or None
    seen = token.last_used_at is not None and now - token.last_used_at < _SEEN_EVERY
    if not seen or token.last_used_from != address:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)


def check_scope(token: ApiToken, method: str, route: str) -> None:
    """`NotAllowed` where the token may not do what `method` at the address pattern `route` does."""
    if method in _SAFE or token.scope == ApiToken.Scope.ADMIN:
        return
    if token.scope == ApiToken.Scope.RUN and route in RUN_ROUTES:
        return
    needed = ApiToken.Scope.RUN if route in RUN_ROUTES else ApiToken.Scope.ADMIN
    message = _("This API token may not do that; it would need “%(scope)s”.")
    raise NotAllowed(message % {"scope": needed.label})


def revoke(token: ApiToken) -> None:
    """Ends a token; a second time changes nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        detail = _("revoked; it was for %(person)s") % {"person": token.user.get_username()}
        audit.record(audit.Action.DELETED, token, detail=detail)
