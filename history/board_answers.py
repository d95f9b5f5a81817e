"""How requests ended and how long they took: the breakdown by answer, and the distribution of response times."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from history import error_kinds
from history.board_figures import Figures
from history.models import TestHistory


@dataclass(frozen=True, slots=True)
class Answer:
    """Requests that ended in the same way; `share` of all, in percent."""

    kind: str
    shown: str
    words: str
    failure: bool
    count: int
    share: float


def breakdown(answers: Mapping[str, int]) -> list[Answer]:
    """By status, or by k6's error code where no answer came; what failed comes first, the most frequent of it first."""
    total = sum(answers.values())
    found = [
        Answer(
            kind,
            error_kinds.shown(kind),
            error_kinds.words(kind),
            error_kinds.is_failure(kind),
            count,
            100.0 * count / total,
        )
        for kind, count in answers.items()
        if count
    ]
    return sorted(found, key=lambda one: (not one.failure, -one.count, one.kind))


@dataclass(frozen=True, slots=True)
class Bar:
    """Requests that took from `low` to `high` ms. `x`, `width`, `height`: percent of the drawing."""

    low: float
    high: float
    count: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the axis of response times, in percent of the drawing; `row` keeps the words of neighbours apart."""

    name: str
    value: float
    x: float
    row: int = 0

    @property
    def leftward(self) -> bool:
        """Whether its words stand at its left."""
        return self.x > _EDGE

    @property
    def words(self) -> tuple[float, float]:
        """From where to where its words may reach."""
        return (self.x - _WORDS, self.x) if self.leftward else (self.x, self.x + _WORDS)

    @property
    def y(self) -> int:
        """Where its words stand, in pixels from the top."""
        return 1 + 13 * self.row


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many requests took how long, on a logarithmic axis."""

    total: int
    bars: list[Bar]
    marks: list[Tick]
    ticks: list[Tick]


_ROUND = [base * 10.0**power for power in range(-2, 7) for base in (1, 2, 5)]  # ms
_WORDS = 19.0  # percent of the width that the words of a mark may take
_EDGE = 80.0  # from here on they stand at its left


def distribution(bars: Iterable[tuple[float, float, int]], figures: Figures) -> Distribution | None:
    """From `(low ms, high ms, count)`; None where no request took time. Those that took none, as refused ones do, stand
    in a bar whose low edge is 0: it is drawn as wide as its neighbour."""
    known = sorted(bar for bar in bars if bar[2])
    if not known or known[-1][1] <= 0:
        return None
    low = next((bar[0] for bar in known if bar[0] > 0), 0.1)
    if known[0][0] <= 0:
        low /= 1.2
    high = max(known[-1][1], low * 1.2)
    place = _axis(low, high)
    most = max(count for _low, _high, count in known)
    drawn = [
        Bar(start, end, count, place(start), max(0.2, place(end) - place(start)), 100.0 * count / most)
        for start, end, count in known
    ]
    marks = _apart(
        [
            Tick(name, value, place(value))
            for name in ("p50", "p90", "p95", "p99")
            if (value := figures.percentile(name)) is not None
        ]
    )
    ticks = [Tick("", value, place(value)) for value in _ROUND if low <= value <= high]
    every = max(1, round(len(ticks) / 8))
    return Distribution(sum(count for _low, _high, count in known), drawn, marks, ticks[::every])


def _axis(low: float, high: float) -> Any:
    length = log(high / low)

    def place(value: float) -> float:
        return round(min(100.0, max(0.0, 100.0 * log(max(value, low) / low) / length)), 3)

    return place


def _apart(marks: Sequence[Tick]) -> list[Tick]:
    placed: list[Tick] = []
    for mark in marks:
        start, end = mark.words
        near = {one.row for one in placed if one.words[0] < end and start < one.words[1]}
        row = next(row for row in range(len(marks)) if row not in near)
        placed.append(Tick(mark.name, mark.value, mark.x, row))
    return placed


def of_heatmap(run: TestHistory) -> list[tuple[float, float, int]]:
    """The bars of a whole finished run: the sums of the rows of its stored heatmap; empty where none is kept."""
    stored = run.timelines.filter(scenario=None).values_list("heatmap", flat=True).first() or {}
    if not stored:
        return []
    sums = [sum(column[at] for column in stored["counts"]) for at in range(len(stored["rows"]))]
    return [(low, high, count) for (low, high), count in zip(stored["rows"], sums, strict=True)]
