"""The verdict in words: the one place that the page, the API, the exports and JUnit take it from."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from history.models import TestHistory
from history.reasons import SENTENCES, SPOILS, Explained
from history.states import Outcome, Status
from history.templatetags import numbers
from history.verdict import exit_code_of

MET = frozenset({"p50_met", "p90_met", "p95_met", "p99_met", "errors_met", "tps_met", "pace_met"})
# What a reader has to know of the load, and is no target that was missed.
NOTES = frozenset({"dropped", "not_done", "no_rows", "closed_model", "slowed", "no_summary", "summaries_missing"})


def verdict(run: TestHistory) -> dict[str, Any]:
    """The banner of a run that is over: `kind` (its shape and colour), `title` in words with what to do (`advice`), and
    the few `reasons` that prove it. Targets that are met are counted, not listed: the table of endpoints has them."""
    explained = run.explained
    met = sum(one["code"] in MET for one in explained)
    message = next((one["message"] for one in explained if not one["good"]), "")
    first, _gap, advice = message.partition(". ")
    kind, title = _kind_and_title(run, first.rstrip("."), met)
    said = message if kind != "passed" else ""
    detail = next((one["detail"] for one in explained if one["message"] == said), "") if said else ""
    rest = [one for one in explained if one["message"] != said and one["code"] not in {*MET, "no_targets"}]
    if met and kind != "passed":
        words = ngettext("%(count)s target is met.", "%(count)s targets are met.", met)
        rest.append(Explained(code="met", good=True, message=words % {"count": numbers.count(met)}, detail=""))
    told = [{**one, "mark": mark(one)} for one in rest]
    return {"kind": kind, "title": title, "advice": advice if said else "", "detail": detail, "reasons": told}


def _kind_and_title(run: TestHistory, first: str, met: int) -> tuple[str, str]:
    if run.status == Status.STOPPED:
        return "stopped", first or _("Stopped before the end")
    if run.status in (Status.FAILED, Status.TIMED_OUT) or run.outcome == Outcome.ERROR:
        return "error", first or _("The run ended with an error")
    if run.outcome == Outcome.TARGETS_MISSED:
        return "missed", _("Targets missed: %(reason)s") % {"reason": first}
    if run.outcome == Outcome.INVALID:
        return "invalid", _("Invalid: %(reason)s") % {"reason": first}
    if not met:
        return "passed", _("Passed: the run was measured, no target was set")
    words = ngettext("Passed: the target is met", "Passed: all %(count)s targets are met", met)
    return "passed", words % {"count": numbers.count(met)}


def sentence(run: TestHistory) -> str:
    """The verdict as one sentence in the reader's language; "" while the run is active."""
    return f"{verdict(run)['title']}." if run.is_finished else ""


def answer(run: TestHistory) -> dict[str, Any]:
    """The verdict for programs: `outcome` (None where there is none), `exit_code`, `sentence`, and all `reasons`, the
    most important first, each as a sentence with its plain numbers: ms, requests/s, percent, seconds."""
    return {
        "outcome": run.outcome or None,
        "exit_code": exit_code_of(run),
        "sentence": sentence(run),
        "reasons": reasons(run),
    }


def reasons(run: TestHistory) -> list[dict[str, Any]]:
    """Every stored reason: `code`, `good`, `mark` (as the page shows it: passed, missed, invalid), `message`, `detail`,
    and `numbers`, its plain values by name (`value`, `target`, `by`, `since`, `request` …)."""
    known = (stored for stored in run.reasons if stored.get("code") in SENTENCES)
    pairs = zip(run.explained, known, strict=True)
    return [{**one, "mark": mark(one), "numbers": _plain(stored.get("params", {}))} for one, stored in pairs]


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Without what is a sentence of its own."""
    return {name: value for name, value in params.items() if isinstance(value, str | int | float)}


def mark(one: Explained) -> str:
    """The shape of a reason."""
    return "passed" if one["good"] else "invalid" if one["code"] in NOTES | SPOILS else "missed"
