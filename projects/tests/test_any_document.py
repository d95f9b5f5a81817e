"""Documents that nobody would write, by hypothesis: nothing but `DocumentError` comes of them, and always the same."""

import io
import json
import re
import zipfile
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from projects.openapi import DocumentError, extract_api, read_document
from projects.tests.documents import EVERY_SHAPE, ORDERS, PETS_20, with_paths
from projects.tests.judging import Judge
from tests.examples import examples

# The same documents each time: a test that fails by chance helps nobody who did not change anything.
settings.register_profile(
    "documents", deadline=None, derandomize=True, database=None, max_examples=examples(15),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
ANY = settings.get_profile("documents")

WORDS = re.findall(
    r"\S+",
    """
    openapi swagger info paths servers tags components schemas parameters requestBodies securitySchemes webhooks
    securityDefinitions definitions host basePath schemes consumes get post query put additionalOperations summary
    description operationId deprecated name in required schema content style explode allowReserved example examples
    value default enum const type format pattern minimum maximum exclusiveMinimum multipleOf minLength maxLength
    minItems maxItems uniqueItems items prefixItems properties additionalProperties minProperties allOf oneOf anyOf
    not nullable readOnly discriminator propertyName mapping $ref $defs $anchor $dynamicRef encoding contentType
    collectionFormat security scopes flows tokenUrl variables url callbacks requestBody x-example itemSchema
    """,
)
TEXTS = re.findall(
    r"\S+",
    """
    /a/{id} /b #/components/schemas/A #/components/schemas/B # #/ #/paths/~1b A B object array string integer number
    boolean null file path header cookie formData body querystring application/json multipart/form-data
    application/x-www-form-urlencoded text/plain application/xml 3.1.0 3.0.3 2.0 date-time uuid ^[a-z]{3}$ (a+)+$
    https://{x}.example.com deepObject pipeDelimited matrix label multi oauth2 apiKey http bearer
    ../x.yaml http://127.0.0.1/x 한글
    """,
)
leaf = (
    st.none() | st.booleans() | st.integers(-5, 300) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(TEXTS) | st.text(max_size=8)
)  # fmt: skip
key = st.sampled_from(WORDS) | st.sampled_from(TEXTS) | st.text(max_size=5)
anything = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=6), max_leaves=14
)
mapping = st.dictionaries(key, anything, max_size=5)


def refused(data: bytes) -> str:
    """The sentence that refuses a document; "" for one that is read."""
    try:
        extract_api(read_document(data).document)
    except DocumentError as error:
        return str(error)
    return ""


def outcome(document: Any) -> str:
    """All that comes of a document, as text that a database and a browser can hold."""
    try:
        read = read_document(json.dumps(document))
        api = extract_api(read.document, "https://docs.example.com/openapi.json")
    except DocumentError as error:
        return str(error)
    for endpoint in api.endpoints:
        json.dumps([endpoint.parameters, endpoint.request_body, endpoint.security], allow_nan=False).encode()
    json.dumps([api.security_schemes, [server.as_dict() for server in api.servers]], allow_nan=False).encode()
    return repr(api)


@settings(ANY)
@given(mapping, st.sampled_from([{"openapi": "3.1.0"}, {"swagger": "2.0"}, {}]))
def test_any_mapping_is_read_or_refused_and_always_alike(document: dict[str, Any], head: dict[str, Any]) -> None:
    whole = {**document, **head}
    assert outcome(whole) == outcome(whole)


@settings(ANY)
@given(mapping, mapping, mapping, mapping, st.lists(mapping, max_size=3), st.sampled_from(["openapi", "swagger"]))
def test_any_operation_is_read(a: Any, b: Any, operation: Any, media: Any, parameters: Any, head: str) -> None:
    parameters = [{"name": "p", "in": "query", **one} for one in parameters]
    body = {"content": {"application/json": media, "multipart/form-data": media}}
    path = {"parameters": parameters, "get": operation, "post": {**operation, "requestBody": body}}
    document = {
        head: "2.0" if head == "swagger" else "3.0.0", "paths": {"/a/{id}": path},
        "components": {"schemas": {"A": a, "B": b}}, "definitions": {"A": a, "B": b},
    }  # fmt: skip
    assert outcome(document) == outcome(document)


@settings(ANY)
@given(mapping, mapping, mapping)
def test_any_schema_gives_an_example_or_none(schema: Any, a: Any, b: Any) -> None:
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    outcome(with_paths({"/a": {"post": body}}, components={"schemas": {"A": a, "B": b}}))


@settings(ANY)
@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00\xd8")
@example(b"%YAML 1.1\n--- !<tag:yaml.org,2002:map> {}")
@example(b"? [a, b]\n: c\nopenapi: 3.0.0")
@example(b"openapi: &a\n  <<: *a")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    refused(data)


