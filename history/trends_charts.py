"""Charts of a trend: a point for each run, the oldest at the left; what is not to be trusted is a ring, not joined."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from history.drawing import Line, Mark, Point, Target, line_chart
from history.drawing.markup import room
from history.templatetags import numbers
from history.trends import PERCENTILES, Reading, Trend

WIDE, NARROW, HEIGHT = 920, 430, 230
MOST_LINES = 5  # plans of a project; others are in the table only
_AXIS = 60  # what the words of the y axis take of the width
_STROKES = {"p50": ("", 1.25), "p95": ("", 2.0), "p99": ("dot", 1.5)}
_DASHES = ("", "dash", "dot", "", "dash")


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it fits beside others and on a phone, and alone on a wide page ("" where it is not alone)."""

    title: str
    unit: str
    narrow: SafeString
    wide: SafeString


def charts(found: Trend, measure: str) -> list[Chart]:
    """Response times, throughput and error rate; with a `measure` that alone."""
    latency = [_chart(found, list(PERCENTILES), _("Response time"), "", numbers.ms, alone=False)]
    if found.subject.kind == "project":
        latency = [_chart(found, ["p95"], _("Response time, p95"), "", numbers.ms, alone=False)]
    if measure in PERCENTILES:
        return [_chart(found, [measure], _("Response time, %(p)s") % {"p": measure}, "", numbers.ms, alone=True)]
    both: dict[str, tuple[str, str, Callable[[float], str]]] = {
        "tps": (_("Throughput"), "req/s", numbers.plain),
        "errors": (_("Error rate"), "", numbers.limit),
    }
    if measure in both:
        return [_chart(found, [measure], *both[measure], alone=True)]
    return [*latency, *(_chart(found, [name], *words, alone=False) for name, words in both.items())]


def _chart(
    found: Trend, measures: list[str], title: str, unit: str, form: Callable[[float], str], *, alone: bool
) -> Chart:
    lines = _by_plan(found, measures[0]) if found.subject.kind == "project" else _by_measure(found, measures)
    drawn = [
        mark_safe(  # noqa: S308  # nosec B308  # drawing escapes every word
            line_chart(
                lines,
                title=title,
                unit=unit,
                form=form,
                width=width,
                height=HEIGHT,
                span=(-0.5, max(len(found.readings) - 0.5, 0.5)),
                ticks=_dates(found.readings),
                targets=_targets(found, measures),
                marks=_marks(found, width),
                legend=len(lines) > 1,
            )
        )
        for width in ((NARROW, WIDE) if alone else (NARROW,))
    ]
    return Chart(title, unit, drawn[0], drawn[-1] if alone else mark_safe(""))  # nosec B308  # nothing


def _by_measure(found: Trend, measures: list[str]) -> list[Line]:
    """One line for each measure; the points of p95 (else of the only one) lead to the runs."""
    pointed = "p95" if "p95" in measures else measures[0]
    lines = []
    for name in measures:
        key = {"errors": "err"}.get(name, name)
        dash, stroke = _STROKES.get(name, ("", 1.75))
        lines.append(_line(found.readings, name, (name, key, dash, stroke), pointed=name == pointed))
    return lines


def _by_plan(found: Trend, measure: str) -> list[Line]:
    """One line for each of the plans that ran last."""
    plans = list(dict.fromkeys((row.plan_id, row.plan_title) for row in reversed(found.readings)))
    lines = []
    for index, (plan, title) in enumerate(plans[:MOST_LINES]):
        looks = (title or _("without a plan"), f"run{index + 1}", _DASHES[index], 1.75)
        lines.append(_line(found.readings, measure, looks, pointed=True, plan=(plan,)))
    return lines


