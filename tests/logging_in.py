"""`Client.force_login` of the tests: what a login leaves behind, without what it looks for.

A login asks the database twenty times: for failures to forget, for a session to end, whether its key is taken. Tests
log in by the thousand. Here the session, its row and the audit's entry are written. How people really log in is proved
where that is the point: by the page and by `Client.login`.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client
from django.utils.crypto import get_random_string

_django: Callable[..., None] = Client.force_login


def force_login(client: Client, user: User, backend: str | None = None) -> None:
    """Takes the place of Django's (conftest.py), which it leaves what a client has begun already."""
    from projects.login_events import logged_in

    if settings.SESSION_COOKIE_NAME in client.cookies:
        _django(client, user, backend)
        return
    user.backend = backend or client._get_backend()  # type: ignore[attr-defined]
    request = HttpRequest()
    request.session = SessionStore(get_random_string(32))
    request.session._session_cache = {  # type: ignore[attr-defined]
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: user.backend,  # type: ignore[attr-defined]
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    logged_in(request, user)
    request.session.save(must_create=True)
    client._set_login_cookies(request)  # type: ignore[attr-defined]