@settings(ANY)
@given(st.text("{}[]:,-?!&*#|>'\"%@`<= \n\tabc01.~", max_size=60))
def test_any_yaml_is_read_or_refused(text: str) -> None:
    data = f"openapi: 3.1.0\nx:\n  {text}".encode()
    assert refused(data) == refused(data)


@settings(ANY)
@given(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from([ORDERS, EVERY_SHAPE, json.dumps(PETS_20)]))
def test_a_damaged_document_is_read_or_refused(place: int, byte: int, text: str) -> None:
    data = bytearray(text.encode())
    data[place % len(data)] = byte
    refused(bytes(data))


@settings(ANY)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_zip_is_read_or_refused(place: int, byte: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("openapi.yaml", "openapi: 3.0.0\npaths:\n  /a: {$ref: paths/a.yaml}")
        archive.writestr("paths/a.yaml", "get: {summary: 여기}")
    data = bytearray(stream.getvalue())
    data[place % len(data)] = byte
    refused(bytes(data))


# --- schemas that something satisfies, by construction ---


def _limits(low: str, high: str, most: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.integers(0, most), st.integers(0, most)).map(lambda two: {low: min(two), high: max(two)})


PATTERNS = [r"^[A-Z]{2}\d{4}$", r"^\+?[1-9]\d{1,14}$", r"^(foo|bar)-[a-z]+$", r"^.{3,5}$", r"^[^@\s]+@x\.kr$"]
numbers = st.one_of(
    st.just({"type": "integer"}), st.just({"type": "number", "format": "double"}),
    _limits("minimum", "maximum", 50).map(lambda limits: {"type": "integer", **limits}),
    st.integers(-50, 50).map(lambda limit: {"type": "number", "exclusiveMinimum": limit}),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": 20}),
)  # fmt: skip
texts = st.one_of(
    st.just({"type": "string"}),
    _limits("minLength", "maxLength", 30).map(lambda limits: {"type": "string", **limits}),
    st.sampled_from(["date", "date-time", "uuid", "email", "ipv4", "uri", "byte", "binary", "own"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.lists(st.sampled_from(["a", "b", "한글"]), min_size=1, unique=True).map(lambda names: {"enum": names}),
)  # fmt: skip


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["id", "name", "이름", "a b", "x-y", "list"])
    return st.tuples(st.dictionaries(names, inner, max_size=4), st.data(), st.booleans()).map(_object)


def _object(drawn: Any) -> dict[str, Any]:
    properties, _data, is_closed = drawn
    required = sorted(properties)[::2]
    schema = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if is_closed else schema


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    arrays = st.tuples(inner, _limits("minItems", "maxItems", 4)).map(
        lambda two: {"type": "array", "items": two[0], **two[1]}
    )
    choices = st.tuples(numbers, texts, st.sampled_from(["oneOf", "anyOf"])).map(lambda three: {three[2]: [*three[:2]]})
    parts = st.tuples(inner, inner).map(
        lambda two: {
            "allOf": [
                {"type": "object", "properties": {"one": two[0]}, "required": ["one"]},
                {"type": "object", "properties": {"two": two[1], "made": {"type": "string", "readOnly": True}},
                 "required": ["two", "made"]},
            ]
        }
    )  # fmt: skip
    maps = inner.map(lambda one: {"type": "object", "additionalProperties": one, "minProperties": 1})
    return st.one_of(arrays, _objects(inner), choices, parts, maps)


satisfiable = st.recursive(
    st.one_of(numbers, texts, st.just({"type": "boolean"}), st.just({"$ref": "#/components/schemas/Node"})),
    _composed,
    max_leaves=12,
)
NODE = {
    "type": "object", "required": ["value"],
    "properties": {"value": {"type": "integer", "minimum": 3}, "next": {"$ref": "#/components/schemas/Node"}},
}  # fmt: skip
wrong_examples = st.none() | leaf | st.dictionaries(st.sampled_from(["id", "name", "one", "two"]), leaf, max_size=3)


@settings(ANY, max_examples=examples(40))
@given(satisfiable, wrong_examples)
def test_an_example_satisfies_its_schema_whatever_its_author_wrote(schema: dict[str, Any], written: Any) -> None:
    if written is not None:
        schema = {"allOf": [schema], "example": written} if "$ref" in schema else {**schema, "example": written}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    document = with_paths({"/a": {"post": body}}, components={"schemas": {"Node": NODE}})
    found = extract_api(read_document(json.dumps(document)).document).endpoints[0].request_body
    assert found is not None
    content = found["content"][0]
    assert content["source"] != "none"
    assert Judge(document).fault(schema, content["value"]) == ""
    assert json.loads(content["text"]) == content["value"]
