"""Placeholders in typed text become parts that are filled in while k6 runs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.k6.plan import Make, Part, Secret, Take, Token
from loadtests.k6.templates import around, encode, joined, outline, parse, unknown

KNOWN: dict[str, Part] = {
    "order_id": Take("order_id"),
    "users.e-mail": Take("users.e-mail"),
    "users.이메일": Take("users.이메일"),
    "key": Secret("MV_S1"),
    "token": Token("t"),
    "shop": '한 "s" & t',
    "count": "12",
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{order_id}}", (Take("order_id"),)),
        ("a {{ order_id }} b", ("a ", Take("order_id"), " b")),
        ("{{users.이메일}}{{users.e-mail}}", (Take("users.이메일"), Take("users.e-mail"))),
        ("{{key}} and {{token}}", (Secret("MV_S1"), " and ", Token("t"))),
        ("{{shop}}!", '한 "s" & t!'),
        ("{{nobody}} {{order_id}}", ("{{nobody}} ", Take("order_id"))),
        ("{{}} {{ }} {order_id} {{order_id}", "{{}} {{ }} {order_id} {{order_id}"),
        ("{{{order_id}}}", ("{", Take("order_id"), "}")),
        ("{{$uuid}}", (Make("uuid"),)),
        ("{{$uuid()}}", (Make("uuid"),)),
        ("{{$int(1, 100)}}", (Make("int", (1, 100)),)),
        ("{{$int(-5,5)}}", (Make("int", (-5, 5)),)),
        ("{{$float(0,1,3)}}", (Make("float", (0.0, 1.0, 3)),)),
        ("{{$float(0,1)}}", (Make("float", (0.0, 1.0, 2)),)),
        ("{{$choice(a,b,\"c, d\")}}", (Make("choice", ("a", "b", "c, d")),)),
        ('{{$choice(a,\\"c, d\\")}}', (Make("choice", ("a", "c, d")),)),
        ("{{$timestamp}}-{{$isodate}}-{{$email}}", (Make("timestamp"), "-", Make("isodate"), "-", Make("email"))),
    ],
)  # fmt: skip
def test_text_is_taken_apart(text: str, parts: Any) -> None:
    assert parse(text, KNOWN) == parts


@pytest.mark.parametrize(
    "name",
    [
        "nobody", "$nothing", "$int", "$int(1)", "$int(2,1)", "$int(a,b)", "$int(1.5,2)", "$int(1,1e300)", "$choice",
        "$choice()", "$uuid(3)", "$float(0,1,99)", "$float(0,nan)", "$int(1,2,3)", "users", "$",
    ],
)  # fmt: skip
def test_what_nothing_is_known_of_is_named_and_stays(name: str) -> None:
    text = f"a{{{{{name}}}}}b{{{{ {name} }}}}"
    assert unknown(text, KNOWN) == [name]
    assert parse(text, KNOWN) == text
    assert unknown("{{order_id}} {{$uuid}} {{}}", KNOWN) == []


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ('{"a": "{{order_id}}"}', ["json"]),
        ('{"a": {{order_id}}}', ["value"]),
        ('["\\"{{order_id}}", {{order_id}}, "{{order_id}}"]', ["json", "value", "json"]),
        ('{"{{order_id}}": [{{order_id}},{{order_id}}]}', ["json", "value", "value"]),
        ('{"a": "\\\\", "b": {{order_id}}}', ["value"]),
        ('{"a": "{{$choice("x, y",z)}} {{order_id}}"}', ["json", "json"]),
        ('{"a": "{{nobody "quoted"}} {{order_id}}", "b": {{order_id}}}', ["json", "value"]),
    ],
)
def test_in_json_each_is_encoded_by_where_it_stands(text: str, ways: list[str]) -> None:
    assert [part.how for part in parse(text, KNOWN, "json") if not isinstance(part, str)] == ways


def test_a_known_text_is_put_in_encoded() -> None:
    assert parse("/{{shop}}", KNOWN, "url") == "/%ED%95%9C%20%22s%22%20%26%20t"
    assert parse("{{shop}}", KNOWN, "form") == "%ED%95%9C+%22s%22+%26+t"
    assert parse("{{shop}}", KNOWN, "xml") == "한 &quot;s&quot; &amp; t"
    assert parse('{"a": "{{shop}}", "b": {{shop}}, "c": {{count}}}', KNOWN, "json") == (
        '{"a": "한 \\"s\\" & t", "b": "한 \\"s\\" & t", "c": 12}'
    )
    assert parse("{{x}}", {"x": "a\r\nb"}, "header") == "a  b"


def test_what_is_around_can_be_changed_alone() -> None:
    assert around("a {{order_id}} {{no}}", KNOWN, str.upper) == "A {{order_id}} {{NO}}"
    assert around("plain", KNOWN, str.upper) == "PLAIN"


def test_texts_can_be_joined_and_looked_at_before_they_are_filled() -> None:
    text = joined(["a", parse("b{{order_id}}", KNOWN), "", parse("{{$uuid}}c", KNOWN), "d"])
    assert text == ("ab", Take("order_id"), Make("uuid"), "cd")
    assert outline(text) == "ab00cd"
    assert joined([]) == ""
    assert json.loads(outline(parse('{"a": "{{order_id}}", "b": {{order_id}}}', KNOWN, "json"))) == {"a": "0", "b": 0}


@given(st.text(st.sampled_from('{}"\\ a$(),.\n한order_id')))
def test_any_text_is_read(text: str) -> None:
    for how in ("raw", "json", "url"):
        parsed = parse(text, KNOWN, how)
        assert isinstance(parsed, str) or all(parsed)
    assert parse(text, {}) == text or "$" in text
    assert around(text, KNOWN, lambda one: one) == text


@given(st.text())
def test_any_value_fits_into_json(value: str) -> None:
    assert json.loads(f'"{encode(value, "json")}"') == value
    read = json.loads(encode(value, "value"))
    assert read == value or json.loads(value) == read
