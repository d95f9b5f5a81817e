"""A scenario and its endpoint as the request that k6 will send, or the reasons why it cannot be sent."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from loadtests import parameters
from loadtests.asking import ScenarioIn
from loadtests.k6.plan import RequestPlan
from metricvault.lib.errors import Detail
from projects.models import Endpoint
from projects.openapi import body_of

LONGEST_ADDRESS = 8192
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_SET_BY_K6 = {"content-length", "transfer-encoding", "connection"}
_BODILESS = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}

Chosen = list[tuple[parameters.Parameter, Any]]  # a parameter and the value it is sent with


class Request(NamedTuple):
    """`plan` is None where there are problems. Fields are dotted paths into the load test."""

    plan: RequestPlan | None
    problems: list[Detail]
    warnings: list[Detail]


def build_request(scenario: ScenarioIn, endpoint: Endpoint, where: str) -> Request:
    """The request of a scenario; `where` is its path, `scenarios.0`."""
    return _Building(scenario, endpoint, where).result()


class _Building:
    def __init__(self, scenario: ScenarioIn, endpoint: Endpoint, where: str) -> None:
        self._scenario = scenario
        self._endpoint = endpoint
        self._where = where
        self._title = scenario.name or str(endpoint)
        self._problems: list[Detail] = []
        self._warnings: list[Detail] = []

    def result(self) -> Request:
        try:
            plan = self._plan()
        except RecursionError:
            self._refuse("body", _("Scenario “%(name)s”: a value is nested too deeply."))
            plan = None
        return Request(None if self._problems else plan, self._problems, self._warnings)

    def _plan(self) -> RequestPlan:
        body, content_type = self._body()
        url = self._url()
        return RequestPlan(
            method=self._endpoint.method,
            url=url,
            name=str(self._endpoint),
            headers=tuple(self._headers(content_type).values()),
            body=body,
        )

    def _refuse(self, field: str, message: str, **params: str) -> None:
        self._problems.append(Detail(f"{self._where}.{field}", message % {"name": self._title, **params}))

    def _warn(self, field: str, message: str, **params: str) -> None:
        self._warnings.append(Detail(f"{self._where}.{field}", message % {"name": self._title, **params}))

    def _url(self) -> str:
        base = _absolute(self._endpoint.target_url)
        if not base:
            message = _("“%(document)s” has no base URL. Open it and write one, such as https://api.example.com.")
            self._refuse("endpoint_id", message, document=str(self._endpoint.openapi_spec))
        values = {parameter["name"]: (parameter, value) for parameter, value in self._chosen("path")}
        for name in dict.fromkeys(parameters.PATH_NAME.findall(self._endpoint.path)):
            if name not in values:
                message = _("Scenario “%(name)s” needs a value for path parameter %(parameter)s.")
                self._refuse(f"parameters.path.{name}", message, parameter=name)
                values[name] = ({"name": name}, "")
        path = parameters.fill_path(self._endpoint.path, values)
        query = parameters.query_string(self._chosen("query"))
        joint = ("&" if "?" in path else "?") if query else ""
        url = f"{base}{path}{joint}{query}"
        if len(url) > LONGEST_ADDRESS:
            message = _("Scenario “%(name)s”: the address is longer than %(most)s characters.")
            self._refuse("parameters", message, most=f"{LONGEST_ADDRESS:,}")
        return url

    def _chosen(self, place: str) -> Chosen:
        """The parameters of a place that are sent, with their values; a required one without is a problem."""
        typed = getattr(self._scenario.parameters, place, {})
        given, chosen = dict(typed), Chosen()
        for parameter in self._endpoint.parameters:
            if parameter["in"] != place:
                continue
            name = _spelled(given, parameter["name"], any_case=place == "header")
            value = given.pop(name, None)
            if value is None and parameter["required"]:
                value = parameter["value"]
            if value is not None and (value != "" or (name not in typed and place != "path")):
                chosen.append((parameter, value))
            elif parameter["required"] and place != "path":  # path parameters are looked for by the path itself
                self._needs(place, parameter["name"])
        plain = {"in": place, "style": "simple" if place in ("path", "header") else "form", "explode": True}
        return chosen + [({"name": name, **plain}, value) for name, value in given.items() if value not in (None, "")]

    def _needs(self, place: str, name: str) -> None:
        message = {
            "query": _("Scenario “%(name)s” needs a value for query parameter %(parameter)s."),
            "header": _("Scenario “%(name)s” needs a value for header %(parameter)s."),
            "cookie": _("Scenario “%(name)s” needs a value for cookie %(parameter)s."),
        }[place]
        self._refuse(f"parameters.{place}.{name}", message, parameter=name)

    def _headers(self, content_type: str) -> dict[str, tuple[str, str]]:
        """By lower-case name, in the order of their first mention."""
        headers: dict[str, tuple[str, str]] = {}
        for field, name, value in self._header_values():
            if not _TOKEN.fullmatch(name) or name.lower() in _SET_BY_K6:
                self._refuse(field, _("Scenario “%(name)s”: %(header)s is not a header that can be set."), header=name)
            elif _CONTROL.search(value):
                self._refuse(field, _("Scenario “%(name)s”: header %(header)s has a line break in it."), header=name)
            else:
                headers[name.lower()] = (name, value)
        cookies = parameters.cookie_header(self._chosen("cookie"))
        if cookies:
            own = headers.get("cookie", ("Cookie", ""))[1]
            headers["cookie"] = ("Cookie", f"{own}; {cookies}" if own else cookies)
        if content_type:
            headers.setdefault("content-type", ("Content-Type", content_type))
        return headers

    def _header_values(self) -> Iterator[tuple[str, str, str]]:
        for parameter, value in self._chosen("header"):
            name = parameter["name"]
            yield f"parameters.header.{name}", name, parameters.header_value(parameter, value)
        for name, value in (self._scenario.headers or {}).items():
            yield f"headers.{name}", name, value

    def _body(self) -> tuple[str | None, str]:
        """The text that is sent and its media type; (None, "") where nothing is."""
        described = self._endpoint.request_body or {"required": False, "content": []}
        entry = _entry(described["content"], self._scenario.content_type)
        asked, required = self._scenario.body, described["required"]
        media_type = _media_type(self._scenario.content_type, entry, asked)
        if asked is None:
            wanted = entry is not None and (required or self._endpoint.method not in _BODILESS)
            text = entry["text"] if entry and wanted else ""
        elif isinstance(asked, str):
            text = asked
        else:
            text, media_type = body_of(asked, media_type, _encoding(entry))
        if not text.strip():
            if required:
                self._refuse("body", _("Scenario “%(name)s” needs a request body."))
            return None, ""
        kind = media_type.partition(";")[0].strip().lower()
        if kind.endswith(("/json", "+json")) and not _is_json(text):
            self._warn("body", _("Scenario “%(name)s”: the body is not valid JSON. It is sent as it is."))
        if kind.startswith("multipart/"):
            text = re.sub("\r?\n", "\r\n", text)  # its lines end so, whatever a text field made of them
        return text, media_type


def _absolute(base_url: str) -> str:
    """The base address ready to be followed by a path; "" where it is none."""
    try:
        parts = urlsplit(base_url.strip())
        host, _port = parts.hostname, parts.port
        if parts.scheme not in ("http", "https") or not host:
            return ""
        netloc = parts.netloc if host.isascii() else parts.netloc.replace(host, host.encode("idna").decode())
    except ValueError:
        return ""
    return f"{parts.scheme}://{netloc}{parameters.encode_address(parts.path).rstrip('/')}"


def _spelled(given: dict[str, Any], name: str, *, any_case: bool) -> str:
    """How the caller spelled a parameter's name."""
    if any_case and name not in given:
        return next((spelling for spelling in given if spelling.lower() == name.lower()), name)
    return name


def _entry(content: list[dict[str, Any]], media_type: str | None) -> dict[str, Any] | None:
    """The described body of a media type; the preferred one where none is asked for."""
    if not media_type:
        return content[0] if content else None
    kind = media_type.partition(";")[0].strip().lower()
    return next((one for one in content if one["media_type"].partition(";")[0].strip().lower() == kind), None)


def _encoding(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    return entry.get("encoding") if entry else None  # documents imported before it was read have none


def _media_type(asked: str | None, entry: dict[str, Any] | None, body: Any) -> str:
    """With its boundary, which only the described one has, where the body is multipart."""
    if entry and (not asked or "boundary=" in entry["media_type"]):
        return str(entry["media_type"])
    if asked:
        return asked
    return "text/plain; charset=utf-8" if isinstance(body, str) and not _is_json(body) else "application/json"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
