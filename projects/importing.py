"""Imports that a person starts on the page, from the request to the end, with their steps shown meanwhile.

waiting --claim--> fetching --> reading --> done, or review (what would change is shown) --confirm--> waiting -->
applying --> done. From each of them to failed, with a sentence, or discarded. Who acts is decided by conditional
UPDATEs; what was read is kept as bytes, so that what is applied is what was shown. The API does not come this way: it
imports at once (`spec_import.analyze`).
"""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from metricvault.lib.errors import ProductError
from projects import audit, sending, sources, spec_import
from projects.addresses import without_login
from projects.changes import compare
from projects.models import DocumentImport, Project
from projects.reading import SMALL
from projects.sealing import seal, unseal
from projects.secret_headers import SecretHeaders
from projects.sources import Payload, Source

logger = logging.getLogger(__name__)
State = DocumentImport.State
ACTIVE = (State.FETCHING, State.READING, State.APPLYING)
OPEN = (State.WAITING, *ACTIVE)
UNFINISHED = (*OPEN, State.REVIEW)
MOST_ATTEMPTS = 2
_BEAT_SECONDS = 1.0
_LOST = timedelta(seconds=60)  # without a sign of life from the worker
_UNTAKEN = timedelta(seconds=60)  # without a worker that takes it
_REVIEW_DAYS, _KEPT_DAYS = 7, 30


class _GivenUp(Exception):
    """The person discarded the import, or it was taken for lost."""


def begin(
    project: Project, user: User, *, url: str = "", payload: Payload | None = None, secret: SecretHeaders | None = None
) -> DocumentImport:
    """Notes an import and has it carried out: a small document at once, anything else by a worker."""
    row = DocumentImport(
        project=project,
        created_by=user,
        language=translation.get_language() or "",
        changed_at=timezone.now(),
        field=payload.field if payload else "openapi_url",
    )
    if payload:
        row.payload, row.charset, row.name, row.size = payload.data, payload.charset, payload.name, len(payload.data)
    else:
        secret = secret or sources.login_of(url) or spec_import.kept_headers(project, url)
        row.url, row.sealed_headers = without_login(url)[:2000], seal(secret)
    row.save()
    return _hand_over(row)


def _hand_over(row: DocumentImport) -> DocumentImport:
    is_small = row.payload is not None and len(row.payload) <= SMALL
    if is_small or not sending.send("carry_out_import", row.pk):
        carry_out(row.pk, alone=False)
    row.refresh_from_db()
    return row


def confirm(row: DocumentImport) -> DocumentImport:
    """Applies what was shown. Does nothing to an import that is not in review any more."""
    ours = DocumentImport.objects.filter(pk=row.pk, state=State.REVIEW)
    if ours.update(state=State.WAITING, confirmed=True, attempts=0, message="", changed_at=timezone.now()):
        _hand_over(row)
    row.refresh_from_db()
    return row


def discard(row: DocumentImport) -> None:
    """Ends an import that is not over; what its worker does meanwhile is dropped."""
    _move(row, UNFINISHED, state=State.DISCARDED, payload=None, sealed_headers="")


def carry_out(key: int, *, alone: bool = True) -> bool:
    """Takes a waiting import and brings it as far as it goes; False where it has to wait for another one.

    `alone`: one at a time, so that imports never take the workers away from runs.
    """
    row = DocumentImport.objects.filter(pk=key, state=State.WAITING).select_related("project").first()
    if row is None:
        return True
    if alone and DocumentImport.objects.filter(state__in=ACTIVE, changed_at__gt=timezone.now() - _LOST).exists():
        _move(row, (State.WAITING,))
        return False
    state = State.APPLYING if row.confirmed else State.READING if row.payload is not None else State.FETCHING
    if not _move(row, (State.WAITING,), state=state, attempts=row.attempts + 1):
        return True
    with translation.override(row.language or None):
        try:
            _go_on(row)
        except _GivenUp:
            pass
        except ProductError as error:
            _fail(row, error.message)
        except Exception:
            incident = secrets.token_hex(4)
            logger.exception("incident %s in import %s", incident, row.pk)
            text = _("Something went wrong on our side. Tell your administrator the incident number %(id)s.")
            _fail(row, text % {"id": incident})
    return True


def _go_on(row: DocumentImport) -> None:
    beat = _Beat(row)
    secret = unseal(row.sealed_headers)
    if row.payload is None:
        source = sources.fetch_source(row.url, secret, beat.received, lambda: beat.show(State.READING))
    else:
        payload = Payload(row.field, bytes(row.payload), row.charset, row.found_url, row.name)
        source = sources.read_source(payload, beat.show)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=row.project_id)
        if not _keep_for_review(row, source):
            with audit.asked_by(row.created_by):
                report = spec_import.keep(row.project, source, secret)
            done = _outcome(report)
            values = {"openapi_spec": report.spec, "changes": done, "size": len(source.payload.data)}
            if not _move(row, ACTIVE, state=State.DONE, payload=None, sealed_headers="", message="", **values):
                raise _GivenUp  # and with it everything that was written


