"""Where k6 asks for access tokens, `GET /ingest/RUN/token/KEY`; see `loadtests.tokens`.

In a web process `Tokens` stands before Django: a pod may know the product by a name that browsers do not use, and
however many users ask at once, one of them looks and the others hear of it, without a thread each.
"""

import asyncio
import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from loadtests.tokens import NOTHING, PATIENCE, STEP, Answer, Asking, Kept, Unknown, admit, look, take
from metricvault.lib.asgi import App, Receive, Scope, Send

logger = logging.getLogger(__name__)
_THREADS = 8
_T = TypeVar("_T")
_ADDRESS = re.compile(r"/ingest/(\d{1,18})/token/([A-Za-z0-9_-]{1,40})")


@login_not_required
@require_safe
def token(request: HttpRequest, run_id: int, key: str) -> JsonResponse:
    """The access token for k6, or a sentence."""
    shown, address = request.headers.get("Authorization", ""), request.META.get("REMOTE_ADDR", "")
    status, content = take(run_id, key, shown, address)
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})


class Tokens:
    """An ASGI application before the others: it gives tokens; the rest is theirs."""

    def __init__(self, others: App) -> None:
        self._others = others
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tokens")
        self._looks: dict[str, asyncio.Task[Kept | None]] = {}  # by the token's name, while somebody looks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        address = _ADDRESS.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if address is None:
            await self._others(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        client = (scope.get("client") or ("",))[0]
        try:
            status, answer = await self._answer(int(address[1]), address[2], authorization, client)
        except Exception:
            logger.exception("run %s: an access token met an unexpected error", address[1])
            status, answer = 500, {"error": "Something went wrong on our side."}
        content = json.dumps(answer).encode()
        plain = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*plain, length]})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, run_id: int, key: str, authorization: str, client: str) -> Answer:
        asking = await self._in_thread(partial(admit, run_id, key, authorization, client))
        if not isinstance(asking, Asking):
            return asking
        looking = self._looks.get(asking.name)
        if looking is None:
            looking = self._looks[asking.name] = asyncio.create_task(self._settled(asking))
            looking.add_done_callback(lambda _task: self._looks.pop(asking.name, None))
        try:
            kept = await asyncio.shield(looking)  # one who goes does not take it from the others
        except Unknown:
            return NOTHING
        return (kept or Kept()).answer(time.time())

    async def _settled(self, asking: Asking) -> Kept | None:
        end = time.monotonic() + PATIENCE
        while (kept := await self._in_thread(partial(look, asking))) is None and time.monotonic() < end:
            await asyncio.sleep(STEP)
        return kept

    async def _in_thread(self, what: partial[_T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _with_connection, what)


def _with_connection(what: partial[_T]) -> _T:
    try:
        return what()
    finally:
        connection.close()  # these threads are seldom needed, connections are few
