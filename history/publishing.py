"""Shows the numbers of runs to other programs (Grafana), where the store stands outside the product.

What is shown is a copy: the result itself is in the product's database, and a copy that could not be made never stops
a run. `manage.py publish_runs` makes it again.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from history.metrics.stores import Published, StoreError, Strand, open_store
from history.models import Iterated, TestHistory
from history.tracks import COLUMNS

if TYPE_CHECKING:
    from history.live.events import LiveMessage

logger = logging.getLogger(__name__)
_LIVE = tuple(name for name in COLUMNS if name not in {"t", "vus"})
_USERS = ("max_vus", "min_vus", "avg_vus")


def show_seconds(run: TestHistory, project: str, origin: float, messages: Sequence["LiveMessage"]) -> None:
    """Live seconds of a run that began at `origin` (seconds since the epoch). Never raises."""
    store = open_store()
    if not store.outside or not messages:
        return
    strands = [strand for message in messages for strand in _strands(message)]
    try:
        store.publish(Published(run.pk, project, run.title, origin, tuple(strands)))
    except StoreError as error:
        logger.warning("run %s: second %s is not shown outside: %s", run.pk, messages[-1]["t"], error)


def _strands(message: "LiveMessage") -> Iterator[Strand]:
    yield Strand("", "", "", _columns(message, message["t"], "vus"))
    for one in message["scenarios"]:
        yield Strand(one["tag"], one["name"], one["endpoint"], _columns(one, message["t"]))


def _columns(found: Mapping[str, Any], t: int | None, *more: str) -> dict[str, list[Any]]:
    return {"t": [t], **{name: [found[name]] for name in (*_LIVE, *more)}}


def show_result(run: TestHistory) -> bool:
    """Everything that is recorded of `run` instead of what was shown before; False where that could not be done."""
    store = open_store()
    if not store.outside:
        return True
    timelines = {row.scenario_id: row.columns for row in run.timelines.all()}
    strands = [Strand("", "", "", timelines.get(None, {"t": []}))]
    for scenario in run.scenarios.all():
        columns = timelines.get(scenario.pk, {"t": []})
        strands.append(Strand(scenario.scenario_tag, scenario.name, scenario.request_name, columns))
    try:
        store.unpublish(run.pk)
        store.publish(_published(run, tuple(strands), {**_numbers(run), **_verdict(run)}))
    except StoreError:
        logger.exception("run %s is not shown outside; `manage.py publish_runs %s` does it later", run.pk, run.pk)
        return False
    return True


def show_verdict(run: TestHistory) -> None:
    """How a recorded run ended, beside its numbers. Never raises."""
    store = open_store()
    if not store.outside:
        return
    try:
        store.publish(_published(run, (), _verdict(run)))
    except StoreError:
        logger.exception("run %s: its end is not shown outside; `manage.py publish_runs %s` does it", run.pk, run.pk)


def forget(run_id: int) -> None:
    """Takes a deleted run out of a store that stands outside. Never raises: what stays ends with its retention."""
    store = open_store()
    try:
        store.delete(run_id)
        store.unpublish(run_id)
    except StoreError as error:
        logger.warning("run %s was deleted, but is still in the metric store: %s", run_id, error)


def _published(run: TestHistory, strands: tuple[Strand, ...], summary: dict[str, Any]) -> Published:
    return Published(run.pk, run.project.title, run.title, run.tested_at.timestamp(), strands, summary)


def _numbers(run: TestHistory) -> dict[str, float | None]:
    columns = (*(column.name for column in Iterated._meta.fields), *_USERS)
    return {name: getattr(run, name) for name in columns}


def _verdict(run: TestHistory) -> dict[str, str]:
    return {"status": run.status, "outcome": run.outcome} if run.is_finished else {}
