"""REST: runs beside each other."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from history.comparing import LEAST, MOST, Comparison, Part, Row, compare
from history.comparing_setups import differing, same_load
from history.comparing_views import chosen, numbers_in
from metricvault.lib.errors import Detail, Refused
from projects.access import require_user

router = Router(tags=["Results"])

TEST = (
    "Yuen's test for trimmed means over the logarithms of batches of seconds of the steady part; error rates: "
    "difference of two shares with the variance of a ratio over batches. real: larger than 99 of 100 differences "
    "between equal runs, likely: than 19 of 20, both at least 5 % and 1 ms (error rates: 0.1 points)"
)


class ChangeOut(Schema):
    base: float
    value: float
    difference: float
    percent: float | None = Field(description="Relative to the base; null for error rates and where the base is 0")
    worse: bool | None
    mark: str = Field(description="real, likely, noise, or few (too little to say)")
    limit: float | None = Field(description="Percent (error rates: points) from which on it would be likely")
    batches: list[int] = Field(description="Batches compared, of the base and of the run")
    batch_seconds: list[float]


class ComparedPartOut(Schema):
    test_history_id: int
    mark: str | None = Field(description="new: not in the base; removed: not in this run")
    total_requests: int | None = None
    failed_requests: int | None = None
    tps: float | None = None
    error_rate: float | None = None
    avg: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    changes: dict[str, ChangeOut] = Field(description="By measure, against the base")


class RowOut(Schema):
    request: str = Field(description="METHOD /path/{template}; empty for all requests")
    name: str = Field(description="Scenario and step, where a run has the request several times")
    runs: list[ComparedPartOut]


class ComparedOut(Schema):
    test_history_id: int
    title: str
    status: str
    outcome: str | None
    release: str
    doubt: str = Field(description="Why its numbers may prove nothing: invalid, stopped, ...; empty where they do")


class SetupOut(Schema):
    name: str
    values: list[str]


class ComparisonOut(Schema):
    base: int
    runs: list[ComparedOut]
    same_load: bool
    differing: list[SetupOut] = Field(description="What else is not the same in all runs")
    test: str
    equal_runs_differ: dict[str, float] = Field(description="Percent, by measure: what is taken for noise between runs")
    total: RowOut
    endpoints: list[RowOut]


class Compared(Schema):
    runs: str = Field(description="Two to five runs, separated by commas; the first is the base", examples=["7,9"])


@router.get("/test-history/compare", response=ComparisonOut, summary="Runs beside each other")
def compared(request: HttpRequest, query: Query[Compared]) -> dict[str, Any]:
    """Every endpoint of two to five runs of any plans, with what each measured, how that differs from the first run,
    and whether the difference is more than noise."""
    user = require_user(request)
    wanted = list(dict.fromkeys(numbers_in([query.runs])))
    if not LEAST <= len(wanted) <= MOST:
        sentence = _("Name %(least)s to %(most)s different runs, separated by commas.") % {"least": LEAST, "most": MOST}
        raise Refused(sentence, [Detail("runs", sentence)])
    return _comparison(compare(chosen(user, wanted)))


def _comparison(found: Comparison) -> dict[str, Any]:
    runs = [
        {
            "test_history_id": run.pk,
            "title": run.title,
            "status": run.status,
            "outcome": run.outcome or None,
            "release": run.release,
            "doubt": doubt,
        }
        for run, doubt in zip(found.runs, found.doubts, strict=True)
    ]
    return {
        "base": found.runs[0].pk,
        "runs": runs,
        "same_load": same_load(found.runs),
        "differing": [{"name": one.name, "values": list(one.texts)} for one in differing(found.runs)],
        "test": TEST,
        "equal_runs_differ": {name: round(100 * share, 3) for name, share in found.between.items()},
        "total": _row(found, found.total),
        "endpoints": [_row(found, row) for row in found.rows],
    }


def _row(found: Comparison, row: Row) -> dict[str, Any]:
    parts = []
    for index, (run, part) in enumerate(zip(found.runs, row.parts, strict=True)):
        mark = row.mark(index, "p95")
        parts.append({"test_history_id": run.pk, "mark": mark if mark in ("new", "removed") else None, **_part(part)})
    return {"request": row.request, "name": row.name, "runs": parts}


def _part(part: Part | None) -> dict[str, Any]:
    if part is None:
        return {"changes": {}}
    numbers = asdict(part.numbers)
    shown = {"total_requests": "requests", "failed_requests": "failures", "error_rate": "errors"}
    changes = {
        ("error_rate" if name == "errors" else name): {
            "base": change.base,
            "value": change.value,
            "difference": change.difference,
            "percent": change.percent,
            "worse": change.worse,
            "mark": change.mark,
            "limit": _limit(name, change.judged.limit),
            "batches": list(change.judged.batches),
            "batch_seconds": list(change.judged.seconds),
        }
        for name, change in part.changes.items()
    }
    return {**numbers, **{name: numbers[column] for name, column in shown.items()}, "changes": changes}


def _limit(measure: str, limit: float | None) -> float | None:
    return None if limit is None else round(limit if measure == "errors" else 100 * limit, 3)
