"""Bytes to a document, or to a sentence that says what they are."""

import json
import re
import time
from typing import Any

import pytest

from projects.openapi import MAX_BYTES, DocumentError, DocumentTooLarge, read_document
from projects.openapi.yaml_events import MAX_DEPTH

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
SMALL: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "요금", "version": "1"}, "paths": {}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949"])
def test_it_reads_every_encoding_that_is_seen(encoding: str) -> None:
    assert read_document(json.dumps(SMALL, ensure_ascii=False).encode(encoding)).document == SMALL


def test_it_believes_the_senders_charset() -> None:
    data = json.dumps(SMALL | {"info": {"title": "é", "version": "1"}}, ensure_ascii=False).encode("latin-1")
    assert read_document(data, charset="latin-1").document["info"]["title"] == "é"


def test_it_reads_yaml_with_windows_line_ends() -> None:
    text = HEAD.replace("\n", "\r\n") + "paths: {}\r\n"
    assert read_document(text.encode()).document["info"] == {"title": "T", "version": "1"}


def test_yaml_dates_and_words_stay_text_and_keys_are_text() -> None:
    found = read_document(
        HEAD + "x: {2024-01-01: 2024-01-01, 200: yes, on: off, null: 0o10, 1.5: 1.5}\npaths: {}\n"
    ).document
    assert found["x"] == {"2024-01-01": "2024-01-01", "200": "yes", "on": "off", "null": 8, "1.5": 1.5}


def test_yaml_numbers_are_numbers_and_hashes_are_text() -> None:
    found = read_document(
        HEAD + "n: [1, -2, 1.5, .5, 1e+3, 0x1F, 0, 7638417e1, 0.16e0, 01012345678, 1_000, 12:30, 1.2.3]\npaths: {}\n"
    )
    text = ["7638417e1", "0.16e0", "01012345678", "1_000", "12:30", "1.2.3"]
    assert found.document["n"] == [1, -2, 1.5, 0.5, 1000, 31, 0, *text]


def test_a_version_is_the_text_that_is_written() -> None:
    found = read_document("openapi: 3.0\ninfo: {title: T, version: 1.10}\npaths: {}\n").document
    assert (found["openapi"], found["info"]["version"]) == ("3.0", "1.10")


def test_yaml_anchors_aliases_and_merges() -> None:
    found = read_document(
        HEAD + "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [*a, {z: 4}]}\npaths: {}\n"
    ).document
    assert (found["b"], found["c"], found["d"]) == ({"x": 1, "y": 2}, {"x": 1, "y": 3}, {"x": 1, "y": 2, "z": 4})


def test_json_with_a_trailing_comma_is_read_as_yaml() -> None:
    assert read_document('{"openapi": "3.0.0", "paths": {},}').syntax == "yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<!DOCTYPE html><html></html>", "web page"),
        ("<?xml version='1.0'?><definitions/>", "XML"),
        ("#%RAML 1.0\ntitle: x", "RAML"),
        ("asyncapi: 3.0.0\ninfo: {}", "AsyncAPI"),
        ('{"info": {"_postman_id": "1", "name": "x"}, "item": []}', "Postman"),
        ('{"swaggerVersion": "1.2", "apis": []}', "Swagger 1.x"),
        ('{"log": {"entries": []}}', "HAR"),
        ("apiVersion: v1\nkind: Pod", "Kubernetes"),
        ("[1, 2]", "list"),
        ("Not found", "Not found"),
        ('{"name": "x", "dependencies": {}}', "names no OpenAPI version"),
        ('{"openapi": "3.0.0", "paths": {', "ends too early"),
        ('{"openapi": "3.0.0" "paths": 1}', "line 1, column 21"),
        ("openapi: 3.0.0\ninfo:\n\ttitle: T", "line 3"),
        ('{"message": "Not Found", "documentation_url": "https://x"}', "error message of a server (“Not Found”)"),
        ('{"detail": "Authentication credentials were not provided."}', "may need a login"),
        ('{"error": {"code": 403}, "status": 403}', "error message of a server"),
        ("404: Not Found", "it reads “404: Not Found”"),
        (
            '{"urls": [{"url": "/v3/api-docs", "name": "x"}]}',
            "Swagger UI. Import an address that it names: /v3/api-docs",
        ),
        ('{"configUrl": "/v3/swagger-config", "url": "/v3/api-docs"}', "/v3/api-docs"),
        ("FORMAT: 1A\n\n# Polls", "API Blueprint"),
        ('syntax = "proto3";', "protocol buffer"),
        ("type Query {\n  a: Int\n}", "GraphQL"),
        ('const spec = {openapi: "3.0.0"}', "JavaScript"),
        ("window.onload = function() {}", "JavaScript"),
        ("services:\n  web: {image: x}", "Docker Compose"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}', "JSON Schema"),
        ('{"collection": {"info": {}, "item": []}}', "Postman"),
        ('{"_postman_variable_scope": "environment", "values": []}', "Postman"),
        ("type: collection.insomnia.rest/5.0", "Insomnia"),
        ('{"apiVersion": "1.0", "resourcePath": "/pet", "apis": []}', "Swagger 1.x"),
        ("openrpc: 1.2.6", "OpenRPC"),
        ("arazzo: 1.0.0", "Arazzo"),
        ("{}", "names no OpenAPI version"),
    ],
)
def test_it_says_what_a_text_is_instead(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(said)):
        read_document(text)


