"""Request bodies in normal form, with the text that would be sent.

None, or a dict: required, description, content: list of {media_type, value, text, source, encoding}, the preferred
media type first. `media_type` is what goes into the Content-Type header, so a multipart one has its boundary;
`encoding` is that of `projects.openapi.forms`, for forms whose values a person has changed.
"""

from typing import Any

from projects.openapi.examples import NONE, Example, Examples
from projects.openapi.forms import BOUNDARY, FORM, MULTIPART, Rule, body_text, concrete, encoding_of, kind_of_media
from projects.openapi.parameters import text
from projects.openapi.references import References
from projects.openapi.wording import Warnings, gettext_noop

MOST_MEDIA_TYPES = 8
MOST_TEXT = 20_000_000  # signs of all bodies of a document; published ones have less than a million

Body = dict[str, Any]


class Bodies:
    """Brings the request bodies of one document into the normal form."""

    def __init__(self, references: References, examples: Examples, warnings: Warnings) -> None:
        self._references = references
        self._examples = examples
        self._warnings = warnings
        self._left = MOST_TEXT

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
            str(entry["name"]): {
                "collectionFormat": "csv",
                **{key: value for key, value in entry.items() if key not in ("required", "in", "name")},
            }
            for entry in fields
        }
        schema = {"type": "object", "properties": properties, "required": required}
        has_file = any(entry.get("type") == "file" for entry in fields)
        forms = [name for name in consumes if _is_form(name)] or [MULTIPART if has_file else FORM]
        if has_file:
            forms = [name for name in forms if name.startswith("multipart/")] or [MULTIPART]
        return self._body(bool(required), "", [(name, {"schema": schema}) for name in forms], where)

    def _body(self, required: bool, description: str, entries: list[tuple[str, dict[str, Any]]], where: str) -> Body:
        entries = sorted(entries, key=lambda entry: _rank(entry[0]))[:MOST_MEDIA_TYPES]
        content: dict[str, dict[str, Any]] = {}
        for name, media in entries:
            entry = self._content(name, media, where)
            content.setdefault(entry["media_type"], entry)  # a range may mean a type that is there already
        return {"required": required, "description": description, "content": list(content.values())}

    def _content(self, media_type: str, media: dict[str, Any], where: str) -> dict[str, Any]:
        media_type = concrete(media_type)
        schema = media.get("schema")
        if schema is None and isinstance(media.get("itemSchema"), dict):
            schema = {"type": "array", "items": media["itemSchema"]}  # OpenAPI 3.2, streams of items
        example = self._examples.of_media(media, schema, where)
        if example is NONE and isinstance(schema, dict) and "json" in media_type:
            example = Example({}, "schema")
        kind = kind_of_media(media_type)
        encoding = self._encoding(kind, media, schema, where)
        if kind.startswith("multipart/"):
            media_type = f"{kind}; boundary={BOUNDARY}"
        text = self._text(kind, example, encoding, schema, where)
        self._left -= len(text)
        if self._left < 0:
            self._warnings.add("", gettext_noop("The examples are too large together: some bodies have none."))
            example, text = NONE, ""
        return {
            "media_type": media_type,
            "value": example.value,
            "text": text,
            "source": example.source if text else "none",
            "encoding": encoding,
        }

    def _encoding(self, kind: str, media: dict[str, Any], schema: Any, where: str) -> dict[str, Rule]:
        if kind != FORM and not kind.startswith("multipart/"):
            return {}
        properties = self._examples.flat(schema, where).get("properties")
        properties = properties if isinstance(properties, dict) else {}
        resolved = {str(name): self._references.resolved(part, where) or {} for name, part in properties.items()}
        return encoding_of(kind, media.get("encoding"), resolved)

    def _text(self, kind: str, example: Example, encoding: dict[str, Rule], schema: Any, where: str) -> str:
        value = example.value
        if example is NONE:
            return ""
        if isinstance(value, str) and ("json" not in kind or self._is_json_text(value, schema, where)):
            return value
        if "xml" in kind:
            return ""  # a value says nothing about elements and attributes; only a written example does
        return body_text(value, kind, encoding, indent=2)

    def _is_json_text(self, value: str, schema: Any, where: str) -> bool:
        """Whether a text given as example is the body itself, written as JSON, and not a JSON string."""
        if self._examples.flat(schema, where).get("type") == "string":
            return False
        return value.lstrip().startswith(("{", "[", '"'))


def _is_form(media_type: str) -> bool:
    return media_type.lower().startswith((FORM, "multipart/"))


def _given(parameter: dict[str, Any], media_type: str) -> dict[str, Any]:
    """The example that a Swagger 2.0 body parameter carries under x-example or x-examples."""
    examples = parameter.get("x-examples")
    if isinstance(examples, dict) and media_type in examples:
        return {"example": examples[media_type]}
    return {"example": parameter["x-example"]} if "x-example" in parameter else {}


def _rank(media_type: str) -> int:
    kind = media_type.partition(";")[0].strip().lower()
    order = ("application/json", "*/*", "application/*", FORM, MULTIPART)
    if kind in order:
        return order.index(kind) + (1 if order.index(kind) else 0)
    if kind.endswith("+json"):
        return 1
    if kind.startswith("text/") and "xml" not in kind:
        return 8
    return 9
