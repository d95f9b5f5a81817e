"""Parameters of an operation in the normal form that the builder and the k6 script use.

A parameter is a dict: name, in (path, query, header, cookie), required, description, deprecated, style
(OpenAPI 3's, and tabDelimited), explode, allow_reserved, media_type ("" but where the parameter has `content`: its
value is then the text of that type), schema (type, format, items, limits only), value (an example as native JSON,
or None), source (example, default, enum, schema, none).
"""

import json
from typing import Any

from projects.openapi.examples import NONE, Example, Examples, small_key
from projects.openapi.forms import COLLECTIONS, FORM, body_text, concrete
from projects.openapi.references import References
from projects.openapi.schemas import GIVEN, kind_of
from projects.openapi.values import fit
from projects.openapi.wording import Warnings, gettext_noop

PLACES = ("path", "query", "header", "cookie")
BODY_PLACES = ("body", "formData")
QUERY_STRING = "querystring"  # OpenAPI 3.2: an object that is the whole query
SCHEMA_DEPTH = 3
_KEPT = (
    "format", "enum", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
)  # fmt: skip
_KEPT_CHOICES = 100
_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}

Parameter = dict[str, Any]


def merged(path_level: Any, own: Any, references: References, where: str, warnings: Warnings) -> list[dict[str, Any]]:
    """The parameters that hold for an operation, references followed: its own win by name and place."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group in (path_level, own):
        if group is not None and not isinstance(group, list):
            warnings.add(where, gettext_noop("The parameters are not a list. They were left out."))
            continue
        for entry in group or ():
            parameter = references.resolved(entry, where)
            if parameter is None:
                if not (isinstance(entry, dict) and "$ref" in entry):
                    warnings.add(where, gettext_noop("A parameter is not a mapping. It was left out."))
                continue
            name, place = parameter.get("name"), parameter.get("in")
            if place == "body":
                found["", "body"] = parameter
            elif name is None or isinstance(name, dict | list) or place not in (*PLACES, *BODY_PLACES, QUERY_STRING):
                warnings.add(
                    where,
                    gettext_noop("A parameter without a name, or with an unknown place (“%(place)s”), was left out."),
                    place=place,
                )
            else:
                found[str(name), str(place)] = parameter
    return list(found.values())


class Parameters:
    """Brings the parameters of one document into the normal form; equal ones are worked out once."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples
        self._done: dict[int, Parameter] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._kept_alive: list[dict[str, Any]] = []  # an id is unique only while its object lives

    def normal(self, parameter: dict[str, Any], where: str) -> Parameter:
        """The normal form of a resolved Parameter Object of OpenAPI 3 or Swagger 2.0."""
        done = self._done.get(id(parameter))
        if done is None:
            done = self._done[id(parameter)] = self._normal(parameter, where)
            self._kept_alive.append(parameter)
        return done

    def _normal(self, parameter: dict[str, Any], where: str) -> Parameter:
        place = "query" if parameter["in"] == QUERY_STRING else str(parameter["in"])
        schema, example, media_type = self._example(parameter, where)
        if place == "path" and example.value in ("", [], {}) and isinstance(schema, dict):
            # An empty default is a way to say "none"; a path has a place that something must fill.
            rest = {key: value for key, value in schema.items() if key not in GIVEN}
            example = self._examples.of_schema({"minLength": 1, "minItems": 1, **rest}, where)
        style, explode = _style(parameter, place)
        return {
            "name": str(parameter["name"]),
            "in": place,
            "required": place == "path" or parameter.get("required") is True,
            "description": text(parameter.get("description")),
            "deprecated": parameter.get("deprecated") is True,
            "style": style,
            "explode": explode,
            "allow_reserved": parameter.get("allowReserved") is True,
            "media_type": media_type,
            "schema": self._kept(schema, where),
            "value": example.value,
            "source": example.source,
        }

    def _example(self, parameter: dict[str, Any], where: str) -> tuple[Any, Example, str]:
        """Schema, example and, where the parameter has `content`, its media type."""
        content = parameter.get("content")
        if isinstance(content, dict) and content:
            name, media = next(iter(content.items()))
            media_type, media = concrete(name), media if isinstance(media, dict) else {}
            example = self._examples.of_media(media, media.get("schema"), where)
            if parameter["in"] == QUERY_STRING and media_type == FORM:
                return media.get("schema"), example, ""  # what `form` with `explode` writes
            if example is not NONE:
                example = Example(self._content_text(example.value, media, media_type, where), example.source)
            return {"type": "string"}, example, media_type
        schema = parameter.get("schema")
        if schema is None and "type" in parameter:
            # Swagger 2.0 writes the schema's words on the parameter itself.
            schema = {key: value for key, value in parameter.items() if key not in ("required", "example", "examples")}
        return schema, self._examples.of_media(parameter, schema, where), ""

    def _content_text(self, value: Any, media: dict[str, Any], media_type: str, where: str) -> str:
        if "json" not in media_type:
            return value if isinstance(value, str) else body_text(value, media_type)
        if isinstance(value, str) and kind_of(self._examples.flat(media.get("schema"), where)) != "string":
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def _kept(self, schema: Any, where: str, depth: int = 0) -> dict[str, Any]:
        key = f"{depth}{small}" if (small := small_key(schema)) else ""
        if key in self._known:
            return self._known[key]
        kept = self._keep(schema, where, depth)
        if key:
            self._known[key] = kept
        return kept

    def _keep(self, schema: Any, where: str, depth: int) -> dict[str, Any]:
        flat = self._examples.flat(schema, where)
        kind = kind_of(flat)
        kept: dict[str, Any] = {"type": kind} if kind else {}
        for key in _KEPT:
            value = flat.get(key)
            if value is not None and not isinstance(value, dict):
                kept[key] = value[:_KEPT_CHOICES] if isinstance(value, list) else value
        if "const" in flat:
            kept["enum"] = [flat["const"]]
        if "default" in kept:
            kept["default"] = fit(kept["default"], flat)
        if kind == "array" and depth < SCHEMA_DEPTH and isinstance(flat.get("items"), dict):
            kept["items"] = self._kept(flat["items"], where, depth + 1)
        return kept


def negotiated(parameter: Parameter, body: dict[str, Any] | None) -> Parameter:
    """A header that the document describes although HTTP gives it its meaning, with a value that is true."""
    name = parameter["name"].lower()
    if parameter["in"] != "header" or parameter["source"] != "schema" or name not in ("content-type", "accept"):
        return parameter
    content = body["content"] if body and name == "content-type" else []
    return {**parameter, "value": content[0]["media_type"] if content else "application/json"}


def undeclared(name: str) -> Parameter:
    """The parameter for a `{name}` of the path that the document forgot to describe; a person fills it in."""
    return {
        "name": name, "in": "path", "required": True, "description": "", "deprecated": False,
        "style": "simple", "explode": False, "allow_reserved": False, "media_type": "",
        "schema": {}, "value": None, "source": "none",
    }  # fmt: skip


def _style(parameter: dict[str, Any], place: str) -> tuple[str, bool]:
    collection = parameter.get("collectionFormat")
    if "schema" not in parameter and "content" not in parameter and parameter.get("type") == "array":
        if collection == "multi":
            return "form", True
        return COLLECTIONS.get(str(collection), _STYLES[place]), False
    style = parameter.get("style")
    style = style if isinstance(style, str) else _STYLES[place]
    explode = parameter.get("explode")
    return style, explode if isinstance(explode, bool) else style == "form"


def text(value: Any) -> str:
    """A text of the document; a number where a text belongs is read as it is written, anything else as none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
