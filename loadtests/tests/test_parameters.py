"""How values stand in a request, by style and explode. The table is that of OpenAPI 3, "Style Examples"."""

from typing import Any

import pytest

from loadtests.parameters import (
    cookie_header,
    encode_address,
    fill_path,
    header_value,
    native,
    query_string,
)

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def parameter(style: str, explode: bool, kind: str = "string", name: str = "color") -> dict[str, Any]:
    return {"name": name, "style": style, "explode": explode, "schema": {"type": kind}}


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("matrix", False, "blue", ";color=blue"),
        ("matrix", False, ARRAY, ";color=blue,black,brown"),
        ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
        ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
        ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
        ("label", False, "blue", ".blue"),
        ("label", False, ARRAY, ".blue,black,brown"),
        ("label", True, ARRAY, ".blue.black.brown"),
        ("label", False, OBJECT, ".R,100,G,200,B,150"),
        ("label", True, OBJECT, ".R=100.G=200.B=150"),
        ("simple", False, "blue", "blue"),
        ("simple", False, ARRAY, "blue,black,brown"),
        ("simple", False, OBJECT, "R,100,G,200,B,150"),
        ("simple", True, OBJECT, "R=100,G=200,B=150"),
    ],
)
def test_a_path_follows_style_and_explode(style: str, explode: bool, value: Any, expected: str) -> None:
    assert fill_path("/x/{color}", {"color": (parameter(style, explode), value)}) == f"/x/{expected}"


@pytest.mark.parametrize(
    ("style", "explode", "value", "expected"),
    [
        ("form", True, "blue", "color=blue"),
        ("form", True, ARRAY, "color=blue&color=black&color=brown"),
        ("form", False, ARRAY, "color=blue,black,brown"),
        ("form", True, OBJECT, "R=100&G=200&B=150"),
        ("form", False, OBJECT, "color=R,100,G,200,B,150"),
        ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
        ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
        ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
        ("tabDelimited", False, ARRAY, "color=blue%09black%09brown"),
        ("deepObject", True, {"a": {"b": [1, "x"]}}, "color%5Ba%5D%5Bb%5D%5B0%5D=1&color%5Ba%5D%5Bb%5D%5B1%5D=x"),
        ("deepObject", True, ARRAY, "color%5B0%5D=blue&color%5B1%5D=black&color%5B2%5D=brown"),
        ("deepObject", True, "blue", "color=blue"),
        ("form", False, [], ""),
        ("form", True, True, "color=true"),
        ("form", True, 1.5, "color=1.5"),
        ("form", True, [{"a": 1}], "color=%7B%22a%22%3A1%7D"),
    ],
)
def test_a_query_follows_style_and_explode(style: str, explode: bool, value: Any, expected: str) -> None:
    assert query_string([(parameter(style, explode), value)]) == expected


def test_headers_and_cookies_are_written_their_way() -> None:
    assert header_value(parameter("simple", False), ARRAY) == "blue,black,brown"
    assert header_value(parameter("simple", True), OBJECT) == "R=100,G=200,B=150"
    assert header_value(parameter("simple", False), "값") == "값"
    cookies = [(parameter("form", True), "a;b"), (parameter("form", True, name="n"), 1)]
    assert cookie_header(cookies) == "color=a%3Bb; n=1"


def test_reserved_characters_stay_where_the_document_allows_them() -> None:
    parameter_ = {**parameter("form", True), "allow_reserved": True}
    assert query_string([(parameter_, "/a:b?c=d,e f%20g%&h#i+j")]) == "color=/a:b?c=d,e%20f%20g%25%26h%23i%2Bj"


def test_swagger_2_joins_lists_everywhere() -> None:
    assert fill_path("/{color}", {"color": (parameter("pipeDelimited", False), ARRAY)}) == "/blue%7Cblack%7Cbrown"
    assert header_value(parameter("pipeDelimited", False), ARRAY) == "blue|black|brown"
    assert header_value(parameter("spaceDelimited", False), ARRAY) == "blue black brown"


def test_a_cookie_of_openapi_3_2_is_written_as_it_is() -> None:
    values = [(parameter("cookie", True), "a b/c"), (parameter("cookie", True, "object"), {"R": 1, "G": ["x", "y"]})]
    assert cookie_header(values) == "color=a b/c; R=1; G=x; G=y"


def test_text_is_encoded_where_it_would_change_the_address() -> None:
    plain = parameter("simple", False)
    assert fill_path("/a b/{color}/끝", {"color": (plain, "a/b?c#d %2F 한")}) == (
        "/a%20b/a%2Fb%3Fc%23d%20%252F%20%ED%95%9C/%EB%81%9D"
    )
    assert query_string([(parameter("form", True, name="q&a"), "1&2=3")]) == "q%26a=1%262%3D3"
    assert encode_address("/a%2Fb/한?x=1") == "/a%2Fb/%ED%95%9C?x=1"


@pytest.mark.parametrize(
    ("kind", "typed", "read"),
    [
        ("array", "a, b", ["a", "b"]),
        ("array", '["a", "b,c"]', ["a", "b,c"]),
        ("array", "[not json", ["[not json"]),
        ("object", '{"a": 1}', {"a": 1}),
        ("object", "a", "a"),
        ("string", "[1]", "[1]"),
        ("integer", "12", "12"),
    ],
)
def test_typed_text_is_read_as_the_schema_says(kind: str, typed: str, read: Any) -> None:
    assert native(parameter("form", True, kind), typed) == read
