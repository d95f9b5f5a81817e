"""What the demo shop answers, as one table: the server and the OpenAPI document are both made from it."""

from dataclasses import dataclass, field

from demo import schemas
from demo.schemas import Json

STOCK_FAILS_EVERY = 20  # GET /products/{product_id}/stock: every 20th request, 5 %
PAYMENT_FAILS_EVERY = 10  # POST /payments: every 10th request, 10 %


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. Its response times go up and down evenly between `low` and `high` milliseconds, so the average
    is the middle; every `fails_every`th request (0: none) is answered with 503. `security` names the scheme of
    demo/security.py that it needs; `status` is that of a good answer, `headers` its headers that are worth a word.
    `key`: METHOD /path/{template}, as in the counts and as Metric Vault names a scenario's requests."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    low: float
    high: float
    fails_every: int = 0
    parameters: tuple[Json, ...] = ()
    body: Json | None = field(default=None)
    form: bool = False
    status: int = 200
    security: str = ""
    headers: tuple[str, ...] = ()
    remark: str = ""
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.method} {self.path}")


_PRODUCTS = (
    Route("GET", "/health", "health", "Health", "Answers at once", 0, 0),
    Route(
        "GET",
        "/products",
        "list_products",
        "Products",
        "Products, twenty a page",
        4,
        12,
        parameters=(schemas.CATEGORY, schemas.PAGE),
    ),
    Route("GET", "/products/{product_id}", "get_product", "Products", "One product", 2, 8, 0, (schemas.PRODUCT,)),
    Route(
        "GET",
        "/products/{product_id}/stock",
        "get_stock",
        "Products",
        "What is left of a product",
        5,
        15,
        STOCK_FAILS_EVERY,
        (schemas.PRODUCT,),
    ),
    Route("GET", "/search", "search", "Products", "Products by word", 15, 45, parameters=(schemas.WORD,)),
)

_ORDERS = (
    Route(
        "POST",
        "/orders",
        "create_order",
        "Orders",
        "Place an order",
        10,
        30,
        body=schemas.ORDER_BODY,
        status=201,
        headers=("Location", "ETag"),
        remark="Every order gets a number of its own: id in the answer, and at the end of its header Location.",
    ),
    Route(
        "GET",
        "/orders",
        "list_orders",
        "Orders",
        "Orders, the newest first, twenty a page",
        5,
        15,
        parameters=(schemas.PAGE,),
        remark="주문 목록, 최신순. A hundred sample orders stand at the end.",
    ),
    Route(
        "GET",
        "/orders/{order_id}",
        "get_order",
        "Orders",
        "One order",
        3,
        9,
        parameters=(schemas.ORDER,),
        headers=("ETag",),
        remark="404 for one that was cancelled, and for one that was not placed yet.",
    ),
    Route(
        "DELETE",
        "/orders/{order_id}",
        "cancel_order",
        "Orders",
        "Cancel an order",
        5,
        15,
        parameters=(schemas.ORDER,),
        status=204,
        remark=(
            "An order that was placed is gone then: 404 from now on. Of the samples below "
            f"{schemas.FIRST_ORDER:,} there is always another one. 주문을 취소합니다."
        ),
    ),
    Route(
        "POST",
        "/payments",
        "create_payment",
        "Payments",
        "Pay for an order",
        20,
        60,
        PAYMENT_FAILS_EVERY,
        body=schemas.PAYMENT_BODY,
        status=201,
    ),
    Route("GET", "/reports/sales", "sales_report", "Reports", "Sales of the day, a slow one", 300, 500),
)

_ACCOUNT = (
    Route(
        "POST",
        "/login",
        "login",
        "Account",
        "Log in with e-mail and password",
        10,
        30,
        body=schemas.LOGIN_BODY,
        headers=("Set-Cookie",),
        remark=(
            "Everybody has an account: the password is pw- and what stands before the @ of the e-mail address. "
            f"비밀번호는 pw-와 이메일의 @ 앞부분입니다. For example {schemas.DEMO_EMAIL} with {schemas.DEMO_PASSWORD}. "
            "The token is for Authorization: Bearer; the cookie session carries it too."
        ),
    ),
    Route(
        "POST",
        "/oauth/token",
        "issue_token",
        "Account",
        "OAuth2: a token by client credentials or password",
        5,
        15,
        body=schemas.TOKEN_BODY,
        form=True,
        remark=(
            "RFC 6749, 4.3 and 4.4. Any client is known: its secret is secret- and its id, as "
            f"{schemas.DEMO_CLIENT} with {schemas.DEMO_SECRET}; in the body, or in Authorization: Basic. The password "
            "grant takes those of POST /login, and needs no client."
        ),
    ),
    Route("GET", "/me", "me", "Account", "Who I am. 내 정보", 2, 8, security="bearer"),
    Route("GET", "/account/points", "points", "Account", "My points. 적립금", 2, 8, security="basic"),
    Route("GET", "/account/coupons", "coupons", "Account", "My coupons. 쿠폰", 2, 8, security="apiKeyHeader"),
    Route("GET", "/account/wishlist", "wishlist", "Account", "My wishes. 찜 목록", 2, 8, security="apiKeyQuery"),
    Route("GET", "/account/cart", "cart", "Account", "My cart. 장바구니", 2, 8, security="sessionCookie"),
    Route(
        "GET",
        "/account/subscriptions",
        "subscriptions",
        "Account",
        "My subscriptions. 정기 배송",
        2,
        8,
        security="oauth2Password",
    ),
    Route(
        "GET",
        "/partner/prices",
        "partner_prices",
        "Account",
        "Prices for a partner's shop. 제휴사 가격",
        2,
        8,
        security="oauth2Client",
    ),
)

ROUTES: tuple[Route, ...] = (*_PRODUCTS, *_ORDERS, *_ACCOUNT)

_PATTERNS = tuple((route, route.path.split("/")) for route in ROUTES if "{" in route.path)
_PLAIN = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
_PLAIN_PATHS = {path for _method, path in _PLAIN}


def find(method: str, path: str) -> tuple[Route | None, str, int]:
    """The operation at an address, the value of its path parameter ("" where it has none), and the status to answer
    where there is no such operation: 404, or 405 where only the method is wrong."""
    route = _PLAIN.get((method, path))
    if route is not None:
        return route, "", 200
    status = 405 if path in _PLAIN_PATHS else 404
    parts = path.split("/")
    for route, pattern in _PATTERNS:
        # Every path parameter stands second.
        if len(pattern) != len(parts) or pattern[1] != parts[1] or pattern[3:] != parts[3:]:
            continue
        if route.method == method:
            return route, parts[2], 200
        status = 405
    return None, "", status
