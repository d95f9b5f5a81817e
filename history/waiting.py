"""Waiting for the end of a run, for programs: a build that has to go red."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from history.access import get_run
from history.answers import ReasonOut
from history.live.rights import Right, lost, right_of
from history.live.streams import LOOK
from history.models import TestHistory
from history.verdict import exit_code_of
from history.verdict_words import sentence
from metricvault.lib.errors import Missing
from projects.access import require_user

router = Router(tags=["Results"])
LONGEST = 600  # seconds of one wait; most proxies and runners of builds allow less
_LOOK = 0.5  # seconds between two looks
_BREATH = 15.0  # seconds between two signs of life: proxies end what is silent for long


class Waited(Schema):
    """How a run stands. `exit_code`: 0 passed, 1 targets missed, 2 invalid, 3 error, 4 stopped or timed out; null while
    it is not over."""

    test_history_id: int
    status: str
    outcome: str | None
    finished: bool
    exit_code: int | None
    verdict: str
    reasons: list[ReasonOut]
    url: str


class Patience(Schema):
    timeout: float = Field(60, ge=0, le=LONGEST, description="Seconds to wait at most", examples=[60])


@router.get("/test-history/{int:run_id}/wait", response=Waited, summary="Wait for the end of a run")
def wait(request: HttpRequest, run_id: int, patience: Query[Patience]) -> HttpResponseBase:
    """Answers as soon as the run is over, or after `timeout` seconds with `finished: false`: then ask again.

    Until then a space is sent now and then, which JSON allows in front, so that nothing on the way gives up.
    """
    user = require_user(request)
    run = get_run(user, run_id)
    address = request.build_absolute_uri(f"/runs/{run.pk}/")
    waiter = right_of(request, user, run.pk)
    told = _until_over(run, waiter, address, patience.timeout, translation.get_language())
    answer = StreamingHttpResponse(told, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


async def _until_over(
    run: TestHistory, waiter: Right, address: str, timeout: float, language: str | None
) -> AsyncIterator[bytes]:
    """No thread waits with it, whatever the number of waiters."""
    ends = time.monotonic() + timeout
    breathes = time.monotonic() + _BREATH
    looks = time.monotonic() + LOOK
    answer = None
    while answer is None:
        left = ends - time.monotonic()
        if not run.is_finished and left > 0:
            await asyncio.sleep(min(_LOOK, left))
        if time.monotonic() > breathes:
            breathes += _BREATH
            yield b" "
        if time.monotonic() > looks:
            looks += LOOK
            if await sync_to_async(lost)({waiter}):
                answer = _missing(run, language)
                break
        answer = await sync_to_async(_look)(run, address, language, is_last=left <= 0)
    yield json.dumps(answer, cls=DjangoJSONEncoder).encode()


def _look(run: TestHistory, address: str, language: str | None, *, is_last: bool) -> dict[str, Any] | None:
    with translation.override(language):
        try:
            run.refresh_from_db(fields=["status", "outcome", "reasons"])
        except TestHistory.DoesNotExist:
            return _missing(run, language)
        return stand(run, address) if is_last or run.is_finished else None


def _missing(run: TestHistory, language: str | None) -> dict[str, Any]:
    """For who may not see the run, or no longer."""
    with translation.override(language):
        return Missing(_("There is no run %(id)s.") % {"id": run.pk}).as_dict()


def stand(run: TestHistory, address: str) -> dict[str, Any]:
    """`Waited` as a plain object."""
    return {
        "test_history_id": run.pk,
        "status": run.status,
        "outcome": run.outcome or None,
        "finished": run.is_finished,
        "exit_code": exit_code_of(run),
        "verdict": sentence(run),
        "reasons": run.explained,
        "url": address,
    }
