"""The OpenAPI 3.1 document of the demo shop."""

from demo.routes import ROUTES, Route
from demo.schemas import DEMO_CLIENT, DEMO_SECRET, SAMPLES, Json
from demo.security import SCHEMES

_TAGS = {
    "Products": "What the shop sells.",
    "Orders": "Placing and following orders. 주문을 넣고 확인합니다.",
    "Payments": "Every tenth payment fails, always: a known error rate of 10 %.",
    "Reports": "Slow answers, to see what that looks like under load.",
    "Account": "Logging in, and pages that need it: one for each security scheme. 로그인과 내 정보.",
    "Health": "For probes, and for measuring the load generator itself.",
}
_ABOUT = (
    "A shop that sells tea, with known response times and a known error rate.\n\n"
    "A journey: log in (demo@example.com with pw-demo, or any other e-mail address with pw- and what stands before its "
    "@), list the orders, place one, look at it, cancel it. 로그인 → 주문 목록 → 주문 → 조회 → 취소."
)
_FORM = "application/x-www-form-urlencoded"
_SAID = {
    "Location": "Where the order is.",
    "ETag": "The order's version.",
    "Set-Cookie": "session, with the token.",
    "WWW-Authenticate": "What is asked for.",
}
_ERROR = {
    "description": "The shop says why.",
    "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}},
}


def document() -> Json:
    """The whole document; `servers` is relative, so it holds for whatever address the shop is reached by."""
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Demo shop", "version": "1.1.0", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {"securitySchemes": SCHEMES},
    }


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": " ".join(filter(None, (route.remark, describe(route)))),
        "responses": {str(route.status): _success(route)},
    }
    if route.parameters:
        operation["parameters"] = list(route.parameters)
    if route.parameters or route.body:
        operation["responses"]["4XX"] = _ERROR
    if route.fails_every:
        operation["responses"]["503"] = _ERROR
    if route.security:
        operation["security"] = [{route.security: []}]
        operation["responses"]["401"] = {**_ERROR, "headers": _headers("WWW-Authenticate")}
    if route.body:
        operation["requestBody"] = {"required": True, "content": _body(route)}
    return operation


def _success(route: Route) -> Json:
    success: Json = {"description": "Done."}
    if route.status != 204:
        media = {"schema": {"type": "object"}, "example": SAMPLES[route.name]}
        success["content"] = {"application/json": media}
    if route.headers:
        success["headers"] = _headers(*route.headers)
    return success


def _body(route: Route) -> Json:
    if not route.form:
        return {"application/json": {"schema": route.body}}
    example = {"grant_type": "client_credentials", "client_id": DEMO_CLIENT, "client_secret": DEMO_SECRET}
    return {_FORM: {"schema": route.body, "example": example}}


def _headers(*names: str) -> Json:
    return {name: {"description": _SAID[name], "schema": {"type": "string"}} for name in names}


def describe(route: Route) -> str:
    """How long the operation takes and how often it fails, in a sentence."""
    if not route.high:
        return "Answers without any delay."
    text = f"Takes {route.low:g} to {route.high:g} ms, {(route.low + route.high) / 2:g} ms on average."
    return text + (f" Every {route.fails_every}th request fails with 503." if route.fails_every else "")
