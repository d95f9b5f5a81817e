"""Example values from schemas."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from projects.openapi.examples import Example, Examples
from projects.openapi.formats import is_format, matches
from projects.openapi.patterns import matching
from projects.openapi.references import References
from projects.openapi.schemas import Budget
from projects.openapi.wording import Warnings


def example(schema: Any, **schemas: Any) -> Any:
    return made(schema, **schemas).value


def made(schema: Any, **schemas: Any) -> Any:
    document = {"components": {"schemas": schemas}}
    return Examples(References(document, Warnings())).of_schema(schema, "")


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("schema", "value", "source"),
    [
        ({"type": "string", "example": "a", "default": "b"}, "a", "example"),
        ({"type": "string", "examples": ["a"], "default": "b"}, "a", "example"),
        ({"type": "string", "default": "b", "enum": ["c", "b"]}, "b", "default"),
        ({"const": "k"}, "k", "enum"),
        ({"type": "string", "enum": [None, "c"]}, "c", "enum"),
        ({"type": "integer"}, 1, "schema"),
        ({"type": "string", "example": 123}, "123", "example"),
        ({"type": "integer", "example": "5"}, 5, "example"),
        ({"type": "boolean", "default": "false"}, False, "default"),
        ({"type": "object", "example": '{"a": 1}'}, {"a": 1}, "example"),
        ({"type": "integer", "example": "many"}, 1, "schema"),
        ({"type": ["null", "string"]}, "string", "schema"),
        ({}, None, "none"),
        (None, None, "none"),
    ],
)
def test_the_order_of_sources(schema: Any, value: Any, source: str) -> None:
    found = made(schema)
    assert (found.value, found.source) == (value, source)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 7, "multipleOf": 5},
        {"type": "integer", "maximum": -3},
        {"type": "integer", "exclusiveMinimum": 1},
        {"type": "number", "exclusiveMaximum": 1, "minimum": 0},
        {"type": "number", "minimum": 0.1, "maximum": 0.2},
        {"type": "string", "minLength": 10},
        {"type": "string", "maxLength": 3},
        {"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"},
        {"type": "string", "pattern": r"^(foo|bar)+\.[^a]\w?$", "minLength": 9},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        {"type": "array", "maxItems": 0, "items": {"type": "string"}},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}},
        {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
        {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer", "minimum": 4}}}]},
        {
            "allOf": [{"properties": {"a": {"maxLength": 2}}}, {"properties": {"a": {"type": "string"}}}],
            "type": "object",
        },
        {"oneOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]},
    ],
)
def test_what_is_built_satisfies_its_schema(schema: Any) -> None:
    Draft202012Validator(schema).validate(example(schema))


@pytest.mark.parametrize(
    ("name", "value"),
    [("date", "2026-01-15"), ("uuid", "3fa85f64-5717-4562-b3fc-2c963f66afa6"), ("email", "user@example.com")],
)
def test_formats_have_plausible_values(name: str, value: str) -> None:
    assert example({"type": "string", "format": name}) == value


def test_read_only_properties_are_not_sent() -> None:
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "made": ref("Made"), "name": {"type": "string"}},
    }
    assert example(schema, Made={"type": "string", "readOnly": True}) == {"name": "string"}


def test_what_is_only_written_is_sent() -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string", "writeOnly": True}}}
    assert example(schema) == {"password": "string"}


def test_recursion_ends_where_it_may() -> None:
    node = {"type": "object", "required": ["children"], "properties": {"next": ref("N"), "children": ref("L")}}
    assert example(ref("N"), N=node, L={"type": "array", "items": ref("N")}) == {"children": []}


def test_recursion_that_cannot_end_gives_nothing() -> None:
    assert made(ref("N"), N={"type": "object", "required": ["n"], "properties": {"n": ref("N")}}).source == "none"


def test_another_branch_is_taken_where_the_first_leads_back() -> None:
    schema = {"oneOf": [ref("S"), {"type": "integer"}]}
    assert example(ref("S"), S=schema) == 1


def test_the_discriminator_names_the_chosen_branch() -> None:
    pet = {
        "oneOf": [ref("Cat"), ref("Dog")],
        "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat"}},
    }
    animal = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    assert example(pet, Cat=animal, Dog=animal) == {"kind": "cat"}
    own = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a cat"}}}
    assert example({"oneOf": [ref("Own")], "discriminator": {"propertyName": "kind"}}, Own=own) == {"kind": "a cat"}


PET = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "name": {"const": "x"}}}
CAT = {"allOf": [ref("Pet"), {"type": "object", "required": ["lives"], "properties": {"lives": {"const": 9}}}]}


@pytest.mark.parametrize(
    "discriminator",
    [
        {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat"}},
        {"propertyName": "kind", "mapping": {"cat": "Cat"}},
    ],
)
def test_for_a_parent_with_a_discriminator_a_child_is_sent(discriminator: Any) -> None:
    pet = {**PET, "discriminator": discriminator}
    assert example(ref("Pet"), Pet=pet, Cat=CAT) == {"kind": "cat", "lives": 9, "name": "x"}
    assert example(ref("Cat"), Pet=pet, Cat=CAT) == {"kind": "cat", "lives": 9, "name": "x"}


@pytest.mark.parametrize("discriminator", [{"propertyName": "kind"}, "kind"])
def test_without_a_mapping_children_are_found_and_named_by_their_schemas(discriminator: Any) -> None:
    dog = {"allOf": [ref("Pet"), {"properties": {"barks": {"type": "boolean"}}}]}
    schemas = {"Pet": {**PET, "discriminator": discriminator}, "Cat": CAT, "Dog": dog}
    assert example(ref("Pet"), **schemas) == {"kind": "Cat", "lives": 9, "name": "x"}
    assert example(ref("Dog"), **schemas) == {"kind": "Dog", "barks": True, "name": "x"}


def test_a_parent_whose_children_cannot_be_built_is_sent_itself() -> None:
    pet = {**PET, "additionalProperties": False, "discriminator": {"propertyName": "kind"}}
    assert example(ref("Pet"), Pet=pet, Cat=CAT) == {"kind": "Pet", "name": "x"}


def test_another_branch_of_a_part_is_tried() -> None:
    number = {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {"const": 1}}}, {"required": ["b"]}]}
    schema = {
        "type": "object",
        "allOf": [number, {"not": {"required": ["a"]}}],
        "properties": {"b": {"type": "string"}},
    }
    assert example(schema) == {"b": "string"}


def test_a_closed_part_keeps_the_others_optional_properties_out() -> None:
    closed = {"type": "object", "additionalProperties": False, "properties": {"a": {"const": 1}}}
    schema = {"allOf": [closed, {"type": "object", "properties": {"b": {"const": 2}}}]}
    Draft202012Validator(schema).validate(example(schema))


def test_the_example_of_one_part_does_not_stand_for_the_whole() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "example": {"a": "from the example"}},
            {"type": "object", "properties": {"b": {"type": "integer"}}},
        ]
    }
    assert example(schema) == {"a": "from the example", "b": 1}


def test_notes_on_a_flat_schema_cannot_be_written_by_a_document() -> None:
    assert example({"type": "object", "hints": "x", "('hints',)": 5, "properties": {"a": {"type": "integer"}}}) == {
        "a": 1
    }


def test_a_schema_that_multiplies_itself_ends_within_its_budget() -> None:
    schemas = {f"S{number}": {"allOf": [ref(f"S{number + 1}")] * 50} for number in range(30)}
    schemas["S30"] = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert made(ref("S0"), **schemas).source == "none"


def test_a_document_that_asks_for_too_much_gets_no_more_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.openapi.examples.NODES_OF_DOCUMENT", 50)
    examples = Examples(References({}, Warnings()))
    schema = {"type": "object", "properties": {f"p{number}": {"type": "integer"} for number in range(40)}}
    assert examples.of_schema(schema, "").source == "schema"
    examples.of_schema(schema, "")
    assert examples.exhausted
    assert examples.of_schema({"type": "integer"}, "").source == "none"


def test_a_budget_counts_what_is_spent() -> None:
    budget = Budget(10, 15)
    assert budget.spend(9)
    assert not budget.spend(1)
    budget.renew()
    assert budget.left == 5


@pytest.mark.parametrize("pattern", [r"(?=a)b", "(", "a" * 400, r"a{9999}", "[b-a]"])
def test_a_pattern_that_nothing_simple_matches_gives_nothing(pattern: str) -> None:
    assert matching(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$", r"^([a-z0-9]+(-[a-z0-9]+)*)+$", r"^\s*\S+$", r"[\s\S]*", r"^$|^a$", r"(?<!x)y", r"\bfoo\b",
        r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,}$", r"^(?!.*--)[a-z-]{5}$", r"^\+?[1-9]\d{1,14}$", r"(a)\1",
    ],
)  # fmt: skip
def test_a_pattern_is_satisfied(pattern: str) -> None:
    text = matching(pattern)
    assert text is not None
    assert re.search(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\p{L}+$", "a"),
        (r"^[\p{L}\p{N} ]{3,10}$", "aaa"),
        (r"^(?<year>\d{4})-\d\d$", "1111-11"),
        (r"^https:\/\/x\.kr\/$", "https://x.kr/"),
        (r"^\u0041\x42$", "AB"),
    ],
)
def test_the_notation_is_javascript_s(pattern: str, text: str) -> None:
    assert matching(pattern) == text
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-01-15T09:30:00.5+09:00", "2026-01-15 09:30"),
        ("time", "09:30:00Z", "9:30"),
        ("uuid", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "3fa85f64"),
        ("email", "a@b.kr", "a@"),
        ("ipv4", "192.0.2.1", "192.0.2"),
        ("ipv6", "2001:db8::1", "2001:db8"),
        ("uri", "urn:x:y", "//x/y"),
        ("byte", "c3RyaW5n", "***"),
        ("int32", 2**31 - 1, 2**31),
    ],
)
def test_a_format_is_known(name: str, good: Any, bad: Any) -> None:
    assert is_format(name, good)
    assert not is_format(name, bad)
    assert is_format("their own", bad)


def test_an_example_that_lacks_what_is_required_is_mended() -> None:
    schema = {
        "type": "object",
        "required": ["name", "age", "id"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 18},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
        },
        "example": {"id": 5, "name": 7, "tags": ["a", "x"], "gone": True},
    }
    assert made(schema) == Example({"name": "7", "tags": ["a"], "age": 18}, "example")


def test_an_example_of_another_shape_is_not_taken() -> None:
    assert made({"type": "object", "properties": {"a": {"type": "integer"}}, "example": [1, 2]}).source == "schema"


def test_the_first_choice_that_satisfies_all_is_taken() -> None:
    assert example({"default": "Human", "oneOf": [{"enum": ["human", "json"]}], "type": "string"}) == "human"
    assert example({"enum": ["long", "ab"], "maxLength": 2, "type": "string"}) == "ab"


def test_of_a_one_of_no_second_branch_matches() -> None:
    one = {"type": "object", "properties": {"a": {"type": "string"}}}
    two = {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}}
    schema = {"oneOf": [one, {**two, "not": {"required": ["a"]}}]}
    Draft202012Validator(schema).validate(example(schema))


def test_long_texts_count_against_the_budget() -> None:
    text = {"type": "string", "minLength": 5_000}
    rows = {
        "type": "array",
        "minItems": 20,
        "items": {"type": "object", "properties": {f"p{n}": text for n in range(40)}},
    }
    found = made({"type": "object", "properties": {f"q{n}": rows for n in range(40)}})
    assert len(json.dumps(found.value)) < 1_000_000
