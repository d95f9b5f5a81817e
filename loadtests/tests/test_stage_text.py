"""Stages as text: rows and text are the same data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.k6.plan import StagePlan
from loadtests.stage_text import LARGEST, parse, write

ROWS = st.lists(
    st.builds(StagePlan, st.integers(0, 8_640_000_000).map(lambda ms: ms / 1000), st.integers(0, LARGEST)),
    min_size=1,
    max_size=20,
)


def rows(*pairs: tuple[float, int]) -> tuple[StagePlan, ...]:
    return tuple(StagePlan(*pair) for pair in pairs)


def test_it_reads_a_ramp_a_hold_and_a_way_down() -> None:
    stages = parse("2m to 50, hold 10m, 30s to 0")
    assert stages.rows == rows((120, 50), (600, 50), (30, 0))
    assert not stages.level


def test_text_of_at_and_hold_is_made_of_levels() -> None:
    stages = parse("30s at 5; 1m at 10\nhold 90")
    assert stages.rows == rows((30, 5), (60, 10), (90, 10))
    assert stages.level


def test_a_level_among_straight_lines_is_a_jump() -> None:
    stages = parse("1m to 10, 30s at 40, hold 5s, 30s at 40")
    assert stages.rows == rows((60, 10), (0, 40), (30, 40), (5, 40), (30, 40))
    assert not stages.level


@pytest.mark.parametrize("text", ["1h30m TO 50 users", "1h 30m to 50/s", "5400 to 50 req/s", "1.5h to 50 rps,"])
def test_units_blanks_and_capitals_do_not_matter(text: str) -> None:
    assert parse(text).rows == rows((5400, 50))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Write stages such as"),
        (" , ", "Write stages such as"),
        ("2m to 50, then rest", "“then rest” is no stage."),
        ("2x to 50", "In “2x to 50”: “2x” is not a duration."),
        ("2m to 5.5", "In “2m to 5.5”: “5.5” is not a whole number"),
        ("2m to -5", "“-5” is not a whole number"),
        ("-2m to 5", "A duration cannot be negative."),
        ("2m to 99999999999", "is not a whole number"),
        ("2m to ٣", "is not a whole number"),
        ("hold", "“hold” is no stage."),
    ],
)
def test_what_cannot_be_read_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse(text)
    assert reason in str(raised.value)


@given(ROWS, st.booleans())
def test_rows_written_and_read_again_are_the_same(stages: list[StagePlan], level: bool) -> None:
    read = parse(write(stages, level=level))
    assert (list(read.rows), read.level) == (stages, level)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        stages = parse(text)
    except ValueError as error:
        said = str(error)
    else:
        said = write(stages.rows, level=stages.level)
    assert said
