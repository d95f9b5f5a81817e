"""The way of single sign-on, as a browser goes it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.test import Client

from projects.models import LoginSession

CALLBACK = "/accounts/oidc/callback/"
Change = Callable[..., None]


def to_provider(client: Client, query: str = "") -> str:
    answer = client.get(f"/accounts/oidc/{query}")
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def back(address: str) -> str:
    """What the provider has the browser do: the path of the callback with its query."""
    answer = httpx.get(address)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_in(client: Client, query: str = "") -> Any:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return client.get(back(to_provider(client, query)), headers=from_elsewhere)


def refused(answer: Any) -> str:
    """The sentence on the page of a refusal."""
    assert answer.status_code in {400, 403, 502}
    assert b"Signing in did not work" in answer.content
    assert not LoginSession.objects.exists()
    return str(answer.context["error"].message)
