"""The headers that every answer bears, whoever made it: Django, a part before it, or the files beside it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from metricvault.lib.asgi import Message, Send

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_CLOSED = ("camera", "display-capture", "geolocation", "gyroscope", "microphone", "midi", "payment", "usb")
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",  # no page that opened ours holds on to it
    "Cross-Origin-Resource-Policy": "same-origin",  # nothing of ours is a picture or a script of another site
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _CLOSED),
}
# What is no page, and says no policy of its own, loads nothing.
_NO_PAGE = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
_DATA = {"Cache-Control": "no-store"}  # what one person was told is kept by no proxy and no browser


def headers() -> dict[str, str]:
    """Those that hold for all; an answer's own come before them."""
    seconds = settings.SECURE_HSTS_SECONDS
    if not seconds:
        return _ALWAYS
    more = ["; includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    more += ["; preload"] if settings.SECURE_HSTS_PRELOAD else []
    return {**_ALWAYS, "Strict-Transport-Security": "".join([f"max-age={seconds}", *more])}


class HeadersMiddleware:
    """For what comes out of Django; files of our own may be kept, as WhiteNoise says."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in {**headers(), **_DATA}.items():
            response.headers.setdefault(name, value)
        return response


def with_headers(send: Send) -> Send:
    """For what does not come out of Django: `send` with what is missing."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = list(message.get("headers", ()))
            known = {name.lower() for name, _value in found}
            wanted = {**headers(), **_NO_PAGE, **_DATA}
            found += [
                (name.lower().encode(), value.encode())
                for name, value in wanted.items()
                if name.lower().encode() not in known
            ]
            message = {**message, "headers": found}
        await send(message)

    return sending
