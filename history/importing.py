"""A result from elsewhere as a run: our own export (`metricvault-run/1`), or k6's end-of-test summary.

All or nothing: a document that cannot be taken leaves no row. What it cannot bring are the histograms of single
minutes, so numbers of a span that somebody selects are missing, and its page says so.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from history import k6_summary_import
from history.baselines import endpoint_set
from history.import_document import FORMAT, Document, Load, Scenario, is_kept
from history.labelling import clean_labels, keep_labels
from history.models import (
    FailedRequest,
    Iterated,
    Measured,
    PhaseHistory,
    ScenarioHistory,
    StageHistory,
    StepHistory,
    TestHistory,
    TimelineHistory,
)
from history.reasons import reason
from metricvault.lib.errors import Detail, Malformed, Refused, TooLarge
from metricvault.lib.invalid import sentence
from projects import audit
from projects.models import Project

# A run of 4 hours and 20 endpoints comes to 65 MB, 5 million numbers and 3,000 lists. What has many more is no result,
# and as objects in memory it would be many times as large as its file.
MAX_BYTES = 80 * 1024 * 1024
MOST_SIGNS = {b",": 8_000_000, b"[": 100_000, b"{": 100_000, b'"': 2_000_000}
RUNNER = "import"
_MEASURED = [column.name for column in Measured._meta.fields]
_ITERATED = [column.name for column in Iterated._meta.fields]
_USERS = ["min_vus", "avg_vus", "max_vus"]
_TARGETS = ["response_time_target", "response_time_percentile", "error_rate_target"]
_MOST_DETAILS = 50


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who imports says of the run; "" and None leave what the document says."""

    title: str = ""
    release: str = ""
    labels: Sequence[str] = ()
    tested_at: datetime | None = None