def _keep_for_review(row: DocumentImport, source: Source) -> bool:
    """True where the document is a new version of a known one and a person has not seen yet what it changes."""
    spec = spec_import.find(row.project, source)
    if spec is None or spec.document_hash == source.text_hash:
        return False
    seen = row.confirmed and row.base_hash == spec.document_hash and row.document_hash == source.payload.sum
    if seen and row.openapi_spec_id == spec.pk:
        return False
    changes = compare(spec, source)
    if not changes:
        return False
    plans = spec.project.plans.filter(scenarios__steps__endpoint__in=[one.pk for one in changes.removed]).distinct()
    moved = _move(
        row,
        ACTIVE,
        state=State.REVIEW,
        openapi_spec=spec,
        payload=source.payload.data,
        charset=source.payload.charset,
        found_url=source.payload.url,
        name=source.payload.name[:255],
        size=len(source.payload.data),
        document_hash=source.payload.sum,
        base_hash=spec.document_hash,
        changes={**changes.as_json(), "plans": [[plan.pk, plan.title] for plan in plans.only("title")]},
        message=_("The document was imported by somebody else meanwhile. This is what it changes now.")
        if row.confirmed
        else "",
        confirmed=False,
    )
    if not moved:
        raise _GivenUp
    return True


def _outcome(report: spec_import.ImportReport) -> dict[str, Any]:
    return {
        "created": report.created,
        "count": report.endpoint_count,
        "added": len(report.added),
        "changed": len(report.changed),
        "removed": len(report.removed),
    }


def _move(row: DocumentImport, before: tuple[Any, ...], **values: Any) -> bool:
    """Changes the row if it is in one of the states `before`; every change is a sign of life."""
    values.setdefault("changed_at", timezone.now())
    return bool(DocumentImport.objects.filter(pk=row.pk, state__in=before).update(**values))


def _fail(row: DocumentImport, message: str) -> None:
    _move(row, OPEN, state=State.FAILED, message=message, payload=None, sealed_headers="")


class _Beat:
    """Shows how far an import is, once a second at most; ends it where it was given up."""

    def __init__(self, row: DocumentImport, clock: Callable[[], float] = time.monotonic) -> None:
        self._row, self._clock = row, clock
        self._shown = clock()
        self._state = ""

    def received(self, size: int) -> None:
        """So many bytes are there."""
        self._write(False, size=size)

    def show(self, state: str = "") -> None:
        """The step that begins, or a sign of life within one."""
        values = {"state": state} if state and state != self._state else {}
        self._state = state or self._state
        self._write(bool(values), **values)

    def _write(self, at_once: bool, **values: Any) -> None:
        if at_once or self._clock() - self._shown >= _BEAT_SECONDS:
            self._shown = self._clock()
            if not _move(self._row, ACTIVE, **values):
                raise _GivenUp


def tend(now: datetime) -> list[int]:
    """Cleans up, gives up what died twice; answers the imports that wait for a worker, for sending them again."""
    _give_up_lost(DocumentImport.objects.filter(changed_at__lt=now - _LOST), now)
    old = DocumentImport.objects.filter(changed_at__lt=now - timedelta(days=_REVIEW_DAYS), state=State.REVIEW)
    old.update(state=State.DISCARDED, payload=None, sealed_headers="", changed_at=now)
    over = (State.DONE, State.FAILED, State.DISCARDED)
    DocumentImport.objects.filter(changed_at__lt=now - timedelta(days=_KEPT_DAYS), state__in=over).delete()
    return list(DocumentImport.objects.filter(state=State.WAITING).order_by("pk").values_list("pk", flat=True))


def _give_up_lost(rows: Any, now: datetime) -> None:
    lost = rows.filter(state__in=ACTIVE)
    again = lost.filter(attempts__lt=MOST_ATTEMPTS)
    again.update(state=State.WAITING, changed_at=now)
    for row in lost:
        with translation.override(row.language or None):
            _fail(row, _("The worker that read the document ended in the middle, twice. Nothing was kept. Try again."))


def look(row: DocumentImport) -> DocumentImport:
    """The import as it is now. What no worker takes, or died without anybody to tend it, ends here with a sentence."""
    now = timezone.now()
    if row.state in ACTIVE and row.changed_at < now - 2 * _LOST:
        _fail(row, _("The worker that read the document ended in the middle. Nothing was kept. Try again."))
    if row.state == State.WAITING and row.changed_at < now - _UNTAKEN:
        _fail(
            row,
            _(
                "No worker has taken the import for a minute. Ask your administrator to look with "
                "“manage.py doctor”, then try again."
            ),
        )
    row.refresh_from_db()
    return row
