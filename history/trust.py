"""Whether the measurement itself can be trusted: the counts of the two witnesses, and time."""

from dataclasses import dataclass, field

from history.clocks import Clocks
from history.metrics.summary import Summary
from history.reasons import Reason, reason

# A stored count that differs from k6's by more than this share makes the result invalid (DESIGN.md, section 2).
TOLERANCE = 0.5  # percent


@dataclass(frozen=True, slots=True)
class Measurement:
    """How the numbers of a run came about. `stored`: requests; `summary`: of all generators, None where some left none;
    `durations`: how long each generator says that its test took, in seconds; `seconds`: how long the run took."""

    stored: int
    summary: Summary | None
    generators: int = 1
    summaries: int = 1
    clocks: Clocks = field(default_factory=Clocks)
    durations: tuple[float, ...] = ()
    seconds: float = 0.0


def found(measurement: Measurement) -> tuple[list[Reason], list[Reason]]:
    """What makes the result invalid; what is only to be told, that all is well among it."""
    spoilt: list[Reason] = []
    told: list[Reason] = []
    for is_fatal, why in (_counts(measurement), *_time(measurement)):
        (spoilt if is_fatal else told).append(why)
    return spoilt, told


def _counts(measurement: Measurement) -> tuple[bool, Reason]:
    stored, summary = measurement.stored, measurement.summary
    if summary is None and 0 < measurement.summaries < measurement.generators:
        missing = measurement.generators - measurement.summaries
        return False, reason("summaries_missing", missing=missing, wanted=measurement.generators, count=stored)
    if summary is None:
        return False, reason("no_summary", count=stored)
    k6 = summary.whole.requests
    if k6 == stored:
        return False, reason("counts_agree", good=True, count=k6)
    share = 100.0 * abs(k6 - stored) / max(k6, 1)
    return share > TOLERANCE, reason("counts_differ", k6=k6, stored=stored, share=round(share, 3))


def _time(measurement: Measurement) -> list[tuple[bool, Reason]]:
    """A clock that jumped leaves a gap between pushes that is none."""
    clocks, durations = measurement.clocks, measurement.durations
    if jump := clocks.jump(durations):
        return [(True, reason("clock_jumped", seconds=round(jump.seconds, 1)))]
    if silence := clocks.silence(durations):
        lasted, start = round(silence.seconds, 1), round(silence.start, 1)
        return [(silence.spoils(measurement.seconds), reason("generator_silent", seconds=lasted, since=start))]
    return []