def wishes(title: str = "", release: str = "", labels: str = "", tested_at: str = "") -> Wishes:
    """What was typed beside the file, checked; `labels` with commas between, a time without a zone is the server's.
    Raises `Refused`."""
    found = []
    for name, text, longest in (("title", title, 200), ("release", release, 60)):
        if len(text.strip()) > longest:
            found.append(Detail(name, _("At most %(limit)s characters.") % {"limit": longest}))
        elif not is_kept(text):
            found.append(Detail(name, _("This text has a character that cannot be kept: NUL, or half of a pair.")))
    words: list[str] = []
    try:
        words = clean_labels(labels.split(","))
    except Refused as refusal:
        found += refusal.details
    moment = None
    if tested_at.strip():
        moment = _moment(tested_at.strip())
        if moment is None:
            found.append(Detail("tested_at", _("Write a date and time as 2026-11-24T14:02:10+00:00.")))
    if found:
        fields = ", ".join(detail.field for detail in found)
        raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": fields}, found)
    return Wishes(title.strip(), release.strip(), words, moment)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is None or not 2000 <= found.year <= 2100:
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def read(text: bytes, field: str = "file") -> dict[str, Any]:
    """The JSON object of a file. Raises `TooLarge` or `Malformed`, with the name of the `field` it came in."""
    if len(text) > MAX_BYTES:
        message = _("The file is too large; at most %(limit)s MB are taken.") % {"limit": MAX_BYTES // 1024**2}
        raise TooLarge(message, [Detail(field, message)])
    if any(text.count(sign) > most for sign, most in MOST_SIGNS.items()):
        message = _("The file has more values than any result has.")
        raise TooLarge(message, [Detail(field, message)])
    try:
        found = json.loads(text, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise Malformed(_("The file is not valid JSON."), [Detail(field, _("Write JSON."))]) from None
    if not isinstance(found, dict):
        message = _("The file has to hold a JSON object: a result exported here, or a summary of k6.")
        raise Malformed(message, [Detail(field, message)])
    return found


def no_number(name: str) -> float:
    """For `json.loads`: NaN and Infinity are no JSON."""
    raise ValueError(name)


def take(given: dict[str, Any], project: Project, user: User, wishes: Wishes | None = None) -> TestHistory:
    """The run that `given` became. Raises `Refused` with each field that cannot be taken; nothing is kept then."""
    wishes = wishes or Wishes()
    if k6_summary_import.is_summary(given):
        moment = (wishes.tested_at or timezone.now()).isoformat()
        given = k6_summary_import.as_document(given, wishes.title or _("Summary of k6"), moment)
    elif given.get("format") != FORMAT:
        message = _("This is neither a result exported here (%(format)s) nor a summary of k6.") % {"format": FORMAT}
        raise Refused(message, [Detail("format", message)])
    document = _checked(given)
    with transaction.atomic():
        run = _keep(document, project, user, wishes)
        told = {"tested_at": run.tested_at, "requests": run.total_requests, "release": run.release}
        audit.record(audit.Action.IMPORTED, run, after=told)
    return run


def _checked(given: dict[str, Any]) -> Document:
    try:
        return Document.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False)[:_MOST_DETAILS]
        details = [Detail(".".join(str(part) for part in one["loc"]), sentence(one)) for one in found]
        fields = ", ".join(dict.fromkeys(detail.field or "-" for detail in details[:5]))
        raise Refused(_("Some values cannot be taken: %(fields)s.") % {"fields": fields}, details) from None


def _values(part: Any, names: list[str]) -> dict[str, Any]:
    return {name: getattr(part, name) for name in names}


def _keep(document: Document, project: Project, user: User, wishes: Wishes) -> TestHistory:
    said = document.run
    tested_at = wishes.tested_at or said.tested_at
    ended = said.completed_at if wishes.tested_at is None else None
    job_name = f"import-{secrets.token_hex(8)}"
    reasons = [one for one in said.reasons if one["code"] != "imported"]
    run = TestHistory.objects.create(
        project=project,
        started_by=user,
        runner=RUNNER,
        job_name=job_name,
        title=wishes.title or said.title,
        release=wishes.release or said.release,
        tested_at=tested_at,
        completed_at=ended or tested_at + timedelta(seconds=min(said.test_duration or 0.0, 1e7)),
        is_completed=True,
        reasons=[*reasons, reason("imported", good=True)],
        plan_snapshot=_plan(document),
        endpoint_set=endpoint_set(step.request_name for one in document.scenarios for step in one.steps),
        **_values(said, ["description", "status", "outcome", "stop_reason", "exit_code", "answers", "target_tps"]),
        **_values(said, [*_TARGETS, *_USERS, *_ITERATED]),
    )
    keep_labels(run, [*said.labels, *wishes.labels])
    _phases(run, None, document.phases)
    steps: dict[tuple[str, int], StepHistory] = {}
    rows = {one.scenario_tag: _scenario(run, at, one, steps) for at, one in enumerate(document.scenarios)}
    for timeline in document.timelines:
        scenario = rows[timeline.scenario_tag] if timeline.scenario_tag else None
        short = {name: _plain(getattr(timeline, name)) for name in ("overview", "heatmap")}
        kept = {"columns": timeline.columns, **short}
        TimelineHistory.objects.create(test_history=run, scenario=scenario, **kept)
    FailedRequest.objects.bulk_create(
        FailedRequest(
            test_history=run,
            step=steps[one.scenario_tag, one.step],
            request=one.request.model_dump(exclude_none=True),
            response=one.response and one.response.model_dump(exclude_none=True),
            **_values(one, ["kind", "t", "error", "checks"]),
        )
        for one in document.failures
    )
    return run


def _plain(part: BaseModel | dict[str, Any]) -> dict[str, Any]:
    return part if isinstance(part, dict) else part.model_dump()


def _phases(run: TestHistory, scenario: ScenarioHistory | None, phases: Sequence[Any]) -> None:
    PhaseHistory.objects.bulk_create(
        PhaseHistory(test_history=run, scenario=scenario, **_values(one, ["kind", *_USERS, *_ITERATED]))
        for one in phases
    )


def _scenario(
    run: TestHistory, position: int, said: Scenario, steps: dict[tuple[str, int], StepHistory]
) -> ScenarioHistory:
    names = ["name", "scenario_tag", "request_name", "executor", "think_time", "tps_target", "answers"]
    row = ScenarioHistory.objects.create(
        test_history=run, position=position, **_values(said, [*names, *_TARGETS, *_ITERATED])
    )
    StageHistory.objects.bulk_create(
        StageHistory(scenario=row, position=at, **_values(one, ["duration", "target", "kind", *_ITERATED]))
        for at, one in enumerate(said.stages)
    )
    for at, one in enumerate(said.steps):
        checks = [check.model_dump() for check in one.checks]
        kept = _values(one, ["name", "request_name", *_MEASURED])
        steps[said.scenario_tag, at] = StepHistory.objects.create(scenario=row, position=at, checks=checks, **kept)
    _phases(run, row, said.phases)
    return row


def _plan(document: Document) -> dict[str, Any]:
    """As much of a plan snapshot as was exported: enough to draw what was asked for, too little to run it again."""
    hosts = [host for host in document.run.host.split(", ") if host] or [""]
    scenarios = []
    for at, one in enumerate(document.run.load):
        address = f"http://{hosts[min(at, len(hosts) - 1)]}" if hosts[0] else ""
        scenarios.append(_asked(one, address))
    return {"scenarios": scenarios, "generators": document.run.generators}


def _asked(one: Load, address: str) -> dict[str, Any]:
    names = ["time_unit", "pre_allocated_vus", "max_vus", "iterations", "start_time"]
    load = {name: value for name, value in _values(one, names).items() if value is not None}
    steps = [{"request": {"name": name, "url": address}} for name in one.requests]
    stages = [{"duration": stage.duration, "target": stage.target} for stage in one.stages]
    about = {"tag": one.tag, "name": one.name, "executor": one.executor, "think_time": one.think_time or 0.0}
    return {**about, "stages": stages, "load": load, "steps": steps, "request": {"url": address}}
