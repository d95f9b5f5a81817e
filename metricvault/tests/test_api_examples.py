"""Each operation of the OpenAPI document shows what was asked and answered once; what is shown fits its own schemas."""

from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ninja import Schema

from metricvault.api import api
from metricvault.api_examples import FILE, examples

# They answer no body, or none that ends.
_NO_BODY = {"GET /sse/k6-data"}


DOCUMENT = api.get_openapi_schema()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_operation_has_an_example_that_fits_its_schemas(name: str) -> None:
    operation = OPERATIONS[name]
    good = [answer for status, answer in operation["responses"].items() if status < "3"]
    answers = [one for answer in good for one in _contents(answer) if "example" in one]
    assert answers or "204" in operation["responses"] or name in _NO_BODY, f"{name}: python -m bench.record_examples"
    asked = _contents(operation.get("requestBody", {}))
    assert not asked or any(_has_example(one) for one in asked), f"{name} shows no body"
    for one in [*answers, *(one for one in asked if "example" in one)]:
        _fits(name, one)


def test_nothing_is_shown_that_no_operation_has() -> None:
    assert set(examples()) <= set(OPERATIONS), f"{FILE.name} is old"


def _contents(part: dict[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("content", {}).values())


def _has_example(content: dict[str, Any]) -> bool:
    """A form tells each of its fields instead."""
    return "example" in content or "examples" in content or "properties" in content.get("schema", {})


def _fits(name: str, content: dict[str, Any]) -> None:
    schema = content.get("schema")
    if schema is None:
        return
    problems = Draft202012Validator({**schema, "components": DOCUMENT["components"]}).iter_errors(content["example"])
    assert not [f"{name} {one.json_path}: {one.message}" for one in problems]


def test_no_two_shapes_share_a_name() -> None:
    """The document would show one of them for both."""
    every = [one for one in _schemas(Schema) if one.__name__ in DOCUMENT["components"]["schemas"]]
    names = Counter(one.__name__ for one in every)
    assert not [f"{one.__module__}.{one.__name__}" for one in every if names[one.__name__] > 1]


def _schemas(kind: type) -> set[type]:
    return {inner for one in kind.__subclasses__() for inner in (one, *_schemas(one))}
