"""Request bodies as they are sent."""

import json
from typing import Any

import pytest

from projects.openapi.forms import BOUNDARY, body_text, form_text
from projects.tests.documents import ORDERS, extracted, operation, with_paths


def body(content: Any, **more: Any) -> Any:
    api = extracted(with_paths({"/a": {"post": {"requestBody": {"content": content, **more}}}}))
    return api.endpoints[0].request_body


def test_json_comes_first_and_is_sent_readably() -> None:
    found = operation(extracted(ORDERS), "POST /orders").request_body
    assert found is not None
    assert found["required"] is True
    assert [entry["media_type"] for entry in found["content"]] == ["application/json", "application/xml"]
    assert found["content"][0]["value"] == {"item": "커피", "count": 2}
    assert found["content"][0]["text"] == '{\n  "item": "커피",\n  "count": 2\n}'


def test_an_operation_without_a_body_has_none() -> None:
    assert operation(extracted(ORDERS), "GET /orders/{orderId}").request_body is None


@pytest.mark.parametrize(
    "media",
    [
        {"example": {"a": 1}},
        {"examples": {"first": {"value": {"a": 1}}, "second": {"value": {"a": 2}}}},
        {"schema": {"type": "object", "example": {"a": 1}}},
        {"examples": [{"a": 1}]},
        {
            "examples": {"wrong": {"value": {"a": "x"}}, "right": {"value": {"a": 1}}},
            "schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
        },
        {"example": '{"a": 1}', "schema": {"type": "object"}},
        {
            "examples": {"far": {"externalValue": "http://127.0.0.1:9/x"}},
            "schema": {"example": {"a": 1}, "type": "object"},
        },
    ],
)
def test_the_documents_own_example_is_sent(media: Any) -> None:
    found = body({"application/json": media})["content"][0]
    assert (json.loads(found["text"]), found["source"]) == ({"a": 1}, "example")


def test_an_example_written_as_json_text_is_the_body_itself() -> None:
    found = body({"application/json": {"example": '{"a": 1}'}})["content"][0]
    assert json.loads(found["text"]) == {"a": 1}


def test_a_body_without_a_schema_is_an_empty_object() -> None:
    assert body({"application/json": {"schema": {}}})["content"][0]["text"] == "{}"


def test_any_type_is_sent_as_json() -> None:
    assert body({"*/*": {"schema": {"type": "integer"}}})["content"][0]["media_type"] == "application/json"


def test_forms_are_encoded() -> None:
    schema = {"type": "object", "properties": {"a": {"const": "x y"}, "b": {"type": "array", "items": {"enum": ["ä"]}}}}
    found = body({"application/x-www-form-urlencoded": {"schema": schema}})["content"][0]
    assert found["text"] == "a=x+y&b=%C3%A4"
    deep = {"m": {"style": "deepObject", "explode": True}}
    assert form_text({"m": {"k": {"x": 1}, "l": [True]}}, deep) == "m%5Bk%5D%5Bx%5D=1&m%5Bl%5D%5B0%5D=true"
    assert form_text({"m": {"k": 1}, "n": None}) == "m=%7B%22k%22%3A+1%7D"


def test_multipart_names_its_boundary_and_its_files() -> None:
    schema = {
        "type": "object",
        "properties": {"f": {"type": "string", "format": "binary"}, 'q"\r\n': {"type": "integer"}},
    }
    found = body({"multipart/form-data": {"schema": schema}})["content"][0]
    assert found["media_type"] == f"multipart/form-data; boundary={BOUNDARY}"
    parts = found["text"].split(f"--{BOUNDARY}")
    assert (
        'name="f"; filename="metric-vault.txt"\r\nContent-Type: application/octet-stream\r\n\r\nstring\r\n' in parts[1]
    )
    assert 'name="q%22%0D%0A"\r\n\r\n1\r\n' in parts[2]
    assert parts[3] == "--\r\n"


