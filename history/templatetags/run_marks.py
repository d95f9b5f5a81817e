"""What people added to a run, for the parts of pages that show it: any page may include them with `run` alone."""

from typing import Any

from django import template

from history.baselines import baseline_of
from history.labelling import LONGEST_LABEL, LONGEST_NOTE, LONGEST_RELEASE, may_change
from history.models import RunNote, TestHistory

register = template.Library()


@register.simple_tag
def notes_of(run: TestHistory, user: Any) -> list[RunNote]:
    """The notes of a run, the oldest first, each with `mine`: whether `user` may change it."""
    notes = list(run.notes.select_related("author"))
    for note in notes:
        note.mine = may_change(note, user)  # type: ignore[attr-defined]
    return notes


@register.simple_tag
def baseline_for(run: TestHistory) -> TestHistory | None:
    """The run that this one is held against; the run itself where it is the baseline."""
    return baseline_of(run)


@register.simple_tag
def longest(field: str) -> int:
    """How many characters a label, a note or a release may have."""
    return {"label": LONGEST_LABEL, "note": LONGEST_NOTE, "release": LONGEST_RELEASE}[field]
