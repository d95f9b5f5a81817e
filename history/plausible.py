"""What a run's pushes may say of it: only what is its own, and of its time.

The bounds keep a push from making a run endless or huge: seconds are counted from the first moment on, and every
series, load generator and scenario is kept for as long as the run lasts.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from django.conf import settings

from history.metrics.remote_write import BadPush, CounterKey, RequestKey, Snapshot
from history.models import TestHistory

SKEW = 26 * 3600.0  # seconds that the clock of a load generator may be off, so that even a time zone too many is taken
MAX_SERIES = 20_000  # of a run
MAX_GENERATORS = 1000
_MARGIN = 3600.0  # seconds that a run may take longer than it may
_RUNS = 100  # that a process remembers


@dataclass
class _Known:
    """What this process has seen of a run."""

    tags: frozenset[str]
    first: float
    instances: set[str] = field(default_factory=set)
    series: set[RequestKey | str] = field(default_factory=set)


_known: "OrderedDict[int, _Known]" = OrderedDict()
_lock = threading.Lock()


def check(run: TestHistory, snapshot: Snapshot, now: float) -> None:
    """Raises `BadPush` where `snapshot` cannot be one of `run`, at `now` (seconds since the epoch)."""
    if snapshot.run not in {"", str(run.pk)}:
        raise BadPush("The push is of another run.")
    longest = settings.SCHEDULER_JOB_TIMEOUT_HOURS * 3600 + _MARGIN
    if abs(snapshot.moment - now) > SKEW:
        raise BadPush("The push is from another day.")
    if snapshot.started and abs(snapshot.moment - snapshot.started) > longest:
        raise BadPush("The push is of a load that began at another time.")
    known = _of(run, snapshot)
    if abs(snapshot.moment - known.first) > longest:
        raise BadPush("The push is from another time than those before it.")
    counters = snapshot.counters or {}
    tags = {key.scenario for key in snapshot.requests} | {CounterKey.of(text).scenario for text in counters}
    if known.tags and not tags <= known.tags:
        raise BadPush("The push has a scenario that the run does not have.")
    with _lock:
        if len(known.series.union(snapshot.requests, counters)) > MAX_SERIES:
            raise BadPush(f"The run has more than {MAX_SERIES} series.")
        if len(known.instances | {snapshot.instance}) > MAX_GENERATORS:
            raise BadPush(f"The run has more than {MAX_GENERATORS} load generators.")
        known.series.update(snapshot.requests, counters)
        known.instances.add(snapshot.instance)


def _of(run: TestHistory, snapshot: Snapshot) -> _Known:
    with _lock:
        known = _known.get(run.pk)
        if known is not None:
            _known.move_to_end(run.pk)
            return known
    tags = frozenset(run.scenarios.values_list("scenario_tag", flat=True))
    with _lock:
        known = _known.setdefault(run.pk, _Known(tags and tags | {""}, snapshot.moment))
        while len(_known) > _RUNS:
            _known.popitem(last=False)
    return known
