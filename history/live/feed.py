"""Turns what the store holds into live messages, one a second and run, whichever process is asked.

Each process keeps the timelines of the runs it serves and reads from the store only what is new. Who publishes a
second is decided by a conditional UPDATE of `TestHistory.live_second`, so that several web processes send each
second once. `live_sent` goes with it: what all processes together have published, so that a push which came too late
for a second of one process is counted in the next one, whichever process sends that.
"""

import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from history.live.events import COUNTS, LiveMessage, ScenarioNumbers, second_message, status_message
from history.live.eventstream import publish
from history.metrics import abort
from history.metrics.abort import Watch
from history.metrics.stores import open_store
from history.metrics.timeline import Cell, Second, Timeline
from history.models import TestHistory
from history.pace import Asked
from history.publishing import show_seconds
from history.signals import target_missed

_KEPT = 200  # runs a process remembers
_READERS_FOR = 2.0  # seconds until it is asked again who may read: people come and go while a run lasts


@dataclass
class _Feed:
    """One run as this process has read it so far."""

    timeline: Timeline = field(default_factory=Timeline)
    cursor: int = 0
    so_far: dict[str, Cell] = field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    readers: tuple[int, ...] = ()
    readers_until: float = 0.0  # on the monotonic clock
    project: str = ""
    watch: Watch | None = None  # for a plan that ends a run that misses its targets
    told: bool = False
    waiting: "deque[LiveMessage]" = field(default_factory=deque)  # complete, and not yet known to be published
    lock: threading.Lock = field(default_factory=threading.Lock)


_feeds: "OrderedDict[int, _Feed]" = OrderedDict()
_feeds_lock = threading.Lock()


def advance(run: TestHistory, now: float) -> int:
    """Publishes the seconds of `run` that are complete at `now` (seconds since the epoch); answers how many."""
    return _publish(run, now)


def finish(run: TestHistory) -> int:
    """Publishes whatever was not published yet, the last partial second too, and forgets the run."""
    published = _publish(run, None)
    with _feeds_lock:
        _feeds.pop(run.pk, None)
    return published


def announce(run: TestHistory) -> None:
    """Tells the pages a new status."""
    counts = (run.total_requests, run.failed_requests, run.iterations, run.dropped_iterations)
    publish(status_message(run.pk, run.status, *(count or 0 for count in counts)), _readers(run))


def _publish(run: TestHistory, now: float | None) -> int:
    feed = _feed(run)
    with feed.lock:
        newest = feed.cursor
        for cursor, snapshot in open_store().read(run.pk, feed.cursor):
            feed.timeline.feed(snapshot)
            newest = max(newest, cursor)
        feed.cursor = newest  # only now: reading that fails half-way begins again, and knows most of it already
        timeline = feed.timeline
        until = timeline.seconds_seen if now is None else timeline.complete_until(now)
        feed.waiting.extend(_message(run, feed, second) for second in timeline.take(until))
        if feed.waiting and time.monotonic() >= feed.readers_until:
            feed.readers, feed.readers_until = _readers(run), time.monotonic() + _READERS_FOR
        published: list[LiveMessage] = []
        # A message leaves only when it is decided: where the database fails in between, the next push goes on here.
        while feed.waiting:
            message = feed.waiting[0]
            if (message["t"] or 0) >= run.live_second and _claim(run.pk, message):
                publish(message, feed.readers)
                published.append(message)
            feed.waiting.popleft()
        _end_if_missed(run, feed)
    if now is not None and timeline.origin is not None:  # the result shows everything once more
        show_seconds(run, feed.project, timeline.origin, published)
    return len(published)


def _end_if_missed(run: TestHistory, feed: _Feed) -> None:
    """Tells those who run the load, whichever process sees it first; to be told twice changes nothing for them."""
    if feed.watch is not None and feed.watch.broken is not None and not feed.told and run.is_active:
        target_missed.send(TestHistory, run_id=run.pk)
        feed.told = True


def _claim(run_id: int, message: LiveMessage) -> bool:
    """Whether this process is the one to publish the second; the counts of `message` then continue what was published
    before, by whichever process."""
    rows, t = TestHistory.objects.filter(pk=run_id), message["t"] or 0
    while True:
        found = rows.values_list("live_second", "live_sent").first()
        if found is None or found[0] > t:
            return False
        sent = _continue(message, found[1])
        if rows.filter(live_second=found[0]).update(live_second=t + 1, live_sent=sent):
            return True


def _continue(message: LiveMessage, sent: dict[str, list[int]]) -> dict[str, list[int]]:
    """Corrects the counts of `message` to what came since `sent`; answers what is published with it."""
    now: dict[str, list[int]] = {}
    for part in message["scenarios"]:
        before = [*sent.get(part["tag"], ()), *[0] * len(COUNTS)]  # of an older version: the first ones only
        now[part["tag"]] = _since(part, before)
    for names in COUNTS:
        for name in names:
            message[name] = sum(part[name] for part in message["scenarios"])  # type: ignore[literal-required]
    return now


def _since(part: ScenarioNumbers, before: list[int]) -> list[int]:
    now = []
    for (name, total), sent in zip(COUNTS, before, strict=False):
        whole = max(part[total], sent)  # type: ignore[literal-required]
        part[total], part[name] = whole, whole - sent  # type: ignore[literal-required]
        now.append(whole)
    return now


def _message(run: TestHistory, feed: _Feed, second: Second) -> LiveMessage:
    if feed.watch is not None:
        feed.watch.add(second)
    for tag, cell in second.cells.items():
        feed.so_far.setdefault(tag, Cell()).add(cell)
    return second_message(run.pk, run.status, second, feed.so_far, feed.labels)


def _feed(run: TestHistory) -> _Feed:
    with _feeds_lock:
        feed = _feeds.get(run.pk)
        if feed is not None:
            _feeds.move_to_end(run.pk)
        else:
            rows = run.scenarios.values_list("scenario_tag", "name", "request_name")
            labels = {tag: (name, request) for tag, name, request in rows}
            watch = abort.watch(run.plan_snapshot, Asked(run.plan_snapshot).full)
            feed = _feeds[run.pk] = _Feed(labels=labels, project=run.project.title, watch=watch)
            while len(_feeds) > _KEPT:
                _feeds.popitem(last=False)
        return feed


def _readers(run: TestHistory) -> tuple[int, ...]:
    people = set(run.project.memberships.values_list("user_id", flat=True))
    if run.project.owner_id:
        people.add(run.project.owner_id)
    return tuple(sorted(people))
