"""Values as the text of a body: JSON, `application/x-www-form-urlencoded`, `multipart/form-data` (RFC 7578).

`encoding` says how single fields are written where it is not the usual way: by the field's name a dict of some of
style (form, spaceDelimited, pipeDelimited, tabDelimited, deepObject), explode, content_type and file. It is the
Encoding Object of OpenAPI 3 and `collectionFormat` of Swagger 2.0 in one form.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BOUNDARY = "metric-vault-boundary"
DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
# collectionFormat of Swagger 2.0 in OpenAPI 3's words; tsv has none there.
COLLECTIONS = {"ssv": "spaceDelimited", "tsv": "tabDelimited", "pipes": "pipeDelimited"}
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)

Rule = dict[str, Any]
Encoding = Mapping[str, Rule]


def kind_of_media(media_type: str) -> str:
    """`text/plain` of `Text/Plain; charset=utf-8`."""
    return media_type.partition(";")[0].strip().lower()


def body_text(value: Any, media_type: str, encoding: Encoding | None = None, indent: int | None = None) -> str:
    """`value` as the text of a body of this media type: forms where it is a mapping, else JSON."""
    kind = kind_of_media(media_type)
    if isinstance(value, dict) and kind == FORM:
        return form_text(value, encoding)
    if isinstance(value, dict) and kind.startswith("multipart/"):
        return multipart_text(value, encoding, boundary_of(media_type) or BOUNDARY)
    if "ndjson" in kind or "jsonl" in kind or "json-seq" in kind:
        mark = "\x1e" if "json-seq" in kind else ""
        items = value if isinstance(value, list) else [value]
        return "".join(f"{mark}{json.dumps(item, ensure_ascii=False)}\n" for item in items)
    return json.dumps(value, indent=indent, ensure_ascii=False)


def body_of(value: Any, media_type: str, encoding: Encoding | None = None) -> tuple[str, str]:
    """`value` as the text of a body and the media type to send it with: a multipart one gets its boundary."""
    if isinstance(value, dict) and kind_of_media(media_type).startswith("multipart/") and not boundary_of(media_type):
        media_type = f"{media_type}; boundary={BOUNDARY}"
    return body_text(value, media_type, encoding), media_type


def boundary_of(media_type: str) -> str:
    """The boundary that a multipart media type names, or ""."""
    found = _BOUNDARY.search(media_type)
    return (found[1] or found[2]) if found else ""


def plain(item: Any) -> str:
    """A value as it stands in a form: text as it is, anything else in JSON's spelling."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def form_text(value: Mapping[str, Any], encoding: Encoding | None = None) -> str:
    """Lists repeat their name, objects are JSON, unless `encoding` says otherwise. What is null is left out."""
    pairs: list[tuple[str, str]] = []
    for name, item in value.items():
        pairs += _pairs(str(name), item, (encoding or {}).get(name, {}))
    return urlencode(pairs)


def _pairs(name: str, item: Any, rule: Rule) -> list[tuple[str, str]]:
    if item is None:
        return []
    style, explode = rule.get("style", ""), rule.get("explode", True)
    if "json" in rule.get("content_type", "") and not isinstance(item, str):
        return [(name, plain(item))]
    if style == "deepObject" and isinstance(item, dict | list):
        return deep_pairs(name, item)
    joint = DELIMITERS.get(style, ",")
    if isinstance(item, list):
        texts = [plain(inner) for inner in item]
        return [(name, text) for text in texts] if explode else [(name, joint.join(texts))] if texts else []
    if isinstance(item, dict) and style:
        if explode:
            return [(str(key), plain(inner)) for key, inner in item.items()]
        return [(name, joint.join(f"{key}{joint}{plain(inner)}" for key, inner in item.items()))]
    return [(name, plain(item))]


def deep_pairs(name: str, item: Any) -> list[tuple[str, str]]:
    """`name[key]` for every value within, however deep; the items of lists by their number, as PHP and Stripe read."""
    if isinstance(item, dict | list):
        entries = item.items() if isinstance(item, dict) else enumerate(item)
        return [pair for key, inner in entries for pair in deep_pairs(f"{name}[{key}]", inner)]
    return [] if item is None else [(name, plain(item))]


