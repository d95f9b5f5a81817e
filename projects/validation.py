"""Validates documents after their endpoints are there: one at a time, at the lowest priority, in a process of its own.

waiting --claim--> running --> done, or failed with a sentence. A worker that dies leaves `running` behind; whoever
looks next sees that it takes too long and has it done again, twice at most. While a run is active nothing begins.
"""

import json
import logging
import tempfile
import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from projects import sending
from projects.child import Limits, run_child
from projects.findings import sentence_of
from projects.models import OpenApiSpec, Project, Validation
from projects.openapi.wording import Sentence, gettext_noop
from projects.sources import kept, told

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 2
# At the lowest priority it may take far longer than its CPU time.
LIMITS = Limits(memory=2 * 1024**3, cpu_seconds=180, seconds=600, niceness=19)
_BEAT_SECONDS = 5.0
_LOST = timedelta(seconds=30)  # without a sign of life from the worker
State = Validation.State

_NOT_ENDED = gettext_noop("The validation did not end: the document needs more time or memory than it gets.")
_INTERRUPTED = gettext_noop("The validation was interrupted twice. Read the document again to start it anew.")


def ask(spec: OpenApiSpec) -> None:
    """Notes that the text of `spec` wants a look, unless it had one; sends it to a worker once all is written."""
    before = Validation.objects.filter(openapi_spec=spec).first()
    if before and before.document_hash == spec.document_hash and before.state != State.FAILED:
        return
    fresh: dict[str, Any] = {
        "document_hash": spec.document_hash,
        "state": State.WAITING,
        "attempts": 0,
        "changed_at": timezone.now(),
        "findings": [],
        "finding_count": 0,
        "problem": None,
    }
    Validation.objects.update_or_create(openapi_spec=spec, defaults=fresh)
    transaction.on_commit(lambda: sending.send("validate_document", spec.pk))


def validate(spec_id: int) -> bool:
    """Validates one waiting document if this call gets it; False where it has to wait for another or for a run."""
    now = timezone.now()
    if _run_is_active() or Validation.objects.filter(state=State.RUNNING, changed_at__gt=now - _LOST).exists():
        return False
    waiting = Validation.objects.filter(openapi_spec=spec_id, state=State.WAITING)
    row = waiting.select_related("openapi_spec").first()
    if row is None:
        return True
    claim = waiting.filter(document_hash=row.document_hash, attempts=row.attempts)
    if not claim.update(state=State.RUNNING, attempts=row.attempts + 1, changed_at=now):
        return True
    if Validation.objects.filter(state=State.RUNNING, changed_at__gt=now - _LOST, pk__lt=row.pk).exists():
        # Another worker began at the same moment; of two the older document is first.
        _running(row).update(state=State.WAITING, attempts=row.attempts)
        return False
    found = _look(row)
    if found is None:
        _end(row, state=State.FAILED, problem=kept("", Sentence(_NOT_ENDED)))
        return True
    findings = [kept(str(one["where"]), sentence_of(one)) for one in found["findings"]]
    _end(row, state=State.DONE, findings=findings, finding_count=int(found["count"]))
    return True


def _look(row: Validation) -> dict[str, Any] | None:
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        question.write(row.openapi_spec.document.encode("utf-8", "surrogatepass"))
        question.seek(0)
        alive = _running(row)

        shown = [time.monotonic()]

        def show_life() -> None:
            if time.monotonic() - shown[0] > _BEAT_SECONDS:
                shown[0] = time.monotonic()
                alive.update(changed_at=timezone.now())

        code = run_child("projects.validation_child", LIMITS, question, answer, show_life)
        answer.seek(0)
        try:
            found: dict[str, Any] = json.load(answer)
        except ValueError:
            logger.warning("document %s: its validation ended with %s", row.openapi_spec_id, code)
            return None
    return found


def _running(row: Validation) -> Any:
    """The row as long as it is this call's: a newer text asks for a new look, and this one's result is dropped."""
    return Validation.objects.filter(pk=row.pk, state=State.RUNNING, document_hash=row.document_hash)


def _end(row: Validation, **values: Any) -> None:
    _running(row).update(changed_at=timezone.now(), **values)


def _run_is_active() -> bool:
    # By the relation's name: this app may not import the apps that stand on it.
    runs: Any = Project._meta.get_field("test_histories").related_model
    return bool(runs._default_manager.filter(is_completed=False).exists())


def tend(now: datetime) -> list[int]:
    """Gives up or frees what dead workers left behind; answers the documents that wait, oldest first."""
    lost = Validation.objects.filter(state=State.RUNNING, changed_at__lte=now - _LOST)
    problem = kept("", Sentence(_INTERRUPTED))
    lost.filter(attempts__gte=MOST_ATTEMPTS).update(state=State.FAILED, problem=problem, changed_at=now)
    lost.update(state=State.WAITING, changed_at=now)
    waiting = Validation.objects.filter(state=State.WAITING).order_by("changed_at", "pk")
    return list(waiting.values_list("openapi_spec_id", flat=True))


def shown(spec: OpenApiSpec) -> dict[str, Any]:
    """The validation of a document as pages and API tell it, in the reader's language: `state` (waiting, running,
    done, failed, or "" where there is none), `message` where it did not end, `findings`, `count`."""
    row = Validation.objects.filter(openapi_spec=spec).first()
    if row is None or row.document_hash != spec.document_hash:
        return {"state": "", "message": "", "findings": [], "count": 0, "waits_for_run": False}
    if row.state == State.RUNNING and row.changed_at < timezone.now() - 2 * _LOST:
        tend(timezone.now())  # nobody else did: no beat, no worker
        row.refresh_from_db()
    return {
        "state": row.state,
        "message": told(row.problem)["message"] if row.problem else "",
        "findings": [told(entry) for entry in row.findings],
        "count": row.finding_count,
        "waits_for_run": row.state == State.WAITING and _run_is_active(),
    }