def _line(
    readings: Sequence[Reading],
    measure: str,
    looks: tuple[str, str, str, float],
    *,
    pointed: bool,
    plan: tuple[int | None] | None = None,
) -> Line:
    """`looks`: name, colour, stroke, its width; `plan`: only the runs of this one."""
    rows = [(x, row, row.of(measure)) for x, row in enumerate(readings) if plan is None or row.plan_id == plan[0]]
    known = [(x, row, value) for x, row, value in rows if value is not None]
    joined = [(float(x), value) for x, row, value in known if row.valid]
    points = [
        Point(x, value, _words(row, measure, value), reverse("history:run", args=[row.run_id]), ring=not row.valid)
        for x, row, value in known
        if pointed
    ]
    name, key, dash, stroke = looks
    return Line(name, key, [x for x, _y in joined], [y for _x, y in joined], dash, points=points, stroke=stroke)


def _words(row: Reading, measure: str, value: float) -> str:
    """The tooltip of a point: `Run 248, 23 Nov 2026: p95 812 ms`."""
    form = {"tps": numbers.tps, "errors": numbers.percent}.get(measure, numbers.ms)
    name = {"tps": _("throughput"), "errors": _("error rate")}.get(measure, measure)
    values = {"run": row.run_id, "date": _date(row), "measure": name, "value": form(value)}
    text = _("Run %(run)s, %(date)s: %(measure)s %(value)s") % values
    extra = [text, row.release, *row.labels]
    if row.baseline:
        extra.append(_("baseline"))
    if not row.valid:
        extra.append(_("not to be trusted"))
    return ", ".join(one for one in extra if one)


@lru_cache(maxsize=4096)  # every chart of a page has the same days, and writing one takes long
def _written(day: date, form: str, language: str) -> str:
    return date_format(day, form)


def _date(row: Reading, form: str = "SHORT_DATE_FORMAT") -> str:
    return _written(timezone.localtime(row.tested_at).date(), form, get_language() or "")


def _dates(readings: Sequence[Reading]) -> list[tuple[float, str]]:
    form = pgettext("date format, day and month", "j M")
    step = max(1, len(readings) // 5)
    return [(float(x), _date(readings[x], form)) for x in range(0, len(readings), step)]


def _targets(found: Trend, measures: list[str]) -> list[Target]:
    """What the newest run that had a target was judged by; of a project only what all its runs were judged by."""
    forms: dict[str, Callable[[float], str]] = {
        "tps": lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s",
        "errors": numbers.limit,
    }
    targets = []
    for name in measures:
        values = [row.targets[name] for row in found.readings if name in row.targets]
        if values and (found.subject.kind != "project" or len(set(values)) == 1):
            words = _("target %(value)s") % {"value": forms.get(name, numbers.ms)(values[-1])}
            targets.append(Target(values[-1], f"{name} {words}" if len(measures) > 1 else words))
    return targets


def _marks(found: Trend, width: int) -> list[Mark]:
    """Where another release begins, labels are new, and the baseline. Words that would run into each other are left
    out; the table has them."""
    readings = found.readings
    told: dict[int, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for x, row in enumerate(readings):
        before = readings[x - 1] if x else row
        # Plans of a project take turns, each with its own release: only the first run of a release is told there.
        known = row.release in seen if found.subject.kind == "project" else row.release == before.release
        if x and row.release and not known:
            told[x].append(row.release)
        seen.add(row.release)
        if x:
            told[x] += [label for label in row.labels if label not in before.labels]
        if row.baseline:
            told[x].append(_("baseline"))
    marks, free = [], -1.0
    for x, words in sorted((x, words) for x, words in told.items() if words):
        named = ""
        for text in (" · ".join(words), *reversed(words)):  # the baseline is the last, and the most wanted
            taken = len(readings) * (room(text) + 8) / (width - _AXIS)
            late = x + taken > len(readings) - 0.5  # drawn at the left of its line
            start, end = (x - taken, float(x)) if late else (float(x), x + taken)
            if start >= free:
                named, free = text, end
                break
        marks.append(Mark(float(x), named))
    return marks
