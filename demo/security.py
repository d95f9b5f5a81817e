"""The shop's security schemes, as the document names them, and who stands behind a request that uses one."""

from demo.answers import Answer, Request, refusal
from demo.schemas import DEMO_EMAIL, DEMO_KEY, DEMO_PASSWORD, Json
from demo.tokens import Holder, Tokens, basic, is_key, is_password

_KEY = f"Any key that begins with key-, as {DEMO_KEY}."

SCHEMES: dict[str, Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of POST /login, or one of POST /oauth/token. 로그인에서 받은 토큰.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": f"E-mail and password of POST /login, as {DEMO_EMAIL} and {DEMO_PASSWORD}.",
    },
    "apiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": _KEY},
    "apiKeyQuery": {"type": "apiKey", "in": "query", "name": "api_key", "description": _KEY},
    "sessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": f"The cookie that POST /login sets. {_KEY}",
    },
    "oauth2Client": {
        "type": "oauth2",
        "description": "For other shops, without a user.",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
    "oauth2Password": {
        "type": "oauth2",
        "description": "For an app in which the user types the password.",
        "flows": {"password": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
}
# How a token has to have been given out to be taken by a scheme.
_KINDS = {
    "bearer": ("login", "password", "client_credentials"),
    "oauth2Client": ("client_credentials",),
    "oauth2Password": ("password",),
}


def holder_of(request: Request, tokens: Tokens) -> Holder | Answer:
    """Who sends the request by the scheme that its route names, or the 401 with its challenge (RFC 9110, 11.6.1)."""
    scheme = request.route.security
    if scheme in _KINDS:
        return _of_token(request, tokens, _KINDS[scheme])
    if scheme == "basic":
        who = basic(request.header(b"authorization"))
        return Holder("basic", who[0]) if who and is_password(*who) else _unknown('Basic realm="Demo shop"')
    key = request.header(b"x-api-key") if scheme == "apiKeyHeader" else request.asked("api_key")
    if scheme == "sessionCookie":
        key = _cookie(request, SCHEMES[scheme]["name"])
        if who_logged_in := tokens.holder(key, request.now):
            return who_logged_in
    return Holder("key", key) if is_key(key) else _unknown('ApiKey realm="Demo shop"')


def _of_token(request: Request, tokens: Tokens, kinds: tuple[str, ...]) -> Holder | Answer:
    word, _space, token = request.header(b"authorization").partition(" ")
    if word.lower() != "bearer":
        return _unknown('Bearer realm="Demo shop"')
    found = tokens.holder(token.strip(), request.now)
    return found if found and found.kind in kinds else _unknown('Bearer realm="Demo shop", error="invalid_token"')


def _cookie(request: Request, name: str) -> str:
    for part in request.header(b"cookie").split(";"):
        found, _equals, value = part.strip().partition("=")
        if found == name:
            return value
    return ""


def _unknown(challenge: str) -> Answer:
    headers = ((b"www-authenticate", challenge.encode()),)
    return refusal(401, "Say who you are: see the security schemes of /openapi.json.", headers)
