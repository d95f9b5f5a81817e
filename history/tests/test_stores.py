"""What every metric store does, whichever the settings name."""

import random
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from history.metrics.native_histogram import Histogram
from history.metrics.remote_write import RequestKey, Snapshot, decode
from history.metrics.stores import MetricStore, StoreError, open_store
from history.models import Measured, ScenarioHistory, StageHistory, TestHistory
from history.recording import record
from history.states import Status
from history.tests.recorded_history import recorded_rows
from history.timeseries import timeseries
from tests.recorded import recorded_run


@pytest.fixture
def run(alice: User, store: MetricStore) -> TestHistory:
    return recorded_rows(alice, Status.RUNNING, pushes=0)


def recorded() -> list[Snapshot]:
    return [one for body in recorded_run().pushes if (one := decode(body))]


def snapshots(store: MetricStore, run: TestHistory) -> list[Snapshot]:
    return [snapshot for _cursor, snapshot in store.read(run.pk)]


class Reader:
    """Somebody who reads on and on, as the live pages do."""

    def __init__(self, store: MetricStore, run: TestHistory) -> None:
        self.store, self.run, self.cursor = store, run, 0

    def new(self) -> list[Snapshot]:
        found = []
        for cursor, snapshot in self.store.read(self.run.pk, self.cursor):
            self.cursor = max(self.cursor, cursor)
            found.append(snapshot)
        return found


def test_what_was_written_comes_back_whole(store: MetricStore, run: TestHistory) -> None:
    store.write(run.pk, recorded())
    assert snapshots(store, run) == recorded()


def test_nothing_written_is_nothing_read(store: MetricStore, run: TestHistory) -> None:
    store.write(run.pk, [])
    assert snapshots(store, run) == []
    assert list(store.read(run.pk, 5)) == []


def test_numbers_come_back_to_the_last_digit(store: MetricStore, run: TestHistory) -> None:
    source = random.Random(7)
    for _ in range(50):
        moment = source.uniform(1.7e9, 1.8e9)
        histogram = Histogram(3.0, source.random() * 1e6, 0.0, {source.randrange(-80, 40): source.randrange(2**40)})
        key = RequestKey("s01", "GET /a", "200", "", True)
        counters = {"data_sent:s01": source.random() * 10**15}
        sent = Snapshot("1", moment, {key: histogram}, source.random(), moment / 3, counters, True)
        store.write(run.pk, [sent])
        assert snapshots(store, run) == [sent]
        store.delete(run.pk)


def test_it_reads_by_moment_whatever_order_they_came_in(store: MetricStore, run: TestHistory) -> None:
    shuffled = recorded()
    random.Random(3).shuffle(shuffled)
    for snapshot in shuffled:
        store.write(run.pk, [snapshot])
    assert snapshots(store, run) == recorded()


def test_it_reads_on_in_the_order_of_arrival(store: MetricStore, run: TestHistory) -> None:
    reader = Reader(store, run)
    newest_first = recorded()[::-1]
    for snapshot in newest_first:
        store.write(run.pk, [snapshot])
        assert reader.new() == [snapshot]
    assert reader.new() == []
    store.write(run.pk, recorded()[:3])
    assert reader.new() == recorded()[:3]
    assert reader.new() == []


def test_a_push_that_comes_twice_is_kept_twice_and_counts_once(store: MetricStore, run: TestHistory) -> None:
    store.write(run.pk, [*recorded(), *recorded()[2:5]])
    assert len(snapshots(store, run)) == len(recorded()) + 3
    record(run, recorded_run().summaries)
    assert sum(run.timelines.get(scenario=None).columns["requests"]) == recorded_run().exact["requests"]


def test_no_snapshot_takes_the_place_of_another(store: MetricStore, run: TestHistory) -> None:
    first = recorded()[0]
    same_moment = [replace(first, instance=str(number)) for number in range(300)]
    store.write(run.pk, same_moment)
    assert {one.instance for one in snapshots(store, run)} == {str(number) for number in range(300)}


