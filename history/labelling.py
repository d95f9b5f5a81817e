"""What people add to a run: its title, labels, release and notes, whether it is pinned. Callers checked who asks."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from history.models import RunLabel, RunNote, TestHistory
from metricvault.lib.errors import Detail, Missing, NotAllowed, Refused
from projects import audit

MOST_LABELS, LONGEST_LABEL, LONGEST_RELEASE, LONGEST_TITLE = 10, 60, 60, 200
MOST_NOTES, LONGEST_NOTE = 200, 10_000


def set_labels(run: TestHistory, texts: Sequence[str]) -> list[str]:
    """The labels of a run are these from now on; answers them as they are kept. Raises Refused."""
    with transaction.atomic():
        before = sorted(run.labels.values_list("text", flat=True))
        wanted = keep_labels(run, texts)
        audit.record_change(run, {"labels": before}, {"labels": wanted})
    return wanted


def keep_labels(run: TestHistory, texts: Sequence[str]) -> list[str]:
    """As `set_labels`, of a run that is being made."""
    wanted = clean_labels(texts)
    with transaction.atomic():
        kept = set(run.labels.values_list("text", flat=True))
        run.labels.exclude(text__in=wanted).delete()
        new = [RunLabel(test_history=run, text=text) for text in wanted if text not in kept]
        RunLabel.objects.bulk_create(new, ignore_conflicts=True)
    return sorted(wanted)


def add_labels(run: TestHistory, texts: Sequence[str]) -> list[str]:
    """Adds to the labels of a run; answers all. Raises Refused."""
    return set_labels(run, [*run.labels.values_list("text", flat=True), *texts])


def remove_label(run: TestHistory, text: str) -> None:
    """Takes a label away; nothing happens where there is none like it."""
    if run.labels.filter(text=text).delete()[0]:
        audit.record(audit.Action.CHANGED, run, before={"label": text}, after={"label": None})


def clean_labels(texts: Sequence[str]) -> list[str]:
    """Each once, whatever its case, without needless spaces, the empty ones left out. Raises Refused."""
    found: dict[str, str] = {}
    for at, text in enumerate(texts):
        label = _line(text, f"labels.{at}", LONGEST_LABEL)
        if label:
            found.setdefault(label.casefold(), label)
    if len(found) > MOST_LABELS:
        raise _refused("labels", _("A run has at most %(most)s labels.") % {"most": MOST_LABELS})
    return list(found.values())


def set_release(run: TestHistory, text: str) -> None:
    """Which release of the tested API it was; "" for none. Raises Refused."""
    _set(run, "release", _line(text, "release", LONGEST_RELEASE))


def set_title(run: TestHistory, text: str) -> None:
    """What the run is called. Raises Refused."""
    title = _line(text, "title", LONGEST_TITLE)
    if not title:
        raise _refused("title", _("Write a title."))
    _set(run, "title", title)


def pin(run: TestHistory, pinned: bool) -> None:
    """A pinned run stands first in the list and stays, whatever the retention; it cannot be deleted."""
    _set(run, "pinned", pinned)


def _set(run: TestHistory, name: str, value: str | bool) -> None:
    before = getattr(run, name)
    setattr(run, name, value)
    run.save(update_fields=[name])
    audit.record_change(run, {name: before}, {name: value})


def add_note(run: TestHistory, user: User, text: str) -> RunNote:
    """What `user` has to say of a run. Raises Refused."""
    words = _note(text)
    if run.notes.count() >= MOST_NOTES:
        raise _refused("text", _("A run has at most %(most)s notes.") % {"most": MOST_NOTES})
    note = RunNote.objects.create(test_history=run, author=user, text=words)
    audit.record(audit.Action.CREATED, note, after={"text": words})
    return note


def change_note(note: RunNote, user: User, text: str) -> None:
    """Another text for a note of one's own. Raises Refused, NotAllowed."""
    _check_author(note, user)
    before, note.text, note.changed_at = note.text, _note(text), timezone.now()
    note.save(update_fields=["text", "changed_at"])
    audit.record_change(note, {"text": before}, {"text": note.text})


def delete_note(note: RunNote, user: User) -> None:
    """Takes a note of one's own away. Raises NotAllowed."""
    _check_author(note, user)
    audit.record(audit.Action.DELETED, note, before={"text": note.text})
    note.delete()


def get_note(run: TestHistory, pk: int) -> RunNote:
    """The note of that run, or Missing."""
    note = run.notes.select_related("author").filter(pk=pk).first()
    if note is None:
        raise Missing(_("There is no note %(id)s at this run.") % {"id": pk})
    return note


def may_change(note: RunNote, user: User) -> bool:
    """Notes belong to who wrote them; administrators clear up."""
    return note.author_id == user.pk or user.is_superuser


def _check_author(note: RunNote, user: User) -> None:
    if not may_change(note, user):
        raise NotAllowed(_("This note is somebody else's. Write one of your own."))


def _note(text: str) -> str:
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise _refused("text", _("Write a note."))
    return _kept(words, "text", LONGEST_NOTE)


def _line(text: str, field: str, most: int) -> str:
    return _kept(" ".join(text.split()), field, most)


def _kept(text: str, field: str, most: int) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _refused(field, _("This text has a character that cannot be kept: NUL, or half of a pair."))
    if len(text) > most:
        raise _refused(field, _("At most %(limit)s characters.") % {"limit": most})
    return text


def _refused(field: str, message: str) -> Refused:
    return Refused(message, [Detail(field, message)])