def multipart_text(value: Mapping[str, Any], encoding: Encoding | None = None, boundary: str = BOUNDARY) -> str:
    """A part for each field, and for each item of a list; fields that `encoding` calls files are sent as files."""
    lines: list[str] = []
    for name, item in value.items():
        rule = (encoding or {}).get(name, {})
        parts = item if isinstance(item, list) else [item]
        if isinstance(item, list) and rule.get("explode") is False:
            parts = [DELIMITERS.get(rule.get("style", ""), ",").join(plain(part) for part in item)]
        for part in parts:
            if part is not None:
                lines += [f"--{boundary}", *_part_head(str(name), part, rule), "", plain(part)]
    return "\r\n".join([*lines, f"--{boundary}--", ""])


def _part_head(name: str, part: Any, rule: Rule) -> list[str]:
    head = f'Content-Disposition: form-data; name="{_in_quotes(name)}"'
    media_type = rule.get("content_type", "")
    if rule.get("file"):
        head += '; filename="metric-vault.txt"'
        media_type = media_type or "application/octet-stream"
    elif not media_type and isinstance(part, dict | list):
        media_type = "application/json"
    return [head, f"Content-Type: {media_type}"] if media_type else [head]


def _in_quotes(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def encoding_of(kind: str, given: Any, properties: Mapping[str, Any]) -> dict[str, Rule]:
    """How the fields of a form are written, as far as it is unusual.

    `given` is the `encoding` of a Media Type Object, `properties` the schema's, references followed; those made of
    Swagger 2.0's parameters carry a `collectionFormat`.
    """
    found: dict[str, Rule] = {}
    for name, schema in properties.items():
        rule = _of_schema(schema if isinstance(schema, dict) else {}, multipart=kind != FORM)
        own = given.get(name) if isinstance(given, dict) else None
        rule |= _of_encoding(own) if isinstance(own, dict) else {}
        if rule:
            found[name] = rule
    return found


def _of_schema(schema: Mapping[str, Any], multipart: bool) -> Rule:
    rule: Rule = {}
    collection = schema.get("collectionFormat")
    if collection is not None and schema.get("type") == "array" and collection != "multi":
        rule = {"style": COLLECTIONS.get(str(collection), "form"), "explode": False}
    if multipart and _is_file(schema):
        rule["file"] = True
        media_type = schema.get("contentMediaType")
        if isinstance(media_type, str):
            rule["content_type"] = sendable(media_type)
    return rule


def _of_encoding(own: Mapping[str, Any]) -> Rule:
    rule: Rule = {}
    style, explode, media_type = own.get("style"), own.get("explode"), own.get("contentType")
    if isinstance(style, str) or isinstance(explode, bool):
        rule["style"] = style if isinstance(style, str) else "form"
        rule["explode"] = explode if isinstance(explode, bool) else rule["style"] == "form"
    if isinstance(media_type, str) and media_type.strip():
        rule["content_type"] = concrete(media_type.partition(",")[0].strip())
    return rule


def _is_file(schema: Mapping[str, Any]) -> bool:
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return _is_file(schema["items"])
    return (
        schema.get("type") == "file"
        or schema.get("format") == "binary"
        or isinstance(schema.get("contentMediaType"), str)
    )


def concrete(media_type: str) -> str:
    """A range such as */* as a type that can be sent."""
    media_type = "".join(sign for sign in media_type if sign.isprintable())[:200]
    if media_type in ("*/*", "application/*", "application/*+json", "*", ""):
        return "application/json"
    if media_type == "image/*":
        return "image/png"
    return sendable(media_type.replace("/*", "/plain"))


def sendable(media_type: str) -> str:
    """A media type as it may stand in a header, whatever the document wrote."""
    return quote("".join(sign for sign in media_type if sign.isprintable())[:200], safe="/;=+.-_*\"' ,!#$&^")