def test_long_runs_are_read_to_the_end(store: MetricStore, run: TestHistory) -> None:
    first = recorded()[0]
    many = [replace(first, moment=first.moment + number) for number in range(1001)]
    late, rest = many[5], many[:5] + many[6:]
    store.write(run.pk, [*rest, late])
    assert [one.moment for one in snapshots(store, run)] == [one.moment for one in many]
    reader = Reader(store, run)
    assert len(reader.new()) == 1001
    store.write(run.pk, many[:401])
    assert reader.new() == many[:401]


def test_names_in_any_script_and_large_pushes_come_back(store: MetricStore, run: TestHistory) -> None:
    source = random.Random(5)
    keys = [RequestKey(f"s{n}", f"GET /주문/{{번호}}/☕\"'\\,= {n}", "200", "", True, "a=ü\n") for n in range(3000)]
    histograms = (Histogram(9.0, source.random(), 0.0, {at: source.randrange(10**6) for at in range(5)}) for _ in keys)
    large = Snapshot("pod-한", 1.7e9, dict(zip(keys, histograms, strict=True)))
    store.write(run.pk, [large])
    assert snapshots(store, run) == [large]


def test_deleting_forgets_one_run_and_no_other(store: MetricStore, run: TestHistory, bob: User) -> None:
    other = recorded_rows(bob, Status.RUNNING)
    store.write(run.pk, recorded())
    store.delete(run.pk)
    store.delete(run.pk)
    assert snapshots(store, run) == []
    assert snapshots(store, other) == recorded()
    store.write(run.pk, recorded()[:2])
    assert snapshots(store, run) == recorded()[:2]


def test_it_says_that_it_is_well_and_may_be_prepared_again(store: MetricStore) -> None:
    store.prepare()
    store.prepare()
    store.check()


def numbers(run: TestHistory) -> list[object]:
    """Every measured column of a run, its scenarios and stages, and its seconds."""
    names = [column.name for column in Measured._meta.fields]
    run.refresh_from_db()
    series = timeseries(run)
    return [
        TestHistory.objects.filter(pk=run.pk).values_list(*names, "max_vus", "min_vus", "avg_vus", "tested_at").get(),
        list(ScenarioHistory.objects.filter(test_history=run).values_list(*names)),
        list(StageHistory.objects.filter(scenario__test_history=run).values_list(*names)),
        {
            name: series[name]
            for name in ("t", "requests", "failures", "tps", "error_rate", "avg", "p50", "p95", "p99", "vus")
        },
        [{**one, "tag": ""} for one in series["scenarios"]],
    ]


@pytest.mark.needs("influxd")
@pytest.mark.parametrize("with_summary", [True, False])
def test_both_stores_record_the_same_numbers_to_the_last_digit(
    alice: User, settings: Settings, influx_options: dict[str, object], with_summary: bool
) -> None:
    source = random.Random(11)
    arrivals = [*recorded(), *recorded()[3:6]]
    source.shuffle(arrivals)
    found = []
    settings.INFLUXDB = influx_options
    for name in ("database", "influxdb"):
        settings.METRICVAULT_METRICS_STORE = name
        run = recorded_rows(alice, Status.COLLECTING, pushes=0)
        for snapshot in arrivals:
            open_store().write(run.pk, [snapshot])
        record(run, recorded_run().summaries if with_summary else [])
        TestHistory.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
        found.append(numbers(run))
    assert found[0] == found[1]
    assert found[0][0][names_at("total_requests")] == recorded_run().exact["requests"]


def names_at(name: str) -> int:
    return [column.name for column in Measured._meta.fields].index(name)


def test_a_store_error_says_whether_trying_again_helps() -> None:
    assert not StoreError("away").permanent
    assert StoreError("refused", permanent=True).permanent
