"""A step and its endpoint as the request that k6 will send, or the reasons why it cannot be sent."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from secrets import token_hex
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from django.utils.translation import gettext as _

from loadtests import parameters
from loadtests.k6 import templates
from loadtests.k6.plan import Encoding, Part, RequestPlan, Text
from loadtests.payload import HEADER, StepIn
from loadtests.surroundings import Surroundings
from metricvault.lib.errors import Detail
from projects.models import Endpoint
from projects.openapi import body_of

LONGEST_ADDRESS = 8192
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_SET_BY_K6 = {"content-length", "transfer-encoding", "connection"}
_BODILESS = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}

Chosen = list[tuple[parameters.Parameter, Any]]  # a parameter and the value it is sent with


class Request(NamedTuple):
    """`plan` is None where there are problems. Fields are dotted paths into the load test."""

    plan: RequestPlan | None
    problems: list[Detail]
    warnings: list[Detail]


class Place(NamedTuple):
    """Where a step stands: `where` in the load test (`scenarios.0.steps.1.`), `title` for sentences, and the variables
    that steps before it take."""

    where: str
    title: str
    taken: tuple[str, ...] = ()


def build_request(step: StepIn, endpoint: Endpoint, place: Place, around: Surroundings) -> Request:
    """The request of a step."""
    return _Building(step, endpoint, place, around).result()


def body_text(step: StepIn, endpoint: Endpoint, asked: Any) -> tuple[str, str]:
    """The body `asked` of a step as text, and its media type: None is the document's example, JSON is written out as
    the media type wants it."""
    described = endpoint.request_body or {"required": False, "content": []}
    entry = _entry(described["content"], step.content_type)
    media_type = _media_type(step.content_type, entry, asked)
    if asked is None:
        wanted = entry is not None and (described["required"] or endpoint.method not in _BODILESS)
        return (entry["text"] if entry and wanted else ""), media_type
    if isinstance(asked, str):
        return asked, media_type
    return body_of(asked, media_type, _encoding(entry))


class _Holes:
    """Stands in for what is filled in later, by words that no encoding changes, while the text around is encoded."""

    def __init__(self, around: Surroundings, taken: tuple[str, ...]) -> None:
        self._around, self._taken = around, taken
        self._parts: list[Part] = []
        self._mark = f"zq{token_hex(8)}n"  # nobody can write it, whatever stands in a text

    def hide(self, value: Any) -> Any:
        """A value with its placeholders replaced, those within lists and objects, too."""
        if isinstance(value, list):
            return [self.hide(item) for item in value]
        if isinstance(value, dict):
            return {name: self.hide(item) for name, item in value.items()}
        if not isinstance(value, str) or "{{" not in value:
            return value
        text = self._around.text(value, "raw", self._taken)
        return text if isinstance(text, str) else "".join(map(self.stand_in, text))

    def stand_in(self, part: Part) -> str:
        """Plain text itself, else the word that stands for a part."""
        if isinstance(part, str):
            return part
        self._parts.append(part)
        return f"{self._mark}{len(self._parts) - 1}q"

    def show(self, text: str, how: Encoding) -> Text:
        """The text with its parts back in their places."""
        if not self._parts:
            return text
        first, *others = text.split(self._mark)
        return templates.joined([first, *(part for piece in others for part in self._after(piece, how))])

    def _after(self, piece: str, how: Encoding) -> tuple[Part, str]:
        """A part, and the text behind it."""
        number, _end, rest = piece.partition("q")
        return self._part(number, how), rest

    def _part(self, number: str, how: Encoding) -> Part:
        part = self._parts[int(number)]
        return part if isinstance(part, str) else replace(part, how=how)


class _Building:
    def __init__(self, step: StepIn, endpoint: Endpoint, place: Place, around: Surroundings) -> None:
        self._step = step
        self._endpoint = endpoint
        self._place = place
        self._around = around
        self._holes = _Holes(around, place.taken)
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
        self._credentials = self._around.credentials(self._endpoint)
        body, content_type = self._body()
        url = self._url()
        self._note_unknown()
        return RequestPlan(
            method=self._endpoint.method,
            url=url,
            name=str(self._endpoint),
            headers=tuple(self._headers(content_type).values()),
            body=body,
        )

    def _note_unknown(self) -> None:
        """Placeholders that name nothing: they are sent as they are."""
        step = self._step
        known = {**self._around.known, **dict.fromkeys(self._place.taken, "")}
        for field, text in _typed(step):
            for name in templates.unknown(text, known):
                message = _("Scenario “%(name)s”: nothing is named %(variable)s here. It is sent as it is.")
                self._warn(field, message, variable=f"{{{{{name}}}}}")
        given = {name.lower() for name in (*(step.headers or {}), *getattr(step.parameters, "header", {}))}
        lacking = self._around.lacks_credentials(self._endpoint)
        if lacking and not given & {"authorization", "cookie"}:
            message = _("“%(endpoint)s” asks for credentials (%(schemes)s), and the environment has none of them.")
            self._warn("endpoint_id", message, endpoint=str(self._endpoint), schemes=lacking)

    def _refuse(self, field: str, message: str, **params: str) -> None:
        self._problems.append(Detail(f"{self._place.where}{field}", message % {"name": self._place.title, **params}))

    def _warn(self, field: str, message: str, **params: str) -> None:
        self._warnings.append(Detail(f"{self._place.where}{field}", message % {"name": self._place.title, **params}))

    def _base(self) -> str:
        base, own = self._around.base_url, self._endpoint.base_url
        if not base:
            return _absolute(self._endpoint.target_url)
        return _absolute(base if not own or urlsplit(own).scheme else urljoin(base, own))

    def _url(self) -> Text:
        base = self._base()
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
        query = "&".join(pair for pair in (parameters.query_string(self._chosen("query")), *self._query_keys()) if pair)
        joint = ("&" if "?" in path else "?") if query else ""
        url = f"{base}{path}{joint}{query}"
        if len(url) > LONGEST_ADDRESS:
            message = _("Scenario “%(name)s”: the address is longer than %(most)s characters.")
            self._refuse("parameters", message, most=f"{LONGEST_ADDRESS:,}")
        return self._holes.show(url, "url")

    def _query_keys(self) -> Iterator[str]:
        for place, name, value in self._credentials:
            if place == "query":
                yield f"{quote(name, safe='')}={self._hidden(value)}"

    def _hidden(self, text: Text) -> str:
        return text if isinstance(text, str) else "".join(map(self._holes.stand_in, text))

    def _chosen(self, place: str) -> Chosen:
        """The parameters of a place that are sent, with their values; a required one without is a problem."""
        described = [parameter for parameter in self._endpoint.parameters if parameter["in"] == place]
        typed = getattr(self._step.parameters, place, {})
        if not described and not typed:
            return []
        typed = self._holes.hide(typed)
        given, chosen = dict(typed), Chosen()
        secured = {name.lower() for at, name, _value in self._credentials if at == place}
        for parameter in described:
            if parameter["name"].lower() in secured:
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

    def _headers(self, content_type: str) -> dict[str, tuple[str, Text]]:
        """By lower-case name, in the order of their first mention."""
        headers: dict[str, tuple[str, Text]] = {}
        for field, name, value in self._header_values():
            if not HEADER.fullmatch(name) or name.lower() in _SET_BY_K6:
                self._refuse(field, _("Scenario “%(name)s”: %(header)s is not a header that can be set."), header=name)
            elif _CONTROL.search(value):
                self._refuse(field, _("Scenario “%(name)s”: header %(header)s has a line break in it."), header=name)
            else:
                headers[name.lower()] = (name, self._holes.show(value, "header"))
        pairs = [parameters.cookie_header(self._chosen("cookie"))]
        for place, name, text in self._credentials:
            if place == "header":
                headers.setdefault(name.lower(), (name, text))
            elif place == "cookie":
                pairs.append(f"{name}={self._hidden(text)}")
        if cookies := "; ".join(pair for pair in pairs if pair):
            own = headers.get("cookie", ("Cookie", ""))[1]
            shown = self._holes.show(cookies, "header")
            headers["cookie"] = ("Cookie", templates.joined([own, "; ", shown]) if own else shown)
        if content_type:
            headers.setdefault("content-type", ("Content-Type", content_type))
        for name, value in self._around.headers:
            headers.setdefault(name.lower(), (name, self._around.text(value, "header")))
        return headers

    def _header_values(self) -> Iterator[tuple[str, str, str]]:
        for parameter, value in self._chosen("header"):
            name = parameter["name"]
            yield f"parameters.header.{name}", name, parameters.header_value(parameter, value)
        for name, value in (self._step.headers or {}).items():
            yield f"headers.{name}", name, self._holes.hide(value)

    def _body(self) -> tuple[Text | None, str]:
        """The text that is sent and its media type; (None, "") where nothing is."""
        asked = self._step.body
        typed = asked is None or isinstance(asked, str)
        text, media_type = body_text(self._step, self._endpoint, asked if typed else self._holes.hide(asked))
        if not text.strip():
            if self._endpoint.request_body and self._endpoint.request_body["required"]:
                self._refuse("body", _("Scenario “%(name)s” needs a request body."))
            return None, ""
        kind = media_type.partition(";")[0].strip().lower()
        if kind.startswith("multipart/"):
            text = re.sub("\r?\n", "\r\n", text)  # its lines end so, whatever a text field made of them
        return self._filled_body(text, kind, typed=typed), media_type

    def _filled_body(self, text: str, kind: str, *, typed: bool) -> Text:
        is_json = kind.endswith(("/json", "+json"))
        how: Encoding = "raw"
        if is_json:
            how = "json"
        elif kind == "application/x-www-form-urlencoded":
            how = "form"
        elif kind.endswith(("/xml", "+xml")):
            how = "xml"
        if not typed:
            return self._holes.show(text, how)
        body = self._around.text(text, how, self._place.taken)
        if is_json and not _is_json(templates.outline(body)):
            self._warn("body", _("Scenario “%(name)s”: the body is not valid JSON. It is sent as it is."))
        return body


def _typed(step: StepIn) -> Iterator[tuple[str, str]]:
    """The texts of a step in which something may be to fill in, by field."""
    fields = [("body", step.body), *((f"headers.{name}", value) for name, value in (step.headers or {}).items())]
    for place in ("path", "query", "header", "cookie"):
        given = getattr(step.parameters, place, {})
        fields += [(f"parameters.{place}.{name}", value) for name, value in given.items()]
    for field, value in fields:
        text = value if isinstance(value, str) or not value else json.dumps(value, ensure_ascii=False)
        if text and "{{" in text:
            yield field, text


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
