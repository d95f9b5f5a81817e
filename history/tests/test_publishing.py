"""What Grafana finds in InfluxDB is what the product says, and the shipped dashboard asks for it rightly."""

import json
import re
import time
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from influxdb import InfluxDBClient

from history import live
from history.ingest import ingest
from history.metrics.remote_write import decode
from history.metrics.stores import MetricStore, Published, StoreError, Strand, open_store
from history.metrics.stores.influx_lines import result_lines
from history.models import TestHistory
from history.publishing import show_result, show_verdict
from history.recording import record
from history.replay import create_run
from history.states import Outcome, Status, move
from history.timeseries import timeseries
from projects.models import Project
from tests.recorded import of_run, recorded_run

DASHBOARD = django_settings.BASE_DIR / "deploy" / "grafana" / "metricvault.json"
SNAPSHOTS = [one for body in recorded_run().pushes if (one := decode(body))]


def answers(client: InfluxDBClient, query: str) -> list[dict[str, Any]]:
    """Rows with their tags."""
    found = client.query(query, epoch="ms").raw.get("series", [])
    return [
        {**one.get("tags", {}), **dict(zip(one["columns"], row, strict=True))} for one in found for row in one["values"]
    ]


@pytest.fixture
def client(influx_options: dict[str, Any]) -> InfluxDBClient:
    return InfluxDBClient(influx_options["host"], influx_options["port"], None, None, influx_options["database"])


@pytest.fixture
def run(alice: User, influx: MetricStore) -> TestHistory:
    """The recorded run, in a project with a name that needs escaping."""
    project = Project.objects.create(title="주문, shop = a/b \\", owner=alice)
    run = create_run(recorded_run().plan, project, Status.COLLECTING)
    influx.write(run.pk, SNAPSHOTS)
    return run


def end(run: TestHistory) -> None:
    recorded = record(run, recorded_run().summaries)
    move(run, Status.COMPLETED, outcome=recorded.outcome)
    show_verdict(run)


