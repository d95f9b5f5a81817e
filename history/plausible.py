"""What a run's pushes may say of it: only what is its own, and of its time.

The bounds keep a push from making a run endless or huge: seconds are counted from the first moment on, and every
series, load generator and scenario is kept for as long as the run lasts.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from history.metrics.remote_write import BadPush, CounterKey, RequestKey, Snapshot
from history.models import TestHistory

SKEW = 26 * 3600.0  # seconds that the clock of a load generator may be off, so that even a time zone too many is taken
MAX_SERIES = 20_000  # of a run
MAX_GENERATORS = 1000
_MARGIN = 3600.0  # seconds that a run may take longer than it may
_INSTANCE = re.compile(r"[\w.-]{1,64}")
_NUMBER = re.compile(r"\d{1,9}")
_RUNS = 100  # that a process remembers


@dataclass
class _Known:
    """What this process has seen of a run."""

    names: frozenset[tuple[str, str]]  # of its requests, by the tag of their scenario
    generators: int
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
    _check_names(known.names, snapshot.requests, map(CounterKey.of, counters))
    if not _INSTANCE.fullmatch(snapshot.instance):
        raise BadPush("The push is of a load generator that has no such name.")
    with _lock:
        if len(known.series.union(snapshot.requests, counters)) > MAX_SERIES:
            raise BadPush(f"The run has more than {MAX_SERIES} series.")
        if len(known.instances | {snapshot.instance}) > known.generators:
            raise BadPush(f"The run has {known.generators} load generators; this would be one more.")
        known.series.update(snapshot.requests, counters)
        known.instances.add(snapshot.instance)


def _check_names(
    names: frozenset[tuple[str, str]], requests: Iterable[RequestKey], counters: Iterable[CounterKey]
) -> None:
    tags = {tag for tag, _name in names} | {""}
    for key in requests:
        numbers = (key.status, key.error_code, key.step, key.stage)
        if any(number and not _NUMBER.fullmatch(number) for number in numbers):
            raise BadPush("The push has a request whose labels cannot be.")
        # Our script tags with nothing else; `rest` would be a label whose name is none that we know.
        if names and (key.rest or (key.scenario, key.name) not in names):
            raise BadPush("The push has a request that the run does not send.")
    for counter in counters:
        if any(number and not _NUMBER.fullmatch(number) for number in (counter.step, counter.stage)):
            raise BadPush("The push has a counter whose labels cannot be.")
        if names and counter.scenario not in tags:
            raise BadPush("The push has a scenario that the run does not have.")


def names_of(plan: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """Tag and name of all requests of a plan as a run keeps it; none where it does not say."""
    found = set()
    for scenario in plan.get("scenarios", ()):
        steps = scenario.get("steps") or [scenario]  # as older versions kept it: one request
        found |= {(str(scenario["tag"]), str(step["request"]["name"])) for step in steps}
    return frozenset(found)


def _of(run: TestHistory, snapshot: Snapshot) -> _Known:
    with _lock:
        known = _known.get(run.pk)
        if known is not None:
            _known.move_to_end(run.pk)
            return known
    plan = TestHistory.objects.filter(pk=run.pk).values_list("plan_snapshot", flat=True).first() or {}
    generators = int(plan.get("generators", 1)) if plan else MAX_GENERATORS
    with _lock:
        known = _known.setdefault(run.pk, _Known(names_of(plan), generators, snapshot.moment))
        while len(_known) > _RUNS:
            _known.popitem(last=False)
    return known
