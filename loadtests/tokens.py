"""Access tokens of a run, each fetched once for all of its users and load generators, and renewed before it expires.

k6 asks at `GET /ingest/RUN/token/KEY` with the run's ingest token, and again once what it got may no longer be used.
Who finds no token takes a lock in the cache and asks the token server; everybody else waits for what comes of it. The
token lies sealed in the cache. A refusal is remembered for a while, so that a token server that fails is not flooded.
Where the cache (Redis) is away, each web process does the same by itself.
"""

import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from redis.exceptions import RedisError

from history.models import TestHistory
from history.states import FINISHED
from loadtests.granting import SECONDS, NotGranted, ask
from loadtests.guard import judge
from loadtests.k6.plan_json import from_json
from loadtests.secrets import environment_of
from metricvault.lib.errors import NotSignedIn, ProductError, TooMany
from metricvault.lib.rates import guessing
from metricvault.lib.telemetry import about
from projects.sealing import TOKENS, seal_text, unseal_text

logger = logging.getLogger(__name__)
PATIENCE = SECONDS + 5.0  # how long somebody else's request is waited for; the lock lasts as long
STEP = 0.05  # seconds between two looks at what came of it
QUIET = 5.0  # seconds for which a refusal is remembered
LATE = 30.0  # seconds before it expires that a long-lived token is renewed
Answer = tuple[int, dict[str, Any]]
_T = TypeVar("_T")
# What this process has seen, for when the cache of all is away, or has forgotten everything.
_own = LocMemCache("access tokens", {"MAX_ENTRIES": 10_000})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a token; moments in seconds since 1970. `problem`: why there is no newer one."""

    access_token: str = field(default="", repr=False)
    renew_at: float = 0.0
    expires_at: float = 0.0
    problem: str = ""
    quiet_until: float = 0.0

    def settled(self, now: float) -> bool:
        """Whether nobody has to be asked at this moment."""
        return (bool(self.access_token) and now < self.renew_at) or now < self.quiet_until

    def answer(self, now: float) -> Answer:
        """For k6. `expires_in` says how long it may use the token before it asks again: until it is to be renewed; a
        second, while that goes on."""
        if self.access_token and now < self.expires_at:
            seconds = self.renew_at - now if now < self.renew_at else min(1.0, self.expires_at - now)
            return 200, {"access_token": self.access_token, "expires_in": round(max(seconds, 0.05), 2)}
        return 502, {"error": self.problem or "The token server is being asked for a token. Ask again."}


class Unknown(Exception):
    """The run has no such token."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who may have token `key` of run `run_id`. `name` is the token's in the cache: nobody can guess it, and
    no other run has it, whatever becomes of the database."""

    run_id: int
    key: str
    name: str


def admit(run_id: int, key: str, authorization: str, address: str = "") -> Asking | Answer:
    """Who shows the run's ingest token while the run is active; else 401, 409, or 429 for who tries too many, with a
    sentence. `address`: where it comes from."""
    token = authorization.removeprefix("Bearer ")
    try:
        with guessing(f"run {run_id}", address, token):
            run = _run_of(run_id, token)
    except (NotSignedIn, TooMany) as error:
        return error.status, {"error": error.message}
    if run.status in FINISHED:
        return 409, {"error": "The run is over."}
    return Asking(run_id, key, "token:" + hashlib.sha256(f"{run.ingest_token}:{key}".encode()).hexdigest())


def _run_of(run_id: int, token: str) -> TestHistory:
    run = TestHistory.objects.only("status", "ingest_token").filter(pk=run_id).order_by().first()
    known = run.ingest_token if run is not None else ""
    if not hmac.compare_digest(token.encode(), (known or secrets.token_urlsafe(32)).encode()) or run is None:
        raise NotSignedIn("This address gives the access tokens of a run, to who has the run's token.")
    return run


def look(asking: Asking) -> Kept | None:
    """The token as it is now, fetched where nobody does so already; None where somebody does, and there is none to use
    meanwhile: look again in `STEP` seconds, for `PATIENCE` at most. Raises `Unknown`."""
    kept = _read(asking.name)
    if kept.settled(time.time()):
        return kept
    owner = secrets.token_hex(8)
    if not _reach(lambda store: store.add(f"{asking.name}:lock", owner, PATIENCE)):
        return kept if time.time() < kept.expires_at else None
    try:
        kept = _read(asking.name)  # whoever had the lock before may have fetched it
        if not kept.settled(time.time()):
            kept = _fetched(asking, kept)
            _write(asking.name, kept)
        return kept
    finally:
        if _reach(lambda store: store.get(f"{asking.name}:lock")) == owner:
            _reach(lambda store: store.delete(f"{asking.name}:lock"))


def take(run_id: int, key: str, authorization: str, address: str = "") -> Answer:
    """Status and JSON for who asks, waiting for what comes of somebody else's request: 200 with `access_token` and
    `expires_in`; 401, 404, 409, or 502 with `error`, a sentence without any secret."""
    asking = admit(run_id, key, authorization, address)
    if not isinstance(asking, Asking):
        return asking
    _let_go()
    end = time.monotonic() + PATIENCE
    try:
        while (kept := look(asking)) is None and time.monotonic() < end:
            time.sleep(STEP)
    except Unknown:
        return NOTHING
    return (kept or Kept()).answer(time.time())


NOTHING: Answer = (404, {"error": "The run has no such access token."})


def _fetched(asking: Asking, before: Kept) -> Kept:
    begun = time.time()
    try:
        with about(run=asking.run_id):
            run = TestHistory.objects.only("plan_snapshot", "project").select_related("project").get(pk=asking.run_id)
            plan = from_json(run.plan_snapshot)
            token = next((one for one in plan.tokens if one.key == asking.key), None)
            if token is None:
                raise Unknown
            verdict = judge(token.url, run.project)
            if verdict.problem:
                raise NotGranted(verdict.problem)
            values = environment_of(plan)
            _let_go()
            grant = ask(token, values, verify=plan.options.verify_tls, addresses=verdict.addresses)
    except (NotGranted, ProductError) as error:
        logger.warning("run %s: access token %s: %s", asking.run_id, asking.key, error)
        quiet = time.time() + QUIET
        return Kept(before.access_token, before.renew_at, before.expires_at, str(error), quiet)
    renewed = max(0.8 * grant.lifetime, grant.lifetime - LATE)
    return Kept(grant.access_token, begun + renewed, begun + grant.lifetime)


def _let_go() -> None:
    """No database connection is held while something else is waited for."""
    if not connection.in_atomic_block:
        connection.close()


def _read(name: str) -> Kept:
    sealed = _reach(lambda store: store.get(name)) or _own.get(name)
    text = unseal_text(sealed, TOKENS) if isinstance(sealed, str) else None
    return Kept(**json.loads(text)) if text else Kept()


def _write(name: str, kept: Kept) -> None:
    sealed = seal_text(json.dumps(asdict(kept)), TOKENS)
    lasts = max(kept.expires_at, kept.quiet_until) - time.time() + 1
    _own.set(name, sealed, lasts)
    _reach(lambda store: store.set(name, sealed, lasts))


def _reach(what: Callable[[BaseCache], _T]) -> _T:
    """What the cache of all processes says, or where it is away this process's own."""
    try:
        return what(cache)
    except (RedisError, OSError):
        return what(_own)
