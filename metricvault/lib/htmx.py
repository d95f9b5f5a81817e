"""One view, one context, two renderings."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_page(
    request: HttpRequest, page: str, partial: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """The partial for an HTMX request that is not boosted, else the page that includes it."""
    htmx = getattr(request, "htmx", None)
    template = partial if htmx and not htmx.boosted else page
    response = render(request, template, context, status=status)
    response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response
