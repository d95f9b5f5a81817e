"""How much a small document may become: references repeat what stands once."""

from typing import Any

import pytest

from projects.openapi import DocumentTooLarge
from projects.tests.documents import extracted, with_paths

TEXT = "x" * 1_000


def document(operation: dict[str, Any], **components: Any) -> dict[str, Any]:
    """A hundred operations that all say the same."""
    return with_paths({f"/{number}": {"post": operation} for number in range(100)}, components=components)


@pytest.mark.parametrize(
    ("operation", "components"),
    [
        ({"description": TEXT}, {}),
        ({"parameters": [{"$ref": "#/components/parameters/a"}]},
         {"parameters": {"a": {"name": "a", "in": "query", "description": TEXT}}}),
        ({"parameters": [{"name": "a", "in": "query", "schema": {"$ref": "#/components/schemas/A"}}]},
         {"schemas": {"A": {"enum": [TEXT]}}}),
        ({"requestBody": {"$ref": "#/components/requestBodies/a"}},
         {"requestBodies": {"a": {"description": TEXT, "content": {}}}}),
        ({"requestBody": {"content": {"text/plain": {"schema": {"$ref": "#/components/schemas/A"}}}}},
         {"schemas": {"A": {"enum": [TEXT]}}}),
    ],
)  # fmt: skip
def test_what_every_operation_repeats_counts_each_time(
    operation: Any, components: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(extracted(document(operation, **components)).endpoints) == 100
    monkeypatch.setattr("projects.openapi.extract.MOST_TEXT", 90_000)
    with pytest.raises(DocumentTooLarge, match="says of its operations"):
        extracted(document(operation, **components))


def test_a_chain_of_references_that_is_too_long_leads_nowhere() -> None:
    schemas = {f"S{number}": {"$ref": f"#/components/schemas/S{number + 1}"} for number in range(20_000)}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    api = extracted(with_paths({"/a": {"post": {"requestBody": body}}}, components={"schemas": schemas}))
    assert len(api.endpoints) == 1


def test_bodies_that_are_too_large_together_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.openapi.bodies.MOST_TEXT", 10_000)
    media = {"schema": {"type": "string", "minLength": 900}}
    api = extracted(document({"requestBody": {"content": {"text/plain": media}}}))
    sources = [one.request_body["content"][0]["source"] for one in api.endpoints if one.request_body]
    assert sources == ["schema"] * 11 + ["none"] * 89
    assert [warning.message for warning in api.warnings] == [
        "The examples are too large together: some bodies have none."
    ]
