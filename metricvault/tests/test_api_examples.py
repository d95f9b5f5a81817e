"""Each operation of the OpenAPI document shows what was asked and answered once; what is shown fits its own schemas."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ninja import Schema

from metricvault.api import api
from metricvault.api_examples import FILE, examples

# They answer no body, or none that ends.
_NO_BODY = {"GET /sse/k6-data"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Not when tests are collected: every process that collects them would make it."""
    return dict(api.get_openapi_schema())


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_each_operation_has_an_example_that_fits_its_schemas(document: dict[str, Any]) -> None:
    found = [problem for name, one in _operations(document).items() for problem in _problems(name, one, document)]
    assert not found, "python -m bench.record_examples makes them"


def _problems(name: str, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    good = [answer for status, answer in operation["responses"].items() if status < "3"]
    answers = [one for answer in good for one in _contents(answer) if "example" in one]
    if not answers and "204" not in operation["responses"] and name not in _NO_BODY:
        yield f"{name} shows no answer"
    asked = _contents(operation.get("requestBody", {}))
    if asked and not any(_has_example(one) for one in asked):
        yield f"{name} shows no body"
    for one in [*answers, *(one for one in asked if "example" in one)]:
        if "schema" in one:
            schema = {**one["schema"], "components": document["components"]}
            for error in Draft202012Validator(schema).iter_errors(one["example"]):
                yield f"{name} {error.json_path}: {error.message}"


def test_nothing_is_shown_that_no_operation_has(document: dict[str, Any]) -> None:
    assert set(examples()) <= set(_operations(document)), f"{FILE.name} is old"


def _contents(part: dict[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("content", {}).values())


def _has_example(content: dict[str, Any]) -> bool:
    """A form tells each of its fields instead."""
    return "example" in content or "examples" in content or "properties" in content.get("schema", {})


def test_no_two_shapes_share_a_name(document: dict[str, Any]) -> None:
    """The document would show one of them for both."""
    every = [one for one in _schemas(Schema) if one.__name__ in document["components"]["schemas"]]
    names = Counter(one.__name__ for one in every)
    assert not [f"{one.__module__}.{one.__name__}" for one in every if names[one.__name__] > 1]


def _schemas(kind: type) -> set[type]:
    return {inner for one in kind.__subclasses__() for inner in (one, *_schemas(one))}
