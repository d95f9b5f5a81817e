"""What is behind a login: the login itself, OAuth2's token endpoint, and pages of one's own."""

from collections import Counter
from urllib.parse import parse_qs, unquote_plus

from demo.answers import Answer, Request, content_of, encode, refusal
from demo.products import price, product
from demo.security import holder_of
from demo.tokens import LONGEST, Holder, Tokens, basic, is_password, is_secret, user

EXPIRES_IN = 3600.0
_GRANTS = ("client_credentials", "password")
_NO_STORE = (b"cache-control", b"no-store")


class Account:
    """`expires_in`: seconds that a token of POST /oauth/token holds; one of POST /login holds an hour.
    `granted`: how many tokens were given out by each grant since the last reset."""

    def __init__(self, expires_in: float = EXPIRES_IN) -> None:
        self.expires_in = expires_in
        self.granted: Counter[str] = Counter()
        self._tokens = Tokens()

    def login(self, request: Request, number: int) -> Answer:
        content = content_of(request)
        if isinstance(content, Answer):
            return content
        email = content["email"]
        if not is_password(email, content["password"]):
            challenge = (b"www-authenticate", b'Login realm="Demo shop"')
            return refusal(401, "The password is pw- and what stands before the @.", (challenge,))
        token = self._tokens.issue(Holder("login", email), request.now + EXPIRES_IN)
        cookie = f"session={token}; Path=/; Max-Age={EXPIRES_IN:.0f}; HttpOnly; SameSite=Lax"
        answer = {"token": token, "user": user(email), "expires_in": int(EXPIRES_IN)}
        return encode(200, answer, ((b"set-cookie", cookie.encode()), _NO_STORE))

    def issue_token(self, request: Request, number: int) -> Answer:
        """RFC 6749, 4.3 and 4.4; its errors are those of 5.2."""
        try:
            form = parse_qs(request.body.decode(), keep_blank_values=True, max_num_fields=50)
        except ValueError:
            return _error(400, "invalid_request")
        given = {name: values[0] for name, values in form.items() if len(values) == 1}
        is_form = request.header(b"content-type").lower().startswith("application/x-www-form-urlencoded")
        if not is_form or len(given) != len(form) or not given.get("grant_type"):
            return _error(400, "invalid_request")
        grant = given["grant_type"]
        if grant not in _GRANTS:
            return _error(400, "unsupported_grant_type")
        client = _client(request, given)
        if isinstance(client, Answer):
            return client
        if grant == "client_credentials":
            return self._granted(grant, client, request, given) if client else _error(401, "invalid_client")
        if not is_password(given.get("username"), given.get("password")):
            return _error(400, "invalid_grant")
        return self._granted(grant, given["username"], request, given)

    def _granted(self, grant: str, name: str, request: Request, given: dict[str, str]) -> Answer:
        self.granted[grant] += 1
        token = self._tokens.issue(Holder(grant, name), request.now + self.expires_in)
        lasts = self.expires_in if self.expires_in % 1 else int(self.expires_in)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": lasts}
        if given.get("scope"):
            answer["scope"] = given["scope"][:LONGEST]
        return encode(200, answer, (_NO_STORE,))

    def page(self, request: Request, number: int) -> Answer:
        """One of the pages that need a security scheme."""
        holder = holder_of(request, self._tokens)
        return holder if isinstance(holder, Answer) else _page(request.route.name, holder)


def _page(name: str, holder: Holder) -> Answer:
    if name == "me":
        who = {"client": holder.name} if holder.kind == "client_credentials" else {"user": user(holder.name)}
        return encode(200, {"kind": holder.kind, **who})
    if name == "points":
        return encode(200, {"user": user(holder.name), "points": 1250, "grade": "단골"})
    if name == "cart":
        cart = {"items": [{"product_id": 7, "quantity": 2}], "total": 2 * price(7)}
        return encode(200, {"owner": holder.name, **cart})
    item = {
        "coupons": {"code": "TEA-10", "name": "녹차 10 % 할인"},
        "wishlist": product(7),
        "subscriptions": {"product_id": 7, "every": "1 month"},
        "partner_prices": {"product_id": 7, "price": 6000},
    }[name]
    return encode(200, {"partner" if name == "partner_prices" else "owner": holder.name, "items": [item], "count": 1})


def _client(request: Request, given: dict[str, str]) -> str | Answer:
    """The id of the client by either way of RFC 6749, 2.3.1; "" where none is named."""
    header = request.header(b"authorization")
    if header:
        named = basic(header)
        if "client_secret" in given:
            return _error(400, "invalid_request")  # never two ways at once
        if named is None or not is_secret(unquote_plus(named[0]), unquote_plus(named[1])):
            return _error(401, "invalid_client")
        return unquote_plus(named[0])
    client = given.get("client_id", "")
    if not client or ("client_secret" not in given and given["grant_type"] == "password"):
        return ""  # a public client
    return client if is_secret(client, given.get("client_secret", "")) else _error(401, "invalid_client")


def _error(status: int, code: str) -> Answer:
    said = {
        "invalid_request": "A form with grant_type, once, and one way of naming the client.",
        "unsupported_grant_type": f"One of {', '.join(_GRANTS)}.",
        "invalid_client": "The secret of a client is secret- and its id.",
        "invalid_grant": "The password is pw- and what stands before the @ of the username.",
    }[code]
    challenge = ((b"www-authenticate", b'Basic realm="Demo shop"'),) if status == 401 else ()
    return encode(status, {"error": code, "error_description": said}, (*challenge, _NO_STORE))
