"""REST: what people add to runs, and the trash."""

from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from pydantic import BaseModel, StringConstraints

from history import answers, baselines, labelling, trash
from history.access import get_editable_run, get_run
from history.models import RunNote
from projects.access import require_user

router = Router(tags=["Results"])
Text = Annotated[str, StringConstraints(max_length=labelling.LONGEST_NOTE)]


class RunPatch(BaseModel):
    """What to change; what is left out stays."""

    title: Text | None = Field(None, description="What it is called", examples=["Evening peak"])
    labels: list[Text] | None = Field(
        None, max_length=100, description="All of its labels, at most 10 of 60 characters", examples=[["nightly"]]
    )
    release: Text | None = Field(None, description='The release that was tested; "" for none', examples=["4.18"])
    pinned: bool | None = Field(None, description="Keep it first, and whatever the retention")
    baseline: bool | None = Field(
        None, description="Hold the runs of its plan (without one: of the same endpoints) against it"
    )


class NoteIn(BaseModel):
    """A note."""

    text: Text = Field(description="At most 10,000 characters", examples=["The cache was cold."])


class NoteOut(Schema):
    id: int
    author: str | None
    text: str
    created_at: datetime
    changed_at: datetime | None


class NoteList(Schema):
    items: list[NoteOut]
    count: int


class Restored(Schema):
    test_history_id: int
    status: str


@router.patch("/test-history/{int:run_id}", response=answers.Details, summary="Label, pin or rename a run")
def change_run(request: HttpRequest, run_id: int, data: RunPatch) -> dict[str, Any]:
    """Answers as `GET /test-history/{id}/details`. 409 where a run cannot be the baseline."""
    user = require_user(request)
    run = get_editable_run(user, run_id)
    with transaction.atomic():
        if data.title is not None:
            labelling.set_title(run, data.title)
        if data.labels is not None:
            labelling.set_labels(run, data.labels)
        if data.release is not None:
            labelling.set_release(run, data.release)
        if data.pinned is not None:
            labelling.pin(run, data.pinned)
        if data.baseline is not None:
            (baselines.set_baseline if data.baseline else baselines.clear_baseline)(run, user)
    return answers.details(get_run(user, run_id))


@router.delete("/test-history/{int:run_id}", response={204: None}, summary="Delete a run")
def delete_run(request: HttpRequest, run_id: int) -> Any:
    """To the trash: METRICVAULT_TRASH_HOURS (24) long it can be restored. 409 while it is active or pinned."""
    trash.delete_one(require_user(request), run_id, timezone.now())
    return Status(204, None)


@router.post("/test-history/{int:run_id}/restore", response=Restored, summary="Bring a deleted run back")
def restore_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """A run that is not deleted stays as it is."""
    user = require_user(request)
    trash.restore_one(user, run_id, timezone.now())
    run = get_run(user, run_id)
    return {"test_history_id": run.pk, "status": run.status}


@router.get("/test-history/{int:run_id}/notes", response=NoteList, summary="The notes of a run")
def list_notes(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """The oldest first."""
    run = get_run(require_user(request), run_id)
    items = [_note(note) for note in run.notes.select_related("author")]
    return {"items": items, "count": len(items)}


@router.post("/test-history/{int:run_id}/notes", response={201: NoteOut}, summary="Write a note about a run")
def write_note(request: HttpRequest, run_id: int, data: NoteIn) -> Any:
    """The person behind the request is its author."""
    user = require_user(request)
    return Status(201, _note(labelling.add_note(get_editable_run(user, run_id), user, data.text)))


@router.patch("/test-history/{int:run_id}/notes/{int:note_id}", response=NoteOut, summary="Change a note")
def change_note(request: HttpRequest, run_id: int, note_id: int, data: NoteIn) -> dict[str, Any]:
    """One's own; 403 for another's."""
    user = require_user(request)
    note = labelling.get_note(get_editable_run(user, run_id), note_id)
    labelling.change_note(note, user, data.text)
    return _note(note)


@router.delete("/test-history/{int:run_id}/notes/{int:note_id}", response={204: None}, summary="Delete a note")
def delete_note(request: HttpRequest, run_id: int, note_id: int) -> Any:
    """One's own; 403 for another's."""
    user = require_user(request)
    labelling.delete_note(labelling.get_note(get_editable_run(user, run_id), note_id), user)
    return Status(204, None)


def _note(note: RunNote) -> dict[str, Any]:
    return {
        "id": note.pk,
        "author": note.author.get_username() if note.author else None,
        "text": note.text,
        "created_at": note.created_at,
        "changed_at": note.changed_at,
    }
