"""What changed against the baseline, in the few numbers that a reader asks for first; the comparison has them all."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from history.models import TestHistory
from history.templatetags import numbers

_SAME = 5.0  # percent: two runs of the same system differ by as much; the comparison tests what is real


@dataclass(frozen=True, slots=True)
class Change:
    """A number before and now. `direction`: "better", "worse" or "same", `word` says it."""

    name: str
    before: str
    now: str
    change: str
    direction: str
    word: str


@dataclass(frozen=True, slots=True)
class Against:
    """A run held against its baseline."""

    run: TestHistory
    rows: list[Change]


def against(run: TestHistory, baseline: TestHistory | None) -> Against | None:
    """None without a baseline, or where one of both measured nothing."""
    if baseline is None or baseline.pk == run.pk or not run.total_requests or not baseline.total_requests:
        return None
    return Against(baseline, list(_rows(run, baseline)))


def _rows(run: TestHistory, base: TestHistory) -> Iterator[Change]:
    words = {"better": _("better"), "worse": _("worse"), "same": _("about the same")}

    def change(name: str, column: str, text: str, sign: int) -> Change:
        before, now = getattr(base, column), getattr(run, column)
        apart = getattr(numbers, text)
        if text == "percent":
            moved, told = (now or 0) - (before or 0), numbers.points(now, before)
            large = abs(moved) >= 0.1
        else:
            moved, told = (now or 0) - (before or 0), numbers.delta(now, before)
            large = bool(before) and abs(moved) / before * 100 >= _SAME
        known = before is not None and now is not None
        direction = ("worse" if moved * sign > 0 else "better") if sign and large and known else "same"
        return Change(name, apart(before), apart(now), told, direction, words[direction])

    yield change(_("Requests"), "total_requests", "count", 0)
    yield change(_("Throughput, average"), "avg_tps", "tps", -1)
    for name in ("p50", "p95", "p99"):
        yield change(_("%(percentile)s, all requests") % {"percentile": name}, f"{name}_response_time", "ms", 1)
    yield change(_("Error rate"), "avg_error_rate", "percent", 1)
