"""Paths to a value in a JSON answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.k6 import paths
from loadtests.k6.paths import Path, read_path, write_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$", ()),
        ("$.items[0].id", ("items", 0, "id")),
        ("items.0.id", ("items", 0, "id")),
        ("items[0]['id']", ("items", 0, "id")),
        (" $['a b'][-1] ", ("a b", -1)),
        ("$.items[*].id", ("items", "*", "id")),
        ("$.items.*.id", ("items", "*", "id")),
        ('$["it\'s"]', ("it's",)),
        (r"$['it\'s']", ("it's",)),
        ("$[0]", (0,)),
        ("0", (0,)),
        ("주문.번호", ("주문", "번호")),
        ("$ref", ("$ref",)),
        ("$.$ref", ("$ref",)),
        ("access_token", ("access_token",)),
        ("a-b.c", ("a-b", "c")),
        ("$['0']", ("0",)),
    ],
)
def test_a_path_is_read(text: str, path: Path) -> None:
    assert read_path(text) == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", paths.NOT_A_PATH),
        (".a", paths.NOT_A_PATH),
        ("$.", paths.NOT_A_PATH),
        ("$..id", paths.NO_SEARCH),
        ("a..b", paths.NO_SEARCH),
        ("$.items[?(@.id==1)]", paths.NO_FILTERS),
        ("$.items[(@.length-1)]", paths.NO_FILTERS),
        ("$.items[0:2]", paths.NO_SLICES),
        ("$.items[0,1]", paths.NO_SLICES),
        ("$.items[0", paths.NOT_CLOSED),
        ("$['a", paths.NOT_CLOSED),
        ("$['a']b", paths.NOT_A_PATH),
        ("a b", paths.NOT_A_PATH),
        ("$.items[x]", paths.NOT_A_PATH),
        ("a" * 2000, paths.TOO_LONG),
    ],
)
def test_what_is_no_path_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:
        read_path(text)
    assert str(refusal.value) == reason


@given(st.lists(st.one_of(st.text(max_size=8), st.integers(-999, 999)), max_size=6))
def test_a_path_survives_being_written(steps: list[str | int]) -> None:
    assert read_path(write_path(tuple(steps))) == tuple(steps)


@given(st.text(st.sampled_from("$.[]'\"\\*a0- ?(:,@"), max_size=30))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = read_path(text)
    except ValueError:
        return
    assert read_path(write_path(path)) == path
