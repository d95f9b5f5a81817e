"""Requests as a server gets them: a stub that records, and the way back from text to values. Nothing of the product.

The way back follows OpenAPI 3, "Style Values", and `collectionFormat` of Swagger 2.0.
"""

import asyncio
import email.parser
import email.policy
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from projects.tests.judging import Judge, Raw

Pairs = list[tuple[str, str]]
_SEPARATORS = {"ssv": " ", "tsv": "\t", "pipes": "|", "spaceDelimited": " ", "pipeDelimited": "|"}


@dataclass
class Received:
    """One request, raw. Header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> Pairs:
        """Names decoded, values as they came."""
        pairs = [pair.partition("=") for pair in self.target.partition("?")[2].split("&") if pair]
        return [(unquote(name.replace("+", " ")), value) for name, _, value in pairs]


@dataclass
class Stub:
    """A server on loopback that answers 204 to everything and keeps what it was asked, in order."""

    received: list[Received] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8")
                first, *lines = head.split("\r\n")[:-2]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = first.split(" ")
                self.received.append(Received(method, target, headers, body))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def faults_of(request: Received, raw: Raw, template: str, judge: Judge) -> list[str]:
    """Everything about a request that its operation does not allow."""
    found = []
    template, _, fixed = template.partition("?")
    if not set(fixed.split("&") if fixed else ()) <= set(request.target.partition("?")[2].split("&")):
        found.append(f"?{fixed} is missing")
    places = _path_texts(request.path, template)
    if request.method != raw.method or places is None:
        return [f"{request.method} {request.path} is not {raw.method} {template}"]
    for (name, place), parameter in raw.parameters.items():
        if place in ("body", "formData"):
            continue
        texts = _texts_of(request, name, str(place), places)
        spread = _style(parameter)[0] == "deepObject" or _is_spread(parameter, judge)
        if not texts and not (spread and parameter.get("required") is True):
            if parameter.get("required") is True and place != "path":
                found.append(f"{place} parameter {name} is missing")
            continue
        fault = _parameter_fault(parameter, texts, request, judge)
        if fault and not fault.startswith("broken schema"):
            found.append(f"{place} parameter {name}: {fault}")
    return found + _body_faults(request, raw, judge)


def _path_texts(path: str, template: str) -> dict[str, str] | None:
    names = re.findall(r"\{([^{}]+)\}", template)
    literal = re.split(r"\{[^{}]+\}", template)
    pattern = "(.*?)".join(re.escape(part) for part in literal)
    match = re.fullmatch(pattern, path) or re.fullmatch(pattern, unquote(path))
    return dict(zip(names, match.groups(), strict=True)) if match else None


def _texts_of(request: Received, name: str, place: str, places: dict[str, str]) -> list[str]:
    if place == "path":
        return [places[name]] if name in places else []
    if place in ("query", "querystring"):
        return [value for key, value in request.query if key == name]
    if place == "header":
        value = request.headers.get(name.lower())
        return [] if value is None else [value]
    pairs = [pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";")]
    return [value for key, _, value in pairs if unquote(key) == name]


def _style(parameter: dict[str, Any]) -> tuple[str, bool]:
    default = {"path": "simple", "header": "simple"}.get(str(parameter.get("in")), "form")
    if "collectionFormat" in parameter or (parameter.get("type") == "array" and "schema" not in parameter):
        return str(parameter.get("collectionFormat", "csv")), parameter.get("collectionFormat") == "multi"
    style = str(parameter.get("style", default))
    return style, bool(parameter.get("explode", style == "form"))


def _is_spread(parameter: dict[str, Any], judge: Judge) -> bool:
    """An object under `form` with `explode`: its name is not in the query."""
    return _kind(judge.schema_of(parameter), judge) == "object" and parameter.get("in") == "query"


def _parameter_fault(parameter: dict[str, Any], texts: list[str], request: Received, judge: Judge) -> str:
    plain = parameter.get("in") in ("header",)
    texts = texts if plain else [text.replace("+", " ") for text in texts]
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        media_type, media = next(iter(content.items()))
        text = unquote(texts[0]) if texts else ""
        return judge.fault(media.get("schema", {}), json.loads(text) if "json" in media_type else text)
    schema, (style, explode) = judge.schema_of(parameter), _style(parameter)
    if style in ("label", "matrix"):
        mark = "." if style == "label" else f";{parameter['name']}="
        if not texts[0].startswith(mark):
            return f"{texts[0]} is not of style {style}"
        texts = [texts[0].removeprefix(mark)]
    kind = _kind(schema, judge)
    decode = str if plain else unquote
    if kind == "object" and parameter.get("in") == "query":
        deep = [pair for pair in parse_qsl(request.target.partition("?")[2]) if pair[0].startswith(parameter["name"])]
        return "" if deep or not parameter.get("required") else "no field of it was sent"
    if kind == "array":
        separator = {".": "."}.get(style, _SEPARATORS.get(style, ","))
        if not (explode and len(texts) != 1):
            quoted = {" ": "%20", "|": "%7C", "\t": "%09"}.get(separator, separator)
            split = [part for text in texts for part in text.replace(quoted, separator).split(separator)]
            texts = texts if explode and parameter.get("in") in ("query", "cookie") else split
        return _first_fault(schema, [[decode(text) for text in texts], *map(decode, texts[:1])], judge)
    return _first_fault(schema, [decode(texts[0])], judge)


def _first_fault(schema: Any, readings: list[Any], judge: Judge) -> str:
    """ "" where one reading of a text satisfies the schema: as text, or as the number or boolean it may be."""
    fault = ""
    for reading in readings:
        fault = judge.fault(schema, reading)
        if not fault:
            return ""
        typed = [_typed(one) for one in reading] if isinstance(reading, list) else _typed(reading)
        if not judge.fault(schema, typed):
            return ""
    return fault


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kind(schema: Any, judge: Judge) -> str:
    found = judge.target(schema)
    kind = found.get("type") if isinstance(found, dict) else None
    kinds = kind if isinstance(kind, list) else [kind]
    if isinstance(found, dict) and kind is None:
        for part in [*(found.get("allOf") or ()), *(found.get("oneOf") or ()), *(found.get("anyOf") or ())]:
            if inner := _kind(part, judge):
                return inner
    return next((one for one in kinds if one in ("array", "object")), "")


def _body_faults(request: Received, raw: Raw, judge: Judge) -> list[str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = raw.body.get("content")
    if not isinstance(content, dict):
        return []
    if not request.body:
        return ["the body is missing"] if raw.body.get("required") is True else []
    media = next((one for name, one in content.items() if _covers(name, kind)), None)
    if media is None:
        return [f"a body of {kind} is not described"]
    schema = media.get("schema", {}) if isinstance(media, dict) else {}
    text = request.body.decode("utf-8")
    if kind.endswith(("/json", "+json")):
        fault = judge.fault(schema, json.loads(text))
    elif kind == "application/x-www-form-urlencoded":
        fault = _missing(schema, {name.partition("[")[0] for name, _ in parse_qsl(text, keep_blank_values=True)}, judge)
    elif kind.startswith("multipart/"):
        fault = _missing(schema, _part_names(request), judge)
    else:
        fault = ""
    return [f"body: {fault}"] if fault and not fault.startswith("broken schema") else []


def _covers(described: str, kind: str) -> bool:
    described = described.partition(";")[0].strip().lower()
    return (
        described == kind or described in ("*/*", "") or (described.endswith("/*") and kind.startswith(described[:-1]))
    )


def _part_names(request: Received) -> set[str]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    return {str(part.get_param("name", header="content-disposition")) for part in message.iter_parts()}


def _missing(schema: Any, names: set[str], judge: Judge) -> str:
    found = judge.target(schema)
    required = found.get("required") if isinstance(found, dict) else None
    properties = found.get("properties") if isinstance(found, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    lost = [
        name
        for name in (required if isinstance(required, list) else ())
        if name not in names
        and name in properties
        and not (judge.target(properties[name]) or {}).get("readOnly")
        and _kind(properties[name], judge) != "object"
    ]
    return f"{', '.join(lost)} missing" if lost else ""
