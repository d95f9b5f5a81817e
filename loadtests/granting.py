"""Asks a token server for an access token: OAuth 2.0, the grants of RFC 6749, 4.3 (password) and 4.4 (client
credentials). Nothing that it says holds a secret; of what the server says only the codes of 5.2 are passed on.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from loadtests.k6.plan import Secret, Text, TokenPlan
from projects.fetching import FetchError, post_form

SECONDS = 10.0  # the longest that one is waited for
LIFETIME = 300.0  # seconds, where the server does not say
LONGEST = 16_384
_CODE = re.compile(r"[a-z_]{1,60}\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token, good for `lifetime` seconds."""

    access_token: str = field(repr=False)
    lifetime: float


class NotGranted(Exception):
    """There is no token; the text says why, in a sentence without any secret."""


def ask(plan: TokenPlan, values: Mapping[str, str], *, verify: bool = True, addresses: Sequence[str] = ()) -> Grant:
    """One request to the token server. `values` are the secrets by their variables; `verify`: its certificate;
    `addresses`: where its name leads, where that was judged already.

    Raises `NotGranted`.
    """
    form, headers = request(plan, values)
    try:
        resolve = (lambda _host, _port: list(addresses)) if addresses else None
        status, body = post_form(plan.url, form, headers, seconds=SECONDS, verify=verify, resolve=resolve)
    except FetchError as error:
        raise NotGranted(f"The token server gave no token: {error.sentence}") from None
    return _read(status, body)


def request(plan: TokenPlan, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The form and the headers that ask for a token. Client id and secret are form-encoded before they become HTTP
    basic (2.3.1)."""
    client, secret = _filled(plan.client_id, values), _filled(plan.client_secret, values)
    form = {"grant_type": plan.grant}
    if plan.grant == "password":
        form |= {"username": _filled(plan.username, values), "password": _filled(plan.password, values)}
    if plan.scope:
        form["scope"] = plan.scope
    headers = {"Accept": "application/json", "User-Agent": "MetricVault"}
    if plan.in_body or not secret:
        form |= {"client_id": client, **({"client_secret": secret} if secret else {})}
    else:
        login = f"{quote_plus(client)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode('ascii')}"
    return form, headers


def _filled(text: Text, values: Mapping[str, str]) -> str:
    if isinstance(text, str):
        return text
    return "".join(
        part if isinstance(part, str) else values[part.secret] for part in text if isinstance(part, str | Secret)
    )


def _read(status: int, body: bytes) -> Grant:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    if status != 200:
        code = answer.get("error")
        known = f" ({code})" if isinstance(code, str) and _CODE.match(code) else ""
        raise NotGranted(f"The token server gave no token: it answered with status {status}{known}.")
    token = answer.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST or not (token.isascii() and token.isprintable()):
        raise NotGranted("The token server gave no token: its answer has no access_token that a header can carry.")
    return Grant(token, _lifetime(answer.get("expires_in")))


def _lifetime(given: object) -> float:
    """Seconds; some servers write them as text."""
    try:
        seconds = float(given) if isinstance(given, int | float | str) and not isinstance(given, bool) else LIFETIME
    except ValueError:
        return LIFETIME
    return min(seconds, 10 * 86_400.0) if seconds > 0 else LIFETIME  # nan, too
