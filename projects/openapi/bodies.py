"""Request bodies in normal form, with the text that would be sent.

None, or a dict: required, description, content: list of {media_type, value, text, source}, the preferred
media type first. `media_type` is what goes into the Content-Type header, so a multipart one has its boundary.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

from projects.openapi.examples import NONE, Example, Examples
from projects.openapi.parameters import text
from projects.openapi.references import References
from projects.openapi.wording import Warnings, gettext_noop

BOUNDARY = "metric-vault-boundary"
MOST_MEDIA_TYPES = 8
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"

Body = dict[str, Any]


class Bodies:
    """Brings the request bodies of one document into the normal form."""

    def __init__(self, references: References, examples: Examples, warnings: Warnings) -> None:
        self._references = references
        self._examples = examples
        self._warnings = warnings

    def of_operation(self, operation: dict[str, Any], where: str) -> Body | None:
        """The `requestBody` of an operation of OpenAPI 3."""
        given = operation.get("requestBody")
        if given is None:
            return None
        body = self._references.resolved(given, where)
        if body is None:
            self._warnings.add(where, gettext_noop("The request body cannot be read. It was left out."))
            return None
        content = body.get("content")
        entries = content.items() if isinstance(content, dict) else ()
        return self._body(
            body.get("required") is True,
            text(body.get("description")),
            [(name, media if isinstance(media, dict) else {}) for name, media in entries],
            where,
        )

    def of_swagger(self, parameters: list[dict[str, Any]], consumes: list[str], where: str) -> Body | None:
        """The body that `in: body` and `in: formData` parameters of Swagger 2.0 make."""
        whole = next((entry for entry in parameters if entry["in"] == "body"), None)
        fields = [entry for entry in parameters if entry["in"] == "formData"]
        if whole is not None:
            media_types = [name for name in consumes if not _is_form(name)] or ["application/json"]
            return self._body(
                whole.get("required") is True,
                text(whole.get("description")),
                [(name, {**_given(whole, name), "schema": whole.get("schema")}) for name in media_types],
                where,
            )
        if not fields:
            return None
        required = [str(entry["name"]) for entry in fields if entry.get("required") is True]
        properties = {
            str(entry["name"]): {key: value for key, value in entry.items() if key not in ("required", "in", "name")}
            for entry in fields
        }
        schema = {"type": "object", "properties": properties, "required": required}
        has_file = any(entry.get("type") == "file" for entry in fields)
        forms = [name for name in consumes if _is_form(name)] or [_MULTIPART if has_file else _FORM]
        if has_file:
            forms = [name for name in forms if name.startswith("multipart/")] or [_MULTIPART]
        return self._body(bool(required), "", [(name, {"schema": schema}) for name in forms], where)

    def _body(self, required: bool, description: str, entries: list[tuple[str, dict[str, Any]]], where: str) -> Body:
        entries = sorted(entries, key=lambda entry: _rank(entry[0]))[:MOST_MEDIA_TYPES]
        content = [self._content(media_type, media, where) for media_type, media in entries]
        return {"required": required, "description": description, "content": content}

    def _content(self, media_type: str, media: dict[str, Any], where: str) -> dict[str, Any]:
        media_type = _concrete(media_type)
        schema = media.get("schema")
        if schema is None and isinstance(media.get("itemSchema"), dict):
            schema = {"type": "array", "items": media["itemSchema"]}  # OpenAPI 3.2, streams of items
        example = self._examples.of_media(media, schema, where)
        if example is NONE and isinstance(schema, dict) and "json" in media_type:
            example = Example({}, "schema")
        kind = media_type.partition(";")[0].strip().lower()
        if kind.startswith("multipart/"):
            media_type = f"{kind}; boundary={BOUNDARY}"
        return {
            "media_type": media_type,
            "value": example.value,
            "text": self._text(kind, example, media, schema, where),
            "source": example.source,
        }

    def _text(self, kind: str, example: Example, media: dict[str, Any], schema: Any, where: str) -> str:
        value = example.value
        if example is NONE:
            return ""
        if kind == _FORM and isinstance(value, dict):
            return form_text(value, media.get("encoding"))
        if kind.startswith("multipart/") and isinstance(value, dict):
            flat = self._examples.flat(schema, where)
            return multipart_text(value, flat.get("properties"))
        if isinstance(value, str) and "json" not in kind:
            return value
        if "ndjson" in kind or "jsonl" in kind or "json-seq" in kind:
            items = value if isinstance(value, list) else [value]
            return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        if isinstance(value, str) and self._is_json_text(value, schema, where):
            return value
        if "xml" in kind:
            return ""  # a value says nothing about elements and attributes; only a written example does
        return json.dumps(value, indent=2, ensure_ascii=False)

    def _is_json_text(self, value: str, schema: Any, where: str) -> bool:
        """Whether a text given as example is the body itself, written as JSON, and not a JSON string."""
        if self._examples.flat(schema, where).get("type") == "string":
            return False
        return value.lstrip().startswith(("{", "[", '"'))


def form_text(value: dict[str, Any], encoding: Any = None) -> str:
    """`application/x-www-form-urlencoded`: lists repeat their name; objects are `name[key]` under deepObject,
    else JSON."""
    pairs: list[tuple[str, str]] = []
    for name, item in value.items():
        rule = encoding.get(name) if isinstance(encoding, dict) else None
        deep = isinstance(rule, dict) and rule.get("style") == "deepObject"
        _add_pairs(pairs, str(name), item, deep)
    return urlencode(pairs)


def _add_pairs(pairs: list[tuple[str, str]], name: str, item: Any, deep: bool) -> None:
    if deep and isinstance(item, dict):
        for key, inner in item.items():
            _add_pairs(pairs, f"{name}[{key}]", inner, deep)
    elif isinstance(item, list):
        for number, inner in enumerate(item):
            _add_pairs(pairs, f"{name}[{number}]" if deep else name, inner, deep)
    elif item is not None:
        pairs.append((name, plain(item)))


def multipart_text(value: dict[str, Any], properties: Any) -> str:
    """`multipart/form-data` (RFC 7578) with the constant boundary; what the schema calls binary is sent as a file."""
    lines: list[str] = []
    for name, item in value.items():
        schema = properties.get(name) if isinstance(properties, dict) else None
        for part in item if isinstance(item, list) else [item]:
            lines += [f"--{BOUNDARY}", *_part_head(str(name), part, schema), "", plain(part)]
    return "\r\n".join([*lines, f"--{BOUNDARY}--", ""])


def _part_head(name: str, part: Any, schema: Any) -> list[str]:
    head = f'Content-Disposition: form-data; name="{_in_quotes(name)}"'
    if _is_file(schema):
        return [head + '; filename="metric-vault.txt"', "Content-Type: application/octet-stream"]
    return [head, "Content-Type: application/json"] if isinstance(part, dict) else [head]


def _in_quotes(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _is_file(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "array":
        return _is_file(schema.get("items"))
    return (
        schema.get("type") == "file"
        or schema.get("format") == "binary"
        or isinstance(schema.get("contentMediaType"), str)
    )


def plain(item: Any) -> str:
    """A value as it stands in a form: text as it is, anything else in JSON's spelling."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _is_form(media_type: str) -> bool:
    return media_type.lower().startswith((_FORM, "multipart/"))


def _given(parameter: dict[str, Any], media_type: str) -> dict[str, Any]:
    """The example that a Swagger 2.0 body parameter carries under x-example or x-examples."""
    examples = parameter.get("x-examples")
    if isinstance(examples, dict) and media_type in examples:
        return {"example": examples[media_type]}
    return {"example": parameter["x-example"]} if "x-example" in parameter else {}


def _concrete(media_type: str) -> str:
    """A range such as */* as a type that can be sent; control characters cannot stand in a header."""
    media_type = "".join(sign for sign in media_type if sign.isprintable())[:200]
    if media_type in ("*/*", "application/*", ""):
        return "application/json"
    return quote(media_type.replace("/*", "/plain"), safe="/;=+.-_*\"' ,!#$&^")


def _rank(media_type: str) -> int:
    kind = media_type.partition(";")[0].strip().lower()
    order = ("application/json", "*/*", "application/*", _FORM, _MULTIPART)
    if kind in order:
        return order.index(kind) + (1 if order.index(kind) else 0)
    if kind.endswith("+json"):
        return 1
    if kind.startswith("text/") and "xml" not in kind:
        return 8
    return 9