def test_json_within_a_json_text_is_read() -> None:
    assert read_document(json.dumps(json.dumps({"openapi": "3.0.0", "paths": {}}))).document["openapi"] == "3.0.0"
    with pytest.raises(DocumentError):
        read_document(json.dumps(json.dumps(json.dumps("x"))))


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0", b"%PDF-1.7", b"7z\xbc\xaf\x27\x1c", b"a\x01\x02b\xff", b"\x00\x00\x00"]
)
def test_it_refuses_binary_files(data: bytes) -> None:
    with pytest.raises(DocumentError, match="binary"):
        read_document(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"openapi": "3.0.0", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        HEAD + "x: " + "[" * 100_000,
        HEAD + "x: " + "{a: " * 100_000,
        HEAD + "- " * 100_000,
    ],
)
def test_deep_nesting_ends_in_a_sentence_and_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(DocumentError):
        read_document(text)
    assert time.monotonic() - start < 2


def test_depth_through_aliases_counts() -> None:
    deep = "[" * 90 + "1" + "]" * 90
    text = HEAD + f"a: &a {deep}\nb: &b {'[' * 90}*a{']' * 90}\nc: {'[' * 90}*b{']' * 90}\npaths: {{}}\n"
    with pytest.raises(DocumentError, match=f"{MAX_DEPTH} levels"):
        read_document(text)


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for number in range(1, 12):
        aliases = ", ".join([f"*a{number - 1}"] * 9)
        bomb += f"a{number}: &a{number} [{aliases}]\n"
    with pytest.raises(DocumentError, match="aliases"):
        read_document(HEAD + bomb)


def test_an_alias_to_itself_is_refused() -> None:
    with pytest.raises(DocumentError, match="holds itself"):
        read_document(HEAD + "a: &a [*a]\n")


def test_a_yaml_tag_that_runs_code_is_refused() -> None:
    with pytest.raises(DocumentError, match="run code"):
        read_document("openapi: 3.0.0\ninfo: !!python/object/apply:os.getcwd []\n")


@pytest.mark.parametrize(
    "text", ['{"openapi": "3.0.0", "a": 1, "a": 2, "paths": {}}', "openapi: 3.0.0\na: 1\na: 2\npaths: {}"]
)
def test_a_key_written_twice_is_a_warning_and_the_last_one_counts(text: str) -> None:
    found = read_document(text)
    assert found.document["a"] == 2
    assert "“a” is written twice" in found.warnings[0].message


def test_many_keys_written_twice_take_as_long_as_others() -> None:
    """Each of them compared with all others would take hundreds of times as long."""

    def seconds(distinct: int) -> float:
        pairs = ", ".join(f'"k{number % distinct}": 1' for number in range(80_000))
        start = time.process_time()
        read_document(f'{{"openapi": "3.0.0", "paths": {{}}, {pairs}}}')
        return time.process_time() - start

    assert seconds(40_000) < 30 * seconds(80_000)


@pytest.mark.parametrize(
    "text",
    [
        '{"openapi": "3.0.0", "paths": {}, "n": [NaN, Infinity, 1e999, ' + "9" * 5000 + "]}",
        "openapi: 3.0.0\npaths: {}\nn: [.nan, -.inf, 1e+999, " + "9" * 5000 + "]",
    ],
)
def test_numbers_that_are_none_are_left_out(text: str) -> None:
    found = read_document(text)
    assert found.document["n"] == [None, None, None, None]
    assert len(found.warnings) == 4


def test_nul_and_half_surrogates_become_a_visible_character() -> None:
    found = read_document('{"openapi": "3.0.0", "info": {"title": "a\\u0000b\\ud800c"}, "paths": {"/\\u0000": {}}}')
    assert found.document["info"]["title"] == "a\ufffdb\ufffdc"
    assert list(found.document["paths"]) == ["/\ufffd"]
    assert "NUL" in found.warnings[0].message
    assert read_document('{"openapi": "3.0.0", "x": "\\ud83d\\ude00", "paths": {}}').document["x"] == "😀"


def test_of_several_yaml_documents_the_first_is_read() -> None:
    found = read_document(HEAD + "paths: {}\n---\nopenapi: 3.0.0\ninfo: {title: Two}\n")
    assert found.document["info"]["title"] == "T"
    assert "first one was read" in found.warnings[0].message


@pytest.mark.parametrize("value", ["{}", "[]"])
def test_too_many_values_are_refused_before_they_take_memory(value: str) -> None:
    with pytest.raises(DocumentTooLarge, match="more than 1500000 values"):
        read_document('{"openapi": "3.0.0", "x": [' + f"{value}," * 1_500_000 + "1]}")


def test_too_many_values_in_yaml_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.openapi.yaml_events.MOST_VALUES", 100)
    with pytest.raises(DocumentTooLarge, match="more than 100 values"):
        read_document(HEAD + "x:\n" + "- a\n" * 101)


def test_more_than_20_mb_is_too_large() -> None:
    with pytest.raises(DocumentTooLarge, match="20 MB"):
        read_document(b" " * (MAX_BYTES + 1))
    with pytest.raises(DocumentTooLarge):
        read_document("가" * (MAX_BYTES // 3 + 1))


def test_a_document_without_a_version_is_read_where_it_has_paths() -> None:
    found = read_document('{"paths": {"/a": {"get": {}}}}')
    assert "does not say its OpenAPI version" in found.warnings[0].message
