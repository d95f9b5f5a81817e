"""What the demo shop answers, as one table: the server and the OpenAPI document are both made from it."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

PRODUCTS = 200  # known product ids are 1 to this
STOCK_FAILS_EVERY = 20  # GET /products/{product_id}/stock: every 20th request, 5 %
PAYMENT_FAILS_EVERY = 10  # POST /payments: every 10th request, 10 %


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. Its response times go up and down evenly between `low` and `high` milliseconds, so the average
    is the middle; every `fails_every`th request (0: none) is answered with 503."""

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

    @property
    def key(self) -> str:
        """`METHOD /path/{template}`, as in the counts and as Metric Vault names a scenario's requests."""
        return f"{self.method} {self.path}"


def _path_id(name: str, description: str) -> Json:
    schema = {"type": "integer", "minimum": 1, "example": 7}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_PRODUCT = _path_id("product_id", f"A product, 1 to {PRODUCTS}.")
_ORDER = _path_id("order_id", "An order; every number is one.")
_CATEGORY = {"type": "string", "enum": ["tea", "coffee", "한과", "cups"]}
_PAGE = {"type": "integer", "minimum": 1, "default": 1}

_ORDER_BODY: Json = {
    "type": "object",
    "required": ["product_id", "quantity", "recipient"],
    "properties": {
        "product_id": {"type": "integer", "minimum": 1, "maximum": PRODUCTS, "example": 7},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99, "example": 2},
        "recipient": {"type": "string", "minLength": 1, "example": "홍길동"},
        "address": {"type": "string", "example": "서울특별시 종로구 세종대로 175"},
        "gift": {"type": "boolean", "default": False},
    },
}
_PAYMENT_BODY: Json = {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {
        "order_id": {"type": "integer", "minimum": 1, "example": 7},
        "amount": {"type": "number", "exclusiveMinimum": 0, "example": 24000},
        "method": {"type": "string", "enum": ["card", "transfer", "kakaopay"], "default": "card"},
    },
}

ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", "health", "Health", "Answers at once", 0, 0),
    Route(
        "GET",
        "/products",
        "list_products",
        "Products",
        "Products, twenty a page",
        4,
        12,
        parameters=(_query("category", "Only this category.", _CATEGORY), _query("page", "Page number.", _PAGE)),
    ),
    Route("GET", "/products/{product_id}", "get_product", "Products", "One product", 2, 8, parameters=(_PRODUCT,)),
    Route(
        "GET",
        "/products/{product_id}/stock",
        "get_stock",
        "Products",
        "What is left of a product",
        5,
        15,
        STOCK_FAILS_EVERY,
        parameters=(_PRODUCT,),
    ),
    Route(
        "GET",
        "/search",
        "search",
        "Products",
        "Products by word",
        15,
        45,
        parameters=(
            {
                "name": "q",
                "in": "query",
                "required": True,
                "description": "The word, in any language.",
                "schema": {"type": "string", "minLength": 1, "example": "녹차"},
            },
        ),
    ),
    Route("POST", "/orders", "create_order", "Orders", "Place an order", 10, 30, body=_ORDER_BODY),
    Route("GET", "/orders/{order_id}", "get_order", "Orders", "One order", 3, 9, parameters=(_ORDER,)),
    Route("DELETE", "/orders/{order_id}", "cancel_order", "Orders", "Cancel an order", 5, 15, parameters=(_ORDER,)),
    Route(
        "POST",
        "/payments",
        "create_payment",
        "Payments",
        "Pay for an order",
        20,
        60,
        PAYMENT_FAILS_EVERY,
        body=_PAYMENT_BODY,
    ),
    Route("GET", "/reports/sales", "sales_report", "Reports", "Sales of the day, a slow one", 300, 500),
)