def form_fields(encoding: Any, **values: Any) -> str:
    schema = {"type": "object", "properties": {name: {"const": value} for name, value in values.items()}}
    for name, value in values.items():
        schema["properties"][name]["type"] = {list: "array", dict: "object", str: "string"}[type(value)]  # type: ignore[index]
    media = {"schema": schema, "encoding": encoding}
    return str(body({"application/x-www-form-urlencoded": media})["content"][0]["text"])


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ({"explode": False}, ["a", "b"], "f=a%2Cb"),
        ({"style": "spaceDelimited", "explode": False}, ["a", "b"], "f=a+b"),
        ({"style": "pipeDelimited"}, ["a", "b"], "f=a%7Cb"),
        ({"style": "form"}, ["a", "b"], "f=a&f=b"),
        ({"style": "form"}, {"a": "1", "b": "2"}, "a=1&b=2"),
        ({"style": "form", "explode": False}, {"a": "1", "b": "2"}, "f=a%2C1%2Cb%2C2"),
        ({"style": "deepObject"}, {"a": {"b": ["1"]}}, "f%5Ba%5D%5Bb%5D%5B0%5D=1"),
        ({"contentType": "application/json"}, ["a"], "f=%5B%22a%22%5D"),
        ({}, {"a": "1"}, "f=%7B%22a%22%3A+%221%22%7D"),
        ("broken", ["a"], "f=a"),
    ],
)
def test_a_form_follows_its_encoding(rule: Any, value: Any, expected: str) -> None:
    assert form_fields({"f": rule}, f=value) == expected


def test_parts_have_the_content_type_that_their_encoding_names() -> None:
    schema = {
        "type": "object",
        "properties": {
            "meta": {"type": "object", "properties": {"a": {"type": "integer"}}},
            "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
            "raw": {"type": "string", "contentMediaType": "image/gif"},
        },
    }
    encoding = {"images": {"contentType": "image/png, image/jpeg"}, "gone": {"contentType": "text/plain"}}
    found = body({"multipart/form-data": {"schema": schema, "encoding": encoding}})["content"][0]
    assert 'name="meta"\r\nContent-Type: application/json\r\n\r\n{"a": 1}' in found["text"]
    assert 'name="images"; filename="metric-vault.txt"\r\nContent-Type: image/png' in found["text"]
    assert 'name="raw"; filename="metric-vault.txt"\r\nContent-Type: image/gif' in found["text"]
    assert found["encoding"]["images"] == {"file": True, "content_type": "image/png"}
    assert body_text({"images": ["x"]}, found["media_type"], found["encoding"]).count("image/png") == 1


def test_swagger_2_joins_lists_in_forms() -> None:
    fields = [
        {"name": "a", "in": "formData", "type": "array", "items": {"type": "integer", "enum": [1, 2]}, "minItems": 2},
        {"name": "b", "in": "formData", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes",
         "x-example": ["x", "y"]},
        {"name": "c", "in": "formData", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi",
         "x-example": ["x", "y"]},
    ]  # fmt: skip
    api = extracted({"swagger": "2.0", "paths": {"/a": {"post": {"parameters": fields}}}})
    found = api.endpoints[0].request_body
    assert found is not None
    assert found["content"][0]["text"].partition("&")[2] == "b=x%7Cy&c=x&c=y"
    assert found["content"][0]["text"].startswith("a=1%2C")


def test_xml_is_sent_only_as_the_document_writes_it() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert body({"application/xml": {"schema": schema, "example": "<a/>"}})["content"][0]["text"] == ""
    assert body({"application/xml": {"example": "<a/>"}})["content"][0]["text"] == "<a/>"


def test_lines_of_json() -> None:
    found = body({"application/x-ndjson": {"itemSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}}})
    assert found["content"][0]["text"] == '{"a": 1}\n'


def test_a_media_type_cannot_break_out_of_its_header() -> None:
    found = body({"text/plain\r\nX-Evil: 1": {"schema": {"type": "string"}}})["content"][0]
    assert "\r" not in found["media_type"]
    assert "\n" not in found["media_type"]
