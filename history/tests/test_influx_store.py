"""What InfluxDB alone can do to us, with the real server: late arrivals, death, dropped databases, refusals."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from influxdb import InfluxDBClient
from pytest_django.fixtures import Settings

from history.ingest import ingest
from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import MetricStore, StoreError, open_store
from history.metrics.stores import influx as module
from history.metrics.stores.influx import InfluxOptions, InfluxStore
from history.states import Status
from history.tests.recorded_history import recorded_rows
from tests.recorded import of_run, recorded_run
from tests.servers import influxdb_server, running

pytestmark = pytest.mark.needs("influxd")
START = time.time_ns() // 1000
SNAPSHOTS = [one for body in recorded_run().pushes if (one := decode(body))]


@pytest.fixture
def client(influx_options: dict[str, Any]) -> InfluxDBClient:
    """Straight to the server."""
    return InfluxDBClient(influx_options["host"], influx_options["port"], None, None, influx_options["database"])


def policies(client: InfluxDBClient) -> dict[str, str]:
    return {one["name"]: one["duration"] for one in client.get_list_retention_policies()}


def at_places(
    monkeypatch: pytest.MonkeyPatch, store: MetricStore, snapshots: list[Snapshot], *microseconds: int
) -> None:
    """Writes each snapshot at its place, in this order of arrival."""
    for snapshot, at in zip(snapshots, microseconds, strict=True):
        monkeypatch.setattr(module._clock, "take", lambda at=at: START + at)
        store.write(1, [snapshot])


def read(store: MetricStore, since: int = 0) -> tuple[list[Snapshot], int]:
    pairs = list(store.read(1, since))
    return [snapshot for _cursor, snapshot in pairs], max([since, *(cursor for cursor, _snapshot in pairs)])


def test_a_snapshot_that_arrives_behind_the_cursor_is_read(
    monkeypatch: pytest.MonkeyPatch, influx: MetricStore
) -> None:
    at_places(monkeypatch, influx, SNAPSHOTS[:2], 10, 20)
    found, cursor = read(influx)
    assert found == SNAPSHOTS[:2]
    at_places(monkeypatch, influx, SNAPSHOTS[2:5], 15, 12, 30)
    found = []
    while (more := read(influx, cursor))[0]:
        found += more[0]
        cursor = more[1]
    assert sorted(one.moment for one in found) == [one.moment for one in SNAPSHOTS[2:5]]


def test_writers_in_many_threads_lose_nothing(influx: MetricStore) -> None:
    def write(number: int) -> None:
        for snapshot in SNAPSHOTS:
            influx.write(1, [snapshot])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(influx)[0]) == 8 * len(SNAPSHOTS)


def test_a_clock_that_jumps_back_overwrites_nothing(monkeypatch: pytest.MonkeyPatch, influx: MetricStore) -> None:
    influx.write(1, SNAPSHOTS[:3])
    _found, cursor = read(influx)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3600 * 10**9)
    influx.write(1, SNAPSHOTS[3:6])
    assert read(influx, cursor)[0] == SNAPSHOTS[3:6]
    assert read(influx)[0] == SNAPSHOTS[:6]


def test_two_processes_that_take_the_same_moment_serve_two_generators() -> None:
    assert len({module._generator(str(number)) for number in range(1, 1001)}) == 1000


def test_the_database_and_its_policies_are_made_on_first_use(client: InfluxDBClient, influx: MetricStore) -> None:
    influx.write(1, SNAPSHOTS[:1])
    assert policies(client)["metricvault_snapshots"] == "336h0m0s"
    assert policies(client)["metricvault_results"] == "0s"


def test_a_dropped_database_is_made_again(client: InfluxDBClient, influx: MetricStore) -> None:
    influx.write(1, SNAPSHOTS[:1])
    client.drop_database(client._database)
    assert read(influx)[0] == []
    client.drop_retention_policy("metricvault_snapshots")
    influx.write(1, SNAPSHOTS[:2])
    assert read(influx)[0] == SNAPSHOTS[:2]


def test_policies_take_the_length_that_the_settings_say(client: InfluxDBClient, influx_options: dict[str, Any]) -> None:
    for snapshot_days, second_days, expected in ((14, 30, ("336h0m0s", "720h0m0s")), (2, 0, ("48h0m0s", "0s"))):
        days = {"snapshot_days": snapshot_days, "second_days": second_days}
        store = InfluxStore(InfluxOptions(**{**influx_options, **days}))
        store.prepare()
        store.close()
        found = policies(client)
        assert (found["metricvault_snapshots"], found["metricvault_results"]) == expected


def test_a_snapshot_is_one_point_in_one_series_a_run(client: InfluxDBClient, influx: MetricStore) -> None:
    for run in (1, 2):
        influx.write(run, SNAPSHOTS)
    assert list(client.query("SHOW TAG KEYS").get_points()) == [{"tagKey": "run"}]
    assert client.query("SHOW SERIES CARDINALITY").raw["series"][0]["values"] == [[2]]


def test_a_dead_server_is_a_store_error_and_not_for_ever(tmp_path: Path, influx_options: dict[str, Any]) -> None:
    server = influxdb_server(tmp_path)
    store = InfluxStore(InfluxOptions(**{**influx_options, "port": server.port}))
    for call in (
        lambda: store.write(1, SNAPSHOTS[:1]),
        lambda: list(store.read(1)),
        lambda: store.delete(1),
        store.check,
    ):
        with pytest.raises(StoreError, match="cannot be reached") as told:
            call()
        assert not told.value.permanent
    with running(server):
        store.write(1, SNAPSHOTS[:1])
        server.kill()
        with pytest.raises(StoreError):
            store.write(1, SNAPSHOTS[1:2])
        server.start()
        store.write(1, SNAPSHOTS[2:3])
        assert read(store)[0] == [SNAPSHOTS[0], SNAPSHOTS[2]]
    store.close()


def test_a_server_that_says_nothing_is_not_waited_for(influx_options: dict[str, Any]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = {"port": silent.getsockname()[1], "answer": 0.2}
        store = InfluxStore(InfluxOptions(**{**influx_options, **place}))
        with pytest.raises(StoreError, match="in time"):
            store.write(1, SNAPSHOTS[:1])
        store.close()


def test_a_wrong_password_is_permanent_and_not_told(tmp_path: Path, influx_options: dict[str, Any]) -> None:
    with running(server := influxdb_server(tmp_path, auth=True)):
        owner = InfluxDBClient("127.0.0.1", server.port, None, None)
        owner.create_user("owner", "right", admin=True)
        owner.close()
        place = {**influx_options, "port": server.port, "user": "owner"}
        refused = InfluxStore(_options(place, "wrong-word"))
        with pytest.raises(StoreError) as told:
            refused.write(1, SNAPSHOTS[:1])
        assert told.value.permanent
        assert "wrong-word" not in str(told.value)
        admitted = InfluxStore(_options(place, "right"))
        admitted.write(1, SNAPSHOTS[:1])
        assert read(admitted)[0] == SNAPSHOTS[:1]
        refused.close()
        admitted.close()


def test_a_server_without_users_that_wants_logins_gets_ours_and_nobody_else_comes_in(
    tmp_path: Path, influx_options: dict[str, Any]
) -> None:
    with running(server := influxdb_server(tmp_path, auth=True)):
        place = {**influx_options, "port": server.port, "user": "metricvault"}
        first = InfluxStore(_options(place, "it's \\ ours"))
        first.prepare()
        first.write(1, SNAPSHOTS[:1])
        assert read(first)[0] == SNAPSHOTS[:1]
        stranger = InfluxStore(_options({**place, "user": "another"}, "word"))
        with pytest.raises(StoreError, match="authorization failed"):
            stranger.prepare()
        first.close()
        stranger.close()


def _options(place: dict[str, Any], password: str) -> InfluxOptions:
    return InfluxOptions(**{**place, "password": password})


def test_who_may_not_make_policies_may_use_them(tmp_path: Path, influx_options: dict[str, Any]) -> None:
    with running(server := influxdb_server(tmp_path, auth=True)):
        owner = InfluxDBClient("127.0.0.1", server.port, None, None)
        owner.create_user("owner", "right", admin=True)
        place = {**influx_options, "port": server.port, "user": "owner"}
        prepared = InfluxStore(_options(place, "right"))
        prepared.prepare()
        prepared.close()
        owner.switch_user("owner", "right")
        owner.create_user("guest", "word")
        owner.grant_privilege("all", influx_options["database"], "guest")
        owner.close()
        guest = InfluxStore(_options({**place, "user": "guest", "second_days": 3}, "word"))
        guest.write(1, SNAPSHOTS[:1])
        assert read(guest)[0] == SNAPSHOTS[:1]
        guest.close()


def test_a_push_that_was_not_kept_is_answered_503_and_the_next_one_makes_it_good(
    alice: User, tmp_path: Path, settings: Settings, influx_options: dict[str, Any]
) -> None:
    server = influxdb_server(tmp_path)
    settings.METRICVAULT_METRICS_STORE = "influxdb"
    settings.INFLUXDB = {**influx_options, "port": server.port}
    run = recorded_rows_unwritten(alice)

    def push(body: bytes) -> int:
        headers = {"Authorization": f"Bearer {run.ingest_token}"}
        request = RequestFactory().post(
            "/", of_run(body, run.pk), content_type="application/x-protobuf", headers=headers
        )
        return ingest(request, run.pk).status_code

    assert push(recorded_run().pushes[0]) == 503
    with running(server):
        assert push(recorded_run().pushes[1]) == 204
        assert len(list(open_store().read(run.pk))) == 1


def recorded_rows_unwritten(alice: User) -> Any:
    from history.replay import create_run
    from projects.models import Project

    return create_run(recorded_run().plan, Project.objects.create(title="Shop", owner=alice), Status.RUNNING)


def test_prepare_store_waits_for_the_server(
    tmp_path: Path, settings: Settings, influx_options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    server = influxdb_server(tmp_path)
    settings.METRICVAULT_METRICS_STORE = "influxdb"
    settings.INFLUXDB = {**influx_options, "port": server.port}
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("prepare_store")
    coming = threading.Timer(0.2, server.start)
    coming.start()
    try:
        call_command("prepare_store", wait=20)
    finally:
        coming.join()
        server.end()
    assert "ready" in capsys.readouterr().out


def test_deleting_a_run_takes_it_out_of_influxdb(
    alice: User, influx: MetricStore, django_capture_on_commit_callbacks: Any
) -> None:
    run = recorded_rows(alice, Status.RUNNING)
    number = run.pk
    with django_capture_on_commit_callbacks(execute=True):
        run.delete()
    assert list(influx.read(number)) == []
