"""Where k6's pushes come in. Each run has a token of its own, good while the run lasts."""

import hmac
import logging
import time

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from history.live import advance, announce
from history.metrics.remote_write import MAX_PUSH, BadPush, Snapshot, decode
from history.metrics.stores import StoreError, open_store
from history.models import TestHistory
from history.signals import load_ended
from history.states import FINISHED, Status, move

logger = logging.getLogger(__name__)
# A run carries its script, log and plan; a push every second needs none of them.
_READ = ("status", "ingest_token", "live_second", "total_requests", "failed_requests", "project")


@csrf_exempt
@login_not_required
@require_POST
def ingest(request: HttpRequest, run_id: int) -> HttpResponse:
    """Takes one push: 204; 401 for a wrong token, 409 once the run is over, 413 and 400 for what is no push."""
    try:
        run = TestHistory.objects.only(*_READ).filter(pk=run_id).first()
    except DatabaseError:
        logger.warning("run %s: a push found no database", run_id, exc_info=True)
        return _answer(503, "The database is away; send the next push.")
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if run is None or not hmac.compare_digest(token.encode(), run.ingest_token.encode()):
        return _answer(401, "This address takes the pushes of a run, with the run's token.")
    if run.status in FINISHED:
        return _answer(409, "The run is over.")
    if int(request.headers.get("Content-Length") or 0) > MAX_PUSH:
        return _answer(413, f"A push has at most {MAX_PUSH} bytes.")
    try:
        snapshot = decode(request.body)
        if snapshot is not None:
            _keep(run, snapshot)
    except BadPush as error:
        return _answer(400, str(error))
    except StoreError:
        logger.exception("run %s: a push was not kept", run_id)
        return _answer(503, "The push was not kept; send the next one.")
    return HttpResponse(status=204)


def _keep(run: TestHistory, snapshot: Snapshot) -> None:
    open_store().write(run.pk, [snapshot])
    try:
        if run.status == Status.STARTING and move(run, Status.RUNNING):
            announce(run)
        advance(run, time.time())
    except (DatabaseError, StoreError):  # the push is kept; the next one makes up for it
        logger.warning("run %s: the live page has to wait", run.pk, exc_info=True)
    if snapshot.closing:
        load_ended.send(TestHistory, run_id=run.pk)


def _answer(status: int, message: str) -> HttpResponse:
    return HttpResponse(message + "\n", status=status, content_type="text/plain; charset=utf-8")
