"""Where k6's pushes come in. Each run has a token of its own, good while the run lasts.

`take` is the rule, `ingest` its Django view. In a web process `Pushes` stands before Django and does the same without
sessions, languages and pages: a push comes every second from each load generator.
"""

import asyncio
import hmac
import logging
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from history import plausible
from history.live import advance, announce
from history.metrics.remote_write import MAX_PUSH, BadPush, Snapshot, decode
from history.metrics.stores import StoreError, open_store
from history.models import TestHistory
from history.signals import load_ended
from history.states import FINISHED, Status, move
from metricvault.lib.asgi import App, Receive, Scope, Send
from metricvault.lib.errors import NotSignedIn, TooMany
from metricvault.lib.rates import Counter, guessing
from metricvault.lib.telemetry import PUSH_SECONDS, PUSHES, about

logger = logging.getLogger(__name__)
# A run carries its script, log and plan; a push every second needs none of them.
_READ = ("status", "ingest_token", "live_second", "total_requests", "failed_requests", "project", "title")
_THREADS = 4  # more only wait for each other; each keeps a database connection
_ADDRESS = re.compile(r"/ingest/(\d{1,18})/write")
_pushes = Counter()  # of this process: another may take as many
Answer = tuple[int, str]


def take(run_id: int, authorization: str, body: bytes | None, address: str = "") -> Answer:
    """Takes one push that came from `address`, and answers an HTTP status with a sentence: 204; 401 for a wrong token,
    409 once the run is over, 413 for a push that is too large (`body` None), 429 for too many of them or too many wrong
    tokens, 400 for what is no push of the run, 503 where it could not be kept."""
    with PUSH_SECONDS.time(), about(run=run_id):
        status, message = _take(run_id, authorization.removeprefix("Bearer "), body, address)
    PUSHES.labels(result=str(status)).inc()
    return status, message


def _take(run_id: int, token: str, body: bytes | None, address: str) -> Answer:
    try:
        with guessing(f"run {run_id}", address, token):
            run = _run_of(run_id, token)
        if run.status in FINISHED:
            return 409, "The run is over."
        limit = settings.METRICVAULT_RATES["push"]
        if limit is not None and _pushes.hit(limit, str(run_id)):
            return 429, "The run pushes too often; k6 does it once a second."
        if body is None:
            return 413, f"A push has at most {MAX_PUSH} bytes."
        snapshot = decode(body)
        if snapshot is not None:
            plausible.check(run, snapshot, time.time())
            _keep(run, snapshot)
    except BadPush as error:  # from who has the token: k6 does not send such
        logger.warning("run %s: a push was refused: %s", run_id, error)
        return 400, str(error)
    except (NotSignedIn, TooMany) as error:
        return error.status, error.message
    except (DatabaseError, StoreError):
        logger.warning("run %s: a push was not kept", run_id, exc_info=True)
        return 503, "The push was not kept; send the next one."
    return 204, ""


def _run_of(run_id: int, token: str) -> TestHistory:
    """The run, to who has its token; a run that is not there takes as long as a wrong token."""
    run = _find(run_id)
    known = run.ingest_token if run is not None else ""
    if not hmac.compare_digest(token.encode(), (known or secrets.token_urlsafe(32)).encode()) or run is None:
        raise NotSignedIn("This address takes the pushes of a run, with the run's token.")
    return run


def _find(run_id: int) -> TestHistory | None:
    rows = TestHistory.objects.only(*_READ).filter(pk=run_id).order_by()
    try:
        return next(iter(rows), None)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        # It broke while nobody used it, as PostgreSQL was started again: a push is worth a second try.
        connection.close()
        return next(iter(rows.all()), None)


def _keep(run: TestHistory, snapshot: Snapshot) -> None:
    open_store().write(run.pk, [snapshot])
    try:
        if snapshot.has_begun and run.status == Status.STARTING and move(run, Status.RUNNING):
            announce(run)
        advance(run, time.time())
    except (DatabaseError, StoreError):  # the push is kept; the next one makes up for it
        logger.warning("run %s: the live page has to wait", run.pk, exc_info=True)
    if snapshot.closing:
        load_ended.send(TestHistory, run_id=run.pk)


@csrf_exempt
@login_not_required
@require_POST
def ingest(request: HttpRequest, run_id: int) -> HttpResponse:
    """`POST /ingest/ID/write`; see `take`."""
    length = request.headers.get("Content-Length", "")
    body = request.body if not length.isdecimal() or int(length) <= MAX_PUSH else None
    status, message = take(run_id, request.headers.get("Authorization", ""), body, request.META.get("REMOTE_ADDR", ""))
    if not message:
        return HttpResponse(status=status)
    return HttpResponse(message + "\n", status=status, content_type="text/plain; charset=utf-8")


class Pushes:
    """An ASGI application before Django: it takes pushes, in a few threads of its own; the rest is Django's."""

    def __init__(self, django: App) -> None:
        self._django = django
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ingest")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        address = _ADDRESS.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if address is None:
            await self._django(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode("latin-1")
        body = await _body(receive)
        answering = asyncio.get_running_loop().run_in_executor(
            self._threads, _with_connection, int(address[1]), token, body, (scope.get("client") or ("",))[0]
        )
        status, message = await answering
        content = f"{message}\n".encode() if message else b""
        plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": plain if content else []})
        await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes | None:
    """None where it is too long; it is read to its end all the same, so that the answer is read."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_PUSH:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= MAX_PUSH else None


def _with_connection(run_id: int, token: str, body: bytes | None, address: str) -> Answer:
    try:
        return take(run_id, token, body, address)
    except Exception:
        logger.exception("run %s: a push met an unexpected error", run_id)
        return 500, "Something went wrong on our side."
    finally:
        if connection.errors_occurred:
            connection.close()
