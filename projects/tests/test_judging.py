"""The judge of the tests can itself be wrong: what it must find, and what it must let pass."""

from typing import Any

import pytest

from projects.tests.judging import Judge


@pytest.mark.parametrize(
    ("version", "schema", "good", "bad"),
    [
        ("3.0.3", {"type": "string", "nullable": True}, None, 5),
        ("3.0.3", {"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ("3.1.0", {"type": "integer", "exclusiveMinimum": 1}, 2, 1),
        ("3.0.3", {"type": "string", "format": "date"}, "2026-01-15", "15.1.2026"),
        ("3.0.3", {"type": "object", "required": ["id", "a"],
                   "properties": {"id": {"type": "string", "readOnly": True}}}, {"a": 1}, {"id": "x"}),
        ("3.0.3", {"$ref": "#/components/schemas/A"}, 1, "x"),
        ("3.0.3", {"allOf": [{"$ref": "#/components/schemas/A"}, {"maximum": 5}]}, 1, 6),
        ("3.0.3", {"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1.5, 1),
    ],
)  # fmt: skip
def test_it_finds_what_is_wrong_and_lets_pass_what_is_right(version: str, schema: Any, good: Any, bad: Any) -> None:
    judge = Judge({"openapi": version, "components": {"schemas": {"A": {"type": "integer"}}}})
    assert judge.fault(schema, good) == ""
    assert judge.fault(schema, bad) != ""


def test_it_says_where_a_schema_is_broken() -> None:
    assert Judge({"openapi": "3.0.0"}).fault({"type": "integer", "maximum": "1000"}, 1).startswith("broken schema")
