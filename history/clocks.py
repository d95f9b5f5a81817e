"""Whether time went on as it should while load was made: generators that fell silent, and clocks that jumped. Pure.

k6 counts its users every second, so each push has a moment of its own on k6's wall clock, a second after the last one.
How long the test took is measured by k6 on another clock, which never jumps (the summary's `testRunDurationMs`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from history.metrics.remote_write import Snapshot
from history.metrics.timeline import PUSH_INTERVAL

SILENT = 5.0 + PUSH_INTERVAL  # seconds from one push to the next from which on a generator was silent
JUMPED = 2.0  # seconds that the two clocks may disagree
_MOST_SHARE = 5.0  # percent of the run, and
_MOST_SECONDS = 30.0  # how long a generator may be silent in all before the result is worth nothing


@dataclass(frozen=True, slots=True)
class Silence:
    """A generator that did not push. Times in seconds, from its start; `seconds` are all of its silences together,
    `start` is the first."""

    instance: str
    start: float
    seconds: float

    def spoils(self, duration: float) -> bool:
        """Whether too much of a run that took `duration` seconds is guessed."""
        return self.seconds > _MOST_SECONDS or 100.0 * self.seconds > _MOST_SHARE * duration


@dataclass(frozen=True, slots=True)
class Jump:
    """A clock that jumped, by more than `JUMPED` seconds; below 0 backwards."""

    instance: str
    seconds: float


@dataclass(slots=True)
class _Pushes:
    """Of one generator, in the order in which they arrived. `waiting`: those of before its first scenario began."""

    waiting: list[float] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    started: float | None = None
    closing: float | None = None


class Clocks:
    """Sees the pushes of a run."""

    def __init__(self) -> None:
        self._generators: dict[str, _Pushes] = {}

    def watch(self, snapshots: Iterable[Snapshot]) -> Iterator[Snapshot]:
        """The same snapshots, seen."""
        for snapshot in snapshots:
            self.see(snapshot)
            yield snapshot

    def see(self, snapshot: Snapshot) -> None:
        """Takes one push."""
        pushes = self._generators.setdefault(snapshot.instance, _Pushes())
        pushes.started = pushes.started or snapshot.started
        if not pushes.moments and not snapshot.has_begun:
            pushes.waiting.append(snapshot.moment)
        elif snapshot.closing:
            pushes.closing = snapshot.moment
        else:
            pushes.moments.append(snapshot.moment)

    @property
    def _begun(self) -> dict[str, _Pushes]:
        return {name: pushes for name, pushes in self._generators.items() if pushes.moments}

    def jump(self, durations: Iterable[float]) -> Jump | None:
        """The widest jump there was. `durations`: what each generator says that its test took; none where none said."""
        known = sorted(durations)
        found = [Jump(name, by) for name, pushes in self._begun.items() if (by := _jumped(pushes, known))]
        return max(found, key=lambda one: abs(one.seconds), default=None)

    def silence(self, durations: Iterable[float]) -> Silence | None:
        """The generator that was silent for longest; `durations` as of `jump`."""
        known = sorted(durations)
        found = []
        for name, pushes in self._begun.items():
            begin = _begin(pushes)
            times = _times(pushes, begin)
            times.append(max(times[-1], _end(pushes, begin, known)))
            gaps = [(start, end - start) for start, end in pairwise(times) if end - start > SILENT]
            if gaps:
                found.append(Silence(name, gaps[0][0] - begin, sum(seconds for _start, seconds in gaps)))
        return max(found, key=lambda one: one.seconds, default=None)


def _begin(pushes: _Pushes) -> float:
    return pushes.moments[0] - PUSH_INTERVAL if pushes.started is None else pushes.started


def _times(pushes: _Pushes, begin: float) -> list[float]:
    """From its start on, whether a scenario sent load already or not; a generator of a cluster waits before that."""
    return [begin, *sorted([*(moment for moment in pushes.waiting if moment > begin), *pushes.moments])]


def _end(pushes: _Pushes, begin: float, durations: list[float]) -> float:
    """When its test ended; what comes after that (a closing push that has to wait) is no silence of the run."""
    if pushes.closing is not None:
        return min(pushes.closing, begin + durations[-1]) if durations else pushes.closing
    return begin + durations[0] if durations else begin


def _jumped(pushes: _Pushes, durations: list[float]) -> float:
    """Seconds by which the wall clock went wrong; 0 where it did not."""
    back = _stepped_back(pushes.moments)
    if back or not durations:
        return back
    begin = _begin(pushes)
    # Samples are made while the test lasts. The closing push may be late, but is never sent before the end.
    # What jumped ahead left a gap between two pushes as wide as that; without one it only went on after the end.
    times = _times(pushes, begin)
    ahead = times[-1] - begin - durations[-1]
    if ahead > JUMPED and max(end - start for start, end in pairwise(times)) >= ahead:
        return ahead
    behind = 0.0 if pushes.closing is None else durations[0] - (pushes.closing - begin)
    return -behind if behind > JUMPED else 0.0


def _stepped_back(moments: list[float]) -> float:
    """How far the moments went back for good; a push that only came late is followed by one that is newer than all."""
    highest = moments[0] if moments else 0.0
    for moment, following in pairwise(moments):
        if moment < highest - JUMPED and moment <= following < highest:
            return moment - highest - PUSH_INTERVAL
        highest = max(highest, moment)
    return 0.0
