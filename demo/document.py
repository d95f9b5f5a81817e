"""The OpenAPI 3.1 document of the demo shop."""

from demo.routes import ROUTES, Json, Route

_TAGS = {
    "Products": "What the shop sells.",
    "Orders": "Placing and following orders. 주문을 넣고 확인합니다.",
    "Payments": "Every tenth payment fails, always: a known error rate of 10 %.",
    "Reports": "Slow answers, to see what that looks like under load.",
    "Health": "For probes, and for measuring the load generator itself.",
}
_ERROR = {"description": "The shop says why.", "content": {"application/json": {"schema": {"type": "object"}}}}


def document() -> Json:
    """The whole document; `servers` is relative, so it holds for whatever address the shop is reached by."""
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Demo shop",
            "version": "1.0.0",
            "description": "A shop that sells tea, with known response times and a known error rate.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
    }


def _operation(route: Route) -> Json:
    success = {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": describe(route),
        "responses": {"201" if route.method == "POST" else "200": success},
    }
    if route.parameters:
        operation["parameters"] = list(route.parameters)
    if route.parameters or route.body:
        operation["responses"]["4XX"] = _ERROR
    if route.fails_every:
        operation["responses"]["503"] = _ERROR
    if route.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return operation


def describe(route: Route) -> str:
    """How long the operation takes and how often it fails, in a sentence."""
    if not route.high:
        return "Answers without any delay."
    text = f"Takes {route.low:g} to {route.high:g} ms, {(route.low + route.high) / 2:g} ms on average."
    return text + (f" Every {route.fails_every}th request fails with 503." if route.fails_every else "")
