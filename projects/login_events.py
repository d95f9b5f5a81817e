"""What follows when somebody logs in, logs out or is refused: the session's row, and the audit.

Failures during a lock are not written down one by one: the lock is, once. So nobody fills the audit by guessing.
"""

from datetime import timedelta
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from projects import sessions
from projects.audit import Action, record
from projects.models import LoginSession
from projects.signing_in import is_refused_unheard


@receiver(user_logged_in)
def logged_in(request: HttpRequest, user: User, **more: Any) -> None:
    """A session begins. Of single sign-on it is shorter, since the provider cannot end it."""
    sessions.begin(request, user, timezone.now())
    if request.session.get(BACKEND_SESSION_KEY) == sessions.OIDC_BACKEND:
        request.session.set_expiry(timedelta(hours=settings.METRICVAULT_OIDC["session_hours"]))
    elif "_session_expiry" in request.session:  # of a way to the provider that was given up
        request.session.set_expiry(None)
    record(Action.LOGGED_IN, user, actor=user)


@receiver(user_logged_out)
def logged_out(request: HttpRequest, user: User | None, **more: Any) -> None:
    """A session ends; sent before Django forgets it."""
    key = request.session.session_key
    if key is not None:
        LoginSession.objects.filter(session_key=key).delete()
    if user is not None:
        record(Action.LOGGED_OUT, user, actor=user)


@receiver(user_login_failed)
def login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any) -> None:
    """A name and a password that do not belong together. Nothing of the password is kept, only the name."""
    name = credentials.get("username")
    if name is not None and not is_refused_unheard(request):
        record(Action.REFUSED, actor_name=str(name), detail="login: name and password do not belong together")


@receiver(user_locked_out)
def lock_began(request: HttpRequest, username: str | None, **more: Any) -> None:
    """Sent by axes at the failure that was one too many, and at each try while the lock lasts."""
    if not is_refused_unheard(request):
        record(Action.REFUSED, actor_name=username or "", detail="login: too many failures, locked for a while")


@receiver(post_save, sender=User)
def person_saved(instance: User, **more: Any) -> None:
    """Whoever is deactivated is out at once. API tokens of theirs count no more (`projects.api_tokens`)."""
    if not instance.is_active:
        sessions.end_all(instance)
