"""What the page of a comparison shows: the runs by letter, the verdict in words, the table, the charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from history.comparing import MOST, Change, Comparison, Mark, Numbers, Row, compare, doubt
from history.comparing_charts import charts
from history.comparing_setups import differing, same_load
from history.models import TestHistory
from history.templatetags import numbers

LETTERS = "ABCDE"
_MOST_NAMED = 5  # of what else differs; the table below has all
SHOWN = ("p50", "p95", "p99", "avg", "tps", "errors")


@dataclass(frozen=True, slots=True)
class Head:
    """A run at the head of the page. `key` and `dash` are how its line is drawn; `to_base`, `without`: addresses of the
    page with it as the base, and without it."""

    letter: str
    run: TestHistory
    key: str
    dash: str
    doubt: str
    to_base: str
    without: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell of the table: the number, and how it differs from the base ("" for the base itself)."""

    value: str
    delta: str = ""
    kind: str = ""  # better, worse or same
    mark: Mark | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A run's line of an endpoint: `mark` is "new" or "removed" where only one of both has it."""

    head: Head
    requests: str
    cells: tuple[Shown, ...]
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Block:
    """An endpoint of the table, or all requests (`request` is "")."""

    request: str
    name: str
    lines: tuple[Line, ...]


def context(runs: Sequence[TestHistory]) -> dict[str, Any]:
    """Of up to five runs; what can be compared is compared where there are two."""
    heads = _heads(runs)
    if len(runs) < 2:
        return {"heads": heads}
    found = compare(runs)
    setups = differing(runs)
    return {
        "heads": heads,
        "comparison": found,
        "blocks": [_block(row, heads) for row in (found.total, *found.rows)],
        "setups": setups,
        "banner": banner(found, heads, [setup.name for setup in setups], same=same_load(runs)),
        "charts": charts(found, [(f"{head.letter} · {head.run.pk}", head.key, head.dash) for head in heads]),
        "between": numbers.plain(100 * found.between["p95"]),
        "batches": _batches(found),
    }


def address(runs: Sequence[int]) -> str:
    """The page for runs by key, the base first."""
    return f"{reverse('history:compare')}?{urlencode([('runs', run) for run in runs])}"


def _heads(runs: Sequence[TestHistory]) -> list[Head]:
    drawn = [("base", "dash"), ("run1", ""), ("run2", "dot"), ("run3", "dash"), ("run4", "")]
    keys = [run.pk for run in runs]
    heads = []
    for letter, run, (key, dash) in zip(LETTERS, runs, drawn[: len(runs)], strict=False):
        rest = [pk for pk in keys if pk != run.pk]
        heads.append(Head(letter, run, key, dash, doubt_words(doubt(run)), address([run.pk, *rest]), address(rest)))
    return heads


def doubt_words(why: str) -> str:
    """Why the numbers of a run may prove nothing, as a sentence; "" where they do."""
    return {
        "active": _("It has not ended; its numbers come at its end."),
        "invalid": _("Its result is invalid: what it measured proves nothing."),
        "stopped": _("It was stopped before its end."),
        "timed_out": _("It took too long and was stopped."),
        "failed": _("It ended with an error."),
        "error": _("It ended with an error."),
    }.get(why, "")


def _block(row: Row, heads: Sequence[Head]) -> Block:
    lines = []
    for index, (head, part) in enumerate(zip(heads, row.parts, strict=True)):
        mark = row.mark(index, "p95")
        alone = mark if mark in ("new", "removed") else None
        if part is None:
            lines.append(Line(head, "", (), alone))
            continue
        cells = tuple(_cell(measure, part.numbers, part.changes.get(measure)) for measure in SHOWN)
        lines.append(Line(head, numbers.count(part.numbers.requests), cells, alone))
    return Block(row.request, row.name, tuple(lines))


def _cell(measure: str, found: Numbers, change: Change | None) -> Shown:
    value = written(measure, found.of(measure))
    if change is None:
        return Shown(value)
    kind = "same" if change.mark == "noise" or change.worse is None else "worse" if change.worse else "better"
    return Shown(value, delta(change), kind, change.mark, said(change.mark))


def said(mark: Mark) -> str:
    """A mark in words."""
    words = {"real": _("real"), "likely": _("probably real"), "noise": _("noise")}
    return words.get(mark, _("not known"))


def written(measure: str, value: float | None) -> str:
    """A number with its unit."""
    form = {"tps": numbers.tps, "errors": numbers.percent}.get(measure, numbers.ms)
    return form(value)


def delta(change: Change) -> str:
    """`▲ +155.3 %`, or `▲ +0.79 points` of error rates."""
    if change.measure == "errors":
        text = numbers.points(change.value, change.base)
    else:
        text = numbers.delta(change.value, change.base)
    arrow = "▲ " if change.difference > 0 else "▼ " if change.difference < 0 else ""
    return text if not any(digit in text for digit in "123456789") else f"{arrow}{text}"


def _batches(found: Comparison) -> dict[str, Any]:
    """How many batches of all requests were compared, the fewest of any run."""
    judged = [part.changes["p95"].judged for part in found.total.parts if part and "p95" in part.changes]
    known = [one for one in judged if one.batches != (0, 0)]
    if not known:
        return {}
    least = min(known, key=lambda one: min(one.batches))
    return {"count": min(least.batches), "seconds": numbers.seconds(max(least.seconds))}


