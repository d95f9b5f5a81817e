"""The life of a run: its states, the allowed moves, and what came of it. The only table of both."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    QUEUED = "queued", _("Queued")
    STARTING = "starting", _("Starting")
    RUNNING = "running", _("Running")
    COLLECTING = "collecting", _("Collecting results")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    STOPPED = "stopped", _("Stopped")
    TIMED_OUT = "timed_out", _("Timed out")


class Outcome(models.TextChoices):
    PASSED = "passed", _("Passed")
    TARGETS_MISSED = "targets_missed", _("Targets missed")
    INVALID = "invalid", _("Invalid")
    ERROR = "error", _("Error")


FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED, Status.TIMED_OUT})
ACTIVE = frozenset(Status) - FINISHED

# A finished run never revives: no finished state stands on the left.
MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.STARTING, Status.FAILED, Status.STOPPED}),
    Status.STARTING: frozenset({Status.RUNNING, Status.COLLECTING, Status.FAILED, Status.STOPPED}),
    Status.RUNNING: frozenset({Status.COLLECTING, Status.FAILED}),
    Status.COLLECTING: frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED, Status.TIMED_OUT}),
}


def move(run: models.Model, to: Status, **columns: object) -> bool:
    """Moves the run to state `to` and writes `columns` with it, by one conditional UPDATE.

    Answers whether this call made the move: False means that the run is not in a state that
    may go there, or that somebody else was first. The instance is brought up to date either way.
    """
    sources = [source for source, targets in MOVES.items() if to in targets]
    values: dict[str, object] = {"status": to, **columns}
    if to in FINISHED:
        values.setdefault("completed_at", timezone.now())
        values["is_completed"] = True
    manager = type(run)._default_manager
    changed = manager.filter(pk=run.pk, status__in=sources).update(**values)
    run.refresh_from_db()
    return changed == 1
