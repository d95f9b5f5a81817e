"""JSON schemas, parameters and example answers that the routes are described with."""

from typing import Any

Json = dict[str, Any]

PRODUCTS = 200  # known product ids are 1 to this
FIRST_ORDER = 1_000_000  # orders that are placed are numbered after this; every number below it is an order as well

DEMO_EMAIL, DEMO_PASSWORD = "demo@example.com", "pw-demo"
DEMO_CLIENT, DEMO_SECRET = "tea-app", "secret-tea-app"
DEMO_KEY = "key-demo"


def path_id(name: str, description: str) -> Json:
    schema = {"type": "integer", "minimum": 1, "example": 7}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def query(name: str, description: str, schema: Json, required: bool = False) -> Json:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


PRODUCT = path_id("product_id", f"A product, 1 to {PRODUCTS}.")
ORDER = path_id("order_id", f"An order; every number is one, from {FIRST_ORDER + 1:,} on those that were placed.")
CATEGORY = query("category", "Only this category.", {"type": "string", "enum": ["tea", "coffee", "한과", "cups"]})
PAGE = query("page", "Page number.", {"type": "integer", "minimum": 1, "default": 1})
WORD = query("q", "The word, in any language.", {"type": "string", "minLength": 1, "example": "녹차"}, required=True)

ORDER_BODY: Json = {
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
PAYMENT_BODY: Json = {
    "type": "object",
    "required": ["order_id", "amount"],
    "properties": {
        "order_id": {"type": "integer", "minimum": 1, "example": 7},
        "amount": {"type": "number", "exclusiveMinimum": 0, "example": 24000},
        "method": {"type": "string", "enum": ["card", "transfer", "kakaopay"], "default": "card"},
    },
}
LOGIN_BODY: Json = {
    "type": "object",
    "required": ["email", "password"],
    "properties": {
        "email": {"type": "string", "format": "email", "example": DEMO_EMAIL},
        "password": {"type": "string", "format": "password", "example": DEMO_PASSWORD},
    },
}
TOKEN_BODY: Json = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {
            "type": "string",
            "enum": ["client_credentials", "password"],
            "example": "client_credentials",
        },
        "client_id": {"type": "string", "description": "Unless Authorization: Basic names it.", "example": DEMO_CLIENT},
        "client_secret": {"type": "string", "format": "password", "example": DEMO_SECRET},
        "username": {"type": "string", "description": "Of the password grant: an e-mail address."},
        "password": {"type": "string", "format": "password", "description": "Of the password grant."},
        "scope": {"type": "string", "description": "Is answered as it was asked for."},
    },
}

# Example answers.
ONE_PRODUCT: Json = {"id": 7, "name": "Earl Grey 7", "category": "tea", "price": 7500}
ONE_ORDER: Json = {"id": 7, "state": "paid", "recipient": "홍길동", "total": 24000}
ONE_USER: Json = {"id": 123456789, "email": DEMO_EMAIL}
TOKEN = "eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"  # noqa: S105, an example
SAMPLES: dict[str, Json] = {
    "health": {"status": "ok"},
    "list_products": {"items": [ONE_PRODUCT], "count": 200},
    "get_product": ONE_PRODUCT,
    "get_stock": {"product_id": 7, "left": 49},
    "search": {"q": "녹차", "items": [ONE_PRODUCT]},
    "create_order": {
        "id": FIRST_ORDER + 1,
        "state": "accepted",
        "received": {"product_id": 7, "quantity": 2, "recipient": "홍길동"},
    },
    "list_orders": {"items": [ONE_ORDER], "count": 100},
    "get_order": ONE_ORDER,
    "create_payment": {
        "id": 1001,
        "state": "accepted",
        "received": {"order_id": 7, "amount": 24000, "method": "card"},
    },
    "sales_report": {"orders": 1284, "revenue": 30_816_000, "currency": "KRW"},
    "login": {"token": TOKEN, "user": ONE_USER, "expires_in": 3600},
    "issue_token": {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600},
    "me": {"kind": "login", "user": ONE_USER},
    "points": {"user": ONE_USER, "points": 1250, "grade": "단골"},
    "coupons": {"owner": DEMO_KEY, "items": [{"code": "TEA-10", "name": "녹차 10 % 할인"}], "count": 1},
    "wishlist": {"owner": DEMO_KEY, "items": [ONE_PRODUCT], "count": 1},
    "cart": {"owner": DEMO_EMAIL, "items": [{"product_id": 7, "quantity": 2}], "total": 15000},
    "subscriptions": {"owner": DEMO_EMAIL, "items": [{"product_id": 7, "every": "1 month"}], "count": 1},
    "partner_prices": {"partner": DEMO_CLIENT, "items": [{"product_id": 7, "price": 6000}], "count": 1},
}