def banner(found: Comparison, heads: Sequence[Head], setups: Sequence[str], *, same: bool) -> dict[str, Any]:
    """The verdict: `kind` is its shape and colour, `title` the largest difference in words, `reasons` what proves it or
    speaks against it."""
    kind, title = _largest(found, heads)
    reasons: list[tuple[str, str]] = []
    for head in heads:
        if head.doubt:
            reasons.append(("invalid", f"{head.letter} · {head.run.pk}: {head.doubt}"))
    reasons += [(mark, text) for head in heads[1:] for mark, text in _counted(found, head)]
    reasons.append(("passed", _("All asked for the same load.")) if same else ("invalid", _different_load()))
    if setups:
        names = ", ".join(setups[:_MOST_NAMED]) + (" …" if len(setups) > _MOST_NAMED else "")
        reasons.append(("none", _("Different between the runs: %(names)s.") % {"names": names}))
    doubtful = any(head.doubt for head in heads)
    return {"kind": "invalid" if doubtful and kind != "info" else kind, "title": title, "reasons": reasons}


def _different_load() -> str:
    return _("They asked for different loads: response times may differ for that alone.")


def _largest(found: Comparison, heads: Sequence[Head]) -> tuple[str, str]:
    """What is surest and worst: of an endpoint, else of all requests; of response times, else of errors."""
    told: list[tuple[int, Row, Change]] = []
    for rows in (found.rows, (found.total,)):
        for errors in (False, True):
            for index in range(1, len(heads)):
                for row in rows:
                    change = _errors(row, index) if errors else row.verdict(index)
                    if change is not None:
                        told.append((index, row, change))
    for mark, worse in (("real", True), ("likely", True), ("real", False), ("likely", False)):
        for times, endpoint in ((True, True), (False, True), (True, False), (False, False)):
            some = [
                one
                for one in told
                if (one[2].mark, one[2].worse) == (mark, worse)
                and (one[2].measure != "errors", bool(one[1].request)) == (times, endpoint)
            ]
            if some:
                index, row, change = max(some, key=lambda one: abs(one[2].percent or one[2].difference))
                return ("missed" if worse else "passed"), _told(heads[index].letter, row, change, sure=mark == "real")
    return "info", _("No difference that is more than noise")


def _errors(row: Row, index: int) -> Change | None:
    part = row.parts[index]
    return part.changes.get("errors") if part else None


def _told(letter: str, row: Row, change: Change, *, sure: bool) -> str:
    request = row.request or _("all requests")
    values = {
        "run": letter,
        "measure": change.measure if change.measure != "avg" else _("average"),
        "request": f"{request} ({row.name})" if row.name else request,
        "base": written(change.measure, change.base),
        "value": written(change.measure, change.value),
    }
    errors = change.measure == "errors"
    if change.worse:
        if errors:
            text = _("%(run)s fails more often: errors of %(request)s rose from %(base)s to %(value)s")
        elif sure:
            text = _("%(run)s is slower: %(measure)s of %(request)s rose from %(base)s to %(value)s")
        else:
            text = _("%(run)s is probably slower: %(measure)s of %(request)s rose from %(base)s to %(value)s")
    elif errors:
        text = _("%(run)s fails less often: errors of %(request)s fell from %(base)s to %(value)s")
    elif sure:
        text = _("%(run)s is faster: %(measure)s of %(request)s fell from %(base)s to %(value)s")
    else:
        text = _("%(run)s is probably faster: %(measure)s of %(request)s fell from %(base)s to %(value)s")
    return text % values


def _counted(found: Comparison, head: Head) -> list[tuple[str, str]]:
    """How many endpoints of a run are slower or faster, are new or gone."""
    index = LETTERS.index(head.letter)
    verdicts = [one for row in found.rows if (one := row.verdict(index))]

    def slower(mark: str, worse: bool) -> int:
        return sum(one.mark == mark and one.worse is worse for one in verdicts)

    told: list[tuple[str, str]] = []
    sure, likely = slower("real", True), slower("likely", True)
    if sure or likely:
        text = _("%(run)s: endpoints that are surely slower: %(sure)s, probably slower: %(likely)s.")
        told.append(("missed", text % {"run": head.letter, "sure": sure, "likely": likely}))
    sure, likely = slower("real", False), slower("likely", False)
    if sure or likely:
        text = _("%(run)s: endpoints that are surely faster: %(sure)s, probably faster: %(likely)s.")
        told.append(("passed", text % {"run": head.letter, "sure": sure, "likely": likely}))
    marks = [row.mark(index, "p95") for row in found.rows]
    new, gone = marks.count("new"), marks.count("removed")
    if new or gone:
        text = _("%(run)s: endpoints that are new: %(new)s, that are not in it: %(gone)s.")
        told.append(("none", text % {"run": head.letter, "new": new, "gone": gone}))
    return told


def too_many() -> str:
    """Why more are not compared."""
    return _("At most %(most)s runs can be compared at once. Take some away.") % {"most": MOST}
