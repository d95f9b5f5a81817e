"""Bodies as people read them, and the path of each value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.k6.paths import read_path
from loadtests.k6.pretty import Shown, pretty


def text(shown: Shown) -> str:
    return "\n".join(f"{one.indent}{one.key}{one.text}{one.comma}" for one in shown.lines)


def taken(value: Any, path: str) -> Any:
    for step in read_path(path):
        value = value[step]
    return value


ORDER = {"id": 7, "items": [{"name": "녹차", "tags": []}, {"name": "a b", "x.y": {}}], "ok": True, "none": None}


def test_json_is_indented_as_everywhere() -> None:
    packed = json.dumps(ORDER, ensure_ascii=False, separators=(",", ":"))
    assert text(pretty(packed)) == json.dumps(ORDER, ensure_ascii=False, indent=2)


def test_each_value_has_its_path() -> None:
    paths = {line.path: line.text for line in pretty(json.dumps(ORDER, ensure_ascii=False)).lines if line.path}
    assert paths == {
        "$.id": "7",
        "$.items[0].name": '"녹차"',
        "$.items[1].name": '"a b"',
        "$.ok": "true",
    }


def test_the_first_of_a_list_stands_for_any_of_it() -> None:
    found = {
        line.path: line.one_of for line in pretty('{"a":[{"id":1},{"id":2}],"b":[[3,4]],"c":5}').lines if line.path
    }
    assert found == {
        "$.a[0].id": "$.a[*].id",
        "$.a[1].id": "",
        "$.b[0][0]": "$.b[0][*]",
        "$.b[0][1]": "$.b[*][1]",
        "$.c": "",
    }


def test_nothing_cannot_be_taken() -> None:
    assert [line.path for line in pretty("null").lines] == [""]


@pytest.mark.parametrize("body", ["7", '"a"', "true", "12345678901234567890123", "1.50"])
def test_a_plain_value_is_json_too(body: str) -> None:
    (line,) = pretty(body).lines
    assert (line.text, line.path) == (body, "$")


@pytest.mark.parametrize(
    "body",
    ["", "ok", "{", '{"a" 1}', '{"a":}', "[1,]x", "[,]", "[1 2]", '{"a":1}{', "}", "7 8", '{"a":1 "b":2}', "tru"],
)
def test_what_is_no_json_is_left_as_it_is(body: str) -> None:
    assert pretty(body) == Shown(text=body)


def test_json_that_is_cut_is_shown_as_far_as_it_goes() -> None:
    shown = pretty('{"items":[{"id":1},{"id":22', cut=True)
    assert [line.path for line in shown.lines if line.path] == ["$.items[0].id", "$.items[1].id"]
    shown = pretty('{"items":[{"id":1},{"name":"hal', cut=True)
    assert [line.path for line in shown.lines if line.path] == ["$.items[0].id"]
    assert shown.text == '"hal'


def test_there_are_2000_lines_at_most() -> None:
    shown = pretty(json.dumps(list(range(5000))))
    assert (len(shown.lines), shown.more, shown.text) == (2000, True, "")


def test_depth_costs_nothing() -> None:
    assert len(pretty("[" * 50_000, cut=True).lines) == 2000


def test_xml_is_indented() -> None:
    body = '<?xml version="1.0"?><a x="1"><b>text</b><c/><!-- no --><d></d><e>\n <f>1</f> </e></a>'
    assert pretty(body).text.splitlines() == [
        '<?xml version="1.0"?>', '<a x="1">', "  <b>text</b>", "  <c/>", "  <!-- no -->", "  <d></d>",
        "  <e>", "    <f>1</f>", "  </e>", "</a>",
    ]  # fmt: skip


@pytest.mark.parametrize("body", ["<p>a<br>b</p>", "<", "a < b", "</a>", "<!doctype html><p>"])
def test_markup_that_does_not_pair_is_left_as_it_is(body: str) -> None:
    assert pretty(body) == Shown(text=body)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_any_json_reads_as_python_writes_it_and_each_path_leads_to_its_value(value: Any) -> None:
    shown = pretty(json.dumps(value))
    assert json.loads(text(shown)) == value
    for line in shown.lines:
        if line.path and "*" not in line.path:
            assert taken(value, line.path) == json.loads(line.text)
