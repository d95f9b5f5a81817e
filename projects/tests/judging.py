"""A judge of values that shares nothing with the product: raw documents, and jsonschema-rs over translated schemas.

Translated are the words in which OpenAPI 3.0 and Swagger 2.0 differ from JSON Schema (`nullable`, boolean
`exclusiveMinimum`, what stands beside a `$ref`), and properties that are readOnly are not required: they are not sent.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_DATA = ("example", "examples", "default", "enum", "const", "x-example")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "schemas", "parameters", "paths", "responses")
_NO_TYPES = ("any", "float", "double", "bool", "undefined", "unknown")


@dataclass(frozen=True)
class Raw:
    """An operation as the document has it, references followed. `parameters` by name and place."""

    path: str
    method: str
    parameters: dict[tuple[str, str], dict[str, Any]]
    body: dict[str, Any]


class Judge:
    """Judges values by the schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._is_json_schema = str(document.get("openapi", "")).startswith(("3.1", "3.2"))
        self.is_swagger = "swagger" in document
        self._translated: dict[str, Any] = self._translate(document)
        self._registry = jsonschema_rs.Registry([("urn:doc", self._translated)])
        self._validators: dict[str, Any] = {}

    def target(self, node: Any) -> Any:
        """`node` with its references followed; None where one leads nowhere."""
        seen: set[str] = set()
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            ref = node["$ref"]
            if ref in seen or not ref.startswith("#"):
                return None
            seen.add(ref)
            node = self._document
            for step in unquote(ref[1:]).split("/")[1:]:
                step = step.replace("~1", "/").replace("~0", "~")
                if isinstance(node, list) and step.isdecimal() and int(step) < len(node):
                    node = node[int(step)]
                elif isinstance(node, dict) and step in node:
                    node = node[step]
                else:
                    return None
        return node

    def operations(self) -> Iterator[Raw]:
        """Every operation under `paths`."""
        paths = self._document.get("paths")
        for path, entry in (paths if isinstance(paths, dict) else {}).items():
            found = self.target(entry)
            if not isinstance(found, dict):
                continue
            item = {**found, **{key: value for key, value in entry.items() if key != "$ref"}}
            operations = {key: value for key, value in item.items() if key.lower() in METHODS}
            for method, operation in {**operations, **(item.get("additionalOperations") or {})}.items():
                if isinstance(operation, dict):
                    groups = [item.get("parameters"), operation.get("parameters")]
                    given = [self.target(one) for group in groups if isinstance(group, list) for one in group]
                    parameters = {(str(one.get("name")), one.get("in")): one for one in given if isinstance(one, dict)}
                    body = self.target(operation.get("requestBody"))
                    yield Raw(path, method.upper(), parameters, body if isinstance(body, dict) else {})

    def fault(self, schema: Any, value: Any) -> str:
        """What is wrong with `value`, or ""; of a schema that no validator takes "broken schema: …"."""
        key = json.dumps(schema, sort_keys=True, default=str)
        if key not in self._validators:
            own = _absolute(self._translate(schema))
            try:
                self._validators[key] = jsonschema_rs.Draft202012Validator(
                    own, registry=self._registry, validate_formats=True
                )
            except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
                self._validators[key] = f"broken schema: {error}"
        validator = self._validators[key]
        if isinstance(validator, str):
            return validator
        error = next(iter(validator.iter_errors(value)), None)
        return "" if error is None else f"{error.message} at {error.instance_path}"

    def schema_of(self, parameter: dict[str, Any]) -> dict[str, Any]:
        """The schema of a parameter without `content`; Swagger 2.0 writes it on the parameter itself."""
        if "schema" in parameter:
            return parameter["schema"] if isinstance(parameter["schema"], dict) else {}
        not_schema = ("required", "name", "in", "collectionFormat", "description", "allowEmptyValue", "style")
        return {key: value for key, value in parameter.items() if key not in not_schema}

    def _translate(self, node: Any, named: bool = False, unsent: frozenset[str] = frozenset()) -> Any:
        if isinstance(node, list):
            return [self._translate(child, unsent=unsent) for child in node]
        if not isinstance(node, dict):
            return node
        if named:
            return {key: self._translate(child) for key, child in node.items()}
        if isinstance(node.get("$ref"), str) and not self._is_json_schema:
            return {"$ref": node["$ref"]}
        if any(key in node for key in ("required", "allOf", "anyOf", "oneOf")):
            unsent |= {name for name, is_read_only in self._properties(node).items() if is_read_only}
        result: dict[str, Any] = {}
        for key, value in node.items():
            if key in _DATA:
                result |= {key: value} if key in ("enum", "const") else {}
            elif key == "required" and isinstance(value, list):
                result[key] = [name for name in value if name not in unsent]
            elif key in ("allOf", "anyOf", "oneOf"):
                result[key] = self._translate(value, unsent=unsent)
            elif key not in ("discriminator", "$id", "required"):
                result[key] = self._translate(value, named=key in _NAMED and isinstance(value, dict))
        return self._in_json_schema(result)

    def _in_json_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        kind = schema.get("type")
        if kind == "file":
            schema["type"] = "string"
        elif isinstance(kind, str) and kind in _NO_TYPES:
            del schema["type"]
        if schema.pop("nullable", None) is True and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and limit in schema:
                schema[exclusive] = schema.pop(limit)
        return schema

    def _properties(self, node: Any, depth: int = 0) -> dict[str, bool]:
        """The properties of a schema, its parts and branches: whether each is readOnly."""
        found = self.target(node)
        if not isinstance(found, dict) or depth > 12:
            return {}
        result: dict[str, bool] = {}
        for key in ("allOf", "anyOf", "oneOf"):
            for part in found.get(key) or ():
                for name, is_read_only in self._properties(part, depth + 1).items():
                    result[name] = result.get(name, False) or is_read_only
        properties = found.get("properties")
        for name, part in properties.items() if isinstance(properties, dict) else ():
            result[name] = result.get(name, False) or self._is_read_only(part)
        return result

    def _is_read_only(self, node: Any) -> bool:
        found = self.target(node)
        if not isinstance(found, dict):
            return False
        parts = found.get("allOf")
        return (
            found.get("readOnly") is True
            or node.get("readOnly") is True
            or any(self._is_read_only(part) for part in (parts if isinstance(parts, list) else ()))
        )


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(child) for child in node]
    if not isinstance(node, dict):
        return node
    result = {key: _absolute(child) for key, child in node.items()}
    if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
        result["$ref"] = f"urn:doc{node['$ref']}"
    return result
