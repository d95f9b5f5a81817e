"""Turns what the store holds into live messages, one a second and run, whichever process is asked.

Each process keeps the timelines of the runs it serves and reads from the store only what is new. Who publishes a
second is decided by a conditional UPDATE of `TestHistory.live_second`, so that several web processes send each
second once.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from history.live.events import LiveMessage, second_message, status_message
from history.live.eventstream import publish
from history.metrics.stores import open_store
from history.metrics.timeline import Cell, Second, Timeline
from history.models import TestHistory

_KEPT = 50  # runs a process remembers


@dataclass
class _Feed:
    """One run as this process has read it so far."""

    timeline: Timeline = field(default_factory=Timeline)
    cursor: int = 0
    so_far: dict[str, Cell] = field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    readers: tuple[int, ...] = ()
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
    message = status_message(run.pk, run.status, run.total_requests or 0, run.failed_requests or 0)
    publish(message, _readers(run))


def _publish(run: TestHistory, now: float | None) -> int:
    feed = _feed(run)
    with feed.lock:
        for cursor, snapshot in open_store().read(run.pk, feed.cursor):
            feed.timeline.feed(snapshot)
            feed.cursor = max(feed.cursor, cursor)
        timeline = feed.timeline
        until = timeline.seconds_seen if now is None else timeline.complete_until(now)
        ready = [(second, _message(run, feed, second)) for second in timeline.take(until)]
    return sum(_claim_and_send(run, second, message, feed.readers) for second, message in ready)


def _claim_and_send(run: TestHistory, second: Second, message: LiveMessage, readers: tuple[int, ...]) -> int:
    claimed = TestHistory.objects.filter(pk=run.pk, live_second=second.t).update(live_second=second.t + 1)
    if claimed:
        publish(message, readers)
    return claimed


def _message(run: TestHistory, feed: _Feed, second: Second) -> LiveMessage:
    for tag, cell in second.cells.items():
        feed.so_far.setdefault(tag, Cell()).add(cell)
    return second_message(run.pk, run.status, second, feed.so_far, feed.labels)


def _feed(run: TestHistory) -> _Feed:
    with _feeds_lock:
        feed = _feeds.get(run.pk)
        if feed is None:
            rows = run.scenarios.values_list("scenario_tag", "name", "request_name")
            labels = {tag: (name, request) for tag, name, request in rows}
            feed = _feeds[run.pk] = _Feed(labels=labels, readers=_readers(run))
            while len(_feeds) > _KEPT:
                _feeds.popitem(last=False)
        return feed


def _readers(run: TestHistory) -> tuple[int, ...]:
    people = set(run.project.memberships.values_list("user_id", flat=True))
    if run.project.owner_id:
        people.add(run.project.owner_id)
    return tuple(sorted(people))