@pytest.mark.needs("influxd")
def test_the_seconds_shown_are_the_recorded_ones(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    whole = answers(client, 'SELECT * FROM "metricvault_results"."metricvault_run_second"')
    known = timeseries(run)
    assert [row["requests"] for row in whole] == known["requests"]
    assert [row["p95"] for row in whole] == known["p95"]
    assert [row["vus"] for row in whole] == known["vus"]
    origin = round(run.tested_at.timestamp() * 1000)
    assert [row["time"] for row in whole] == [origin + 1000 * t for t in known["t"]]
    assert {(row["run"], row["title"], row["project"]) for row in whole} == {
        (str(run.pk), run.title, "주문, shop = a/b /")
    }


@pytest.mark.needs("influxd")
def test_each_scenario_has_its_seconds(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    for one in timeseries(run)["scenarios"]:
        query = f'SELECT * FROM "metricvault_results"."metricvault_second" WHERE "scenario" = \'{one["tag"]}\''
        rows = answers(client, query)
        assert [row["requests"] for row in rows] == one["requests"]
        assert [row["failures"] for row in rows] == one["failures"]
        assert [row.get("p99") for row in rows] == one["p99"]
        assert {(row["name"], row["endpoint"]) for row in rows} == {(one["name"], one["endpoint"])}


@pytest.mark.needs("influxd")
def test_the_summary_is_one_point_a_run(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    (point,) = answers(client, 'SELECT * FROM "metricvault_results"."metricvault_run"')
    assert point["total_requests"] == recorded_run().exact["requests"]
    assert point["p95_response_time"] == run.p95_response_time
    assert (point["status"], point["outcome"]) == ("completed", run.outcome)


@pytest.mark.needs("influxd")
def test_showing_a_result_again_leaves_nothing_double(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    query = 'SELECT * FROM "metricvault_results"."metricvault_second"'
    before = answers(client, query)
    stale = Strand("s02", "주문", "POST /orders", {"t": [0, 1], "requests": [7, 7]})
    open_store().publish(Published(run.pk, run.project.title, run.title, run.tested_at.timestamp() + 0.4, (stale,)))
    assert len(answers(client, query)) == len(before) + 2
    assert show_result(run)
    assert answers(client, query) == before


@pytest.mark.needs("influxd")
def test_cardinality_is_a_series_a_scenario_and_three_a_run(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    (series,) = client.query("SHOW SERIES CARDINALITY").raw["series"]
    assert series["values"] == [[3 + run.scenarios.count()]]


@pytest.mark.needs("influxd")
def test_live_seconds_are_shown_while_the_run_lasts(
    alice: User, influx: MetricStore, client: InfluxDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.feed, "publish", lambda message, readers: None)
    run = create_run(recorded_run().plan, Project.objects.create(title="Shop", owner=alice), Status.RUNNING)
    for body in recorded_run().pushes:
        snapshot = decode(body)
        assert snapshot
        monkeypatch.setattr(time, "time", lambda at=snapshot.moment: at + 0.01)
        headers = {"Authorization": f"Bearer {run.ingest_token}"}
        request = RequestFactory().post(
            "/", of_run(body, run.pk), content_type="application/x-protobuf", headers=headers
        )
        assert ingest(request, run.pk).status_code == 204
    run.refresh_from_db()
    shown = answers(client, 'SELECT * FROM "metricvault_results"."metricvault_run_second"')
    assert len(shown) == run.live_second > 5
    record(run, recorded_run().summaries)
    final = answers(client, 'SELECT * FROM "metricvault_results"."metricvault_run_second"')
    assert final[: len(shown)] == shown


@pytest.mark.needs("influxd")
def test_deleted_runs_are_not_shown(
    run: TestHistory, client: InfluxDBClient, django_capture_on_commit_callbacks: Any
) -> None:
    end(run)
    with django_capture_on_commit_callbacks(execute=True):
        run.project.delete()
    for measurement in ("metricvault_second", "metricvault_run_second", "metricvault_run"):
        assert answers(client, f'SELECT * FROM "metricvault_results"."{measurement}"') == []


@pytest.mark.needs("influxd")
def test_publish_runs_shows_what_was_recorded_before_there_was_influxdb(
    run: TestHistory, client: InfluxDBClient, capsys: pytest.CaptureFixture[str]
) -> None:
    end(run)
    client.drop_database(client._database)
    call_command("publish_runs")
    assert "1 runs are shown" in capsys.readouterr().out
    assert len(answers(client, 'SELECT * FROM "metricvault_results"."metricvault_run"')) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("database_store")
def test_publish_runs_needs_influxdb() -> None:
    with pytest.raises(CommandError, match="influxdb"):
        call_command("publish_runs")


@pytest.mark.needs("influxd")
def test_a_run_is_recorded_though_it_cannot_be_shown(run: TestHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, shown: Published) -> None:
        raise StoreError("away")

    monkeypatch.setattr("history.metrics.stores.influx.InfluxStore.publish", refuse)
    assert record(run, recorded_run().summaries).outcome in Outcome.values
    run.refresh_from_db()
    assert run.total_requests == recorded_run().exact["requests"]


def dashboard_queries(run: TestHistory) -> list[tuple[str, str]]:
    """(what it is for, query) of the shipped dashboard, its variables filled in as Grafana does."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [(one["name"], one["query"]) for one in dashboard["templating"]["list"] if one["type"] == "query"]
    asked += [
        (f"{one['title']} {target['refId']}", target["query"])
        for one in dashboard["panels"]
        for target in one["targets"]
    ]
    begin = int(run.tested_at.timestamp()) - 1
    values = {
        "$project": re.escape("주문, shop = a/b /").replace("/", "\\/"),
        "$run": str(run.pk),
        "$scenario": "(s01_product|s02|s03_stock)",
        "$timeFilter": f"time >= {begin}s and time <= {begin + 60}s",
        "$__interval": "2s",
    }
    for variable, value in values.items():
        asked = [(what, query.replace(variable, value)) for what, query in asked]
    return asked


@pytest.mark.needs("influxd")
def test_every_query_of_the_dashboard_finds_data(run: TestHistory, client: InfluxDBClient) -> None:
    end(run)
    found = {what: answers(client, query) for what, query in dashboard_queries(run)}
    assert {"project", "run", "scenario"} < set(found)
    assert len(found) >= 12
    assert [what for what, rows in found.items() if not rows] == []
    assert [row["value"] for row in found["project"]] == ["주문, shop = a/b /"]
    assert {row["value"] for row in found["scenario"]} == {"s01_product", "s02", "s03_stock"}
    assert sum(row["requests"] for row in found["Requests A"]) == recorded_run().exact["requests"]
    assert not re.search(r"\$[a-z_]", "".join(query for _what, query in dashboard_queries(run)))


def test_lines_escape_what_line_protocol_reads() -> None:
    shown = Published(
        7, 'a,b=c "d"\\', "한글\n두 줄", 1_700_000_000.0014, (), {"outcome": 'say "x\\y"', "avg_tps": None}
    )
    (line,) = result_lines(shown)
    tags = 'metricvault_run,project=a\\,b\\=c\\ "d"/,run=7,title=한글\\ 두\\ 줄'
    assert line == f'{tags} outcome="say \\"x\\\\y\\"" 1700000000001000000'


def test_what_was_not_measured_has_no_field_and_a_second_of_nothing_no_point() -> None:
    columns = {"t": [0, 1, 2], "requests": [3, None, 0], "p95": [1.5, None, None], "tps": [3, None, float("nan")]}
    lines = list(result_lines(Published(1, "", "", 10.0, (Strand("s1", "", "", columns),))))
    key = "metricvault_second,run=1,scenario=s1"
    assert lines == [f"{key} requests=3i,p95=1.5,tps=3.0 10000000000", f"{key} requests=0i 12000000000"]
