"""The files of a run: who gets them, what they are called, that they are there whatever became of the run."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.exports import charts
from history.models import TestHistory, TimelineHistory
from history.reasons import reason
from history.states import ACTIVE, Outcome, Status
from history.tests.finished_runs import add_failure, finished
from history.tests.sample_runs import project_of, run_of

pytestmark = pytest.mark.django_db
FILES = [
    ("export.csv", "text/csv; charset=utf-8"),
    ("export.csv?part=timeline", "text/csv; charset=utf-8"),
    ("export.csv?part=errors", "text/csv; charset=utf-8"),
    ("export.csv?part=failures", "text/csv; charset=utf-8"),
    ("export.json", "application/json"),
    ("export.zip", "application/zip"),
    ("report.html", "text/html; charset=utf-8"),
    ("junit.xml", "application/xml"),
    ("chart/response-time.svg", "image/svg+xml"),
]
HOSTILE = "=cmd|'/c calc'!A1 \"../../etc/passwd\" <img src=x onerror=alert(1)> 저녁 피크"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1"]


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def body(client: Client, path: str, **headers: str) -> bytes:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def table(client: Client, run: TestHistory, part: str) -> list[dict[str, str]]:
    text = body(client, f"/runs/{run.pk}/export.csv?part={part}").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_page_and_the_api_give_the_same_file(alice_client: Client, alice: User) -> None:
    run = finished(alice)
    for name, content_type in FILES:
        pages, api = (alice_client.get(f"/{room}/{run.pk}/{name}") for room in ("runs", "test-history"))
        assert pages.headers["Content-Type"] == api.headers["Content-Type"] == content_type
        first, second = b"".join(pages.streaming_content), b"".join(api.streaming_content)
        assert int(pages.headers["Content-Length"]) == len(first)
        if name not in ("export.json", "export.zip", "report.html"):  # which say when they were made
            assert first == second, name


def test_a_stranger_learns_nothing_and_nobody_gets_a_deleted_run(client: Client, alice: User, charlie: User) -> None:
    run = run_of(project_of(alice))
    addresses = [f"/{room}/{run.pk}/{name}" for room in ("runs", "test-history") for name, _type in FILES]
    client.force_login(charlie)
    assert {client.get(address).status_code for address in addresses} == {404}
    client.force_login(alice)
    TestHistory.objects.filter(pk=run.pk).update(deleted_at=datetime(2026, 11, 24, tzinfo=UTC))
    assert {client.get(address).status_code for address in addresses} == {404}


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_while_a_run_lasts_its_files_are_not_there_yet(alice_client: Client, alice: User, status: Status) -> None:
    run = run_of(project_of(alice), status)
    for name, _type in FILES:
        answer = alice_client.get(f"/test-history/{run.pk}/{name}")
        assert answer.status_code == 409, name
        assert answer.json()["error"]["code"] == "conflict"


@pytest.mark.parametrize(
    ("status", "outcome", "measured"),
    [
        (Status.FAILED, Outcome.ERROR, True),
        (Status.STOPPED, "", True),
        (Status.TIMED_OUT, "", True),
        (Status.STOPPED, "", False),
        (Status.FAILED, "", False),
        (Status.COMPLETED, Outcome.INVALID, True),
    ],
)
def test_a_run_that_did_not_go_well_has_all_its_files(
    alice_client: Client, alice: User, status: Status, outcome: str, measured: bool
) -> None:
    if measured:
        run = finished(alice, status=status, outcome=outcome)
    else:  # stopped in the queue
        run = run_of(project_of(alice), Status.QUEUED, reasons=[reason("stopped_in_queue")])
        TestHistory.objects.filter(pk=run.pk).update(status=status, is_completed=True)
    for name, _type in FILES:
        assert body(alice_client, f"/runs/{run.pk}/{name}"), name
    assert table(alice_client, run, "summary")[0]["total_requests"] == (str(run.total_requests) if measured else "")


def test_a_file_is_named_by_harmless_letters_alone(alice_client: Client, alice: User) -> None:
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.PASSED)
    names = [name for name, _type in FILES]
    quick = [name for name in names if name not in ("export.json", "export.zip", "report.html")]
    for title in (HOSTILE, "..", "/", "\\", "저녁", "a" * 200, "\r\nSet-Cookie: a=b"):
        TestHistory.objects.filter(pk=run.pk).update(title=title)
        for name in names if title == HOSTILE else quick:
            answer = alice_client.get(f"/runs/{run.pk}/{name}")
            answer.getvalue()
            given = answer.headers["Content-Disposition"].split("filename=")[1]
            assert given.startswith('"')
            assert set(given.strip('"')) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_."), given
            assert ".." not in given
            assert len(given) < 120


def test_no_text_of_a_table_is_a_formula(alice_client: Client, alice: User) -> None:
    run = finished(alice)
    for text in FORMULAS:
        TestHistory.objects.filter(pk=run.pk).update(title=text, release=text)
        run.scenarios.update(name=text, request_name=text)
        sent = {"method": text, "url": text, "headers": {}, "body": text}
        add_failure(run, error=text, checks=[text], request=sent)
        for part in ("summary", "timeline", "errors", "failures"):
            cells = [cell for row in table(alice_client, run, part) for cell in row.values()]
            signs = ("=", "+", "-", "@", "\t", "\r", "\n", "＝")
            assert [cell for cell in cells if cell.lstrip(" ").startswith(signs)] == []


def test_numbers_stay_numbers_and_a_spreadsheet_reads_korean(alice_client: Client, alice: User) -> None:
    run = finished(alice, title='저녁 피크, "quoted"\nsecond line')
    raw = body(alice_client, f"/runs/{run.pk}/export.csv")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in raw
    row = table(alice_client, run, "summary")[0]
    assert row["title"] == run.title
    assert float(row["p95_response_time_ms"]) == run.p95_response_time
    assert row["part"] == "run"


def test_each_table_has_what_it_is_named_for(alice_client: Client, alice: User) -> None:
    run = finished(alice)
    add_failure(run)
    summary = table(alice_client, run, "summary")
    scenarios = list(run.scenarios.all())
    assert [row["scenario_tag"] for row in summary if row["part"] == "scenario"] == [
        one.scenario_tag for one in scenarios
    ]
    assert sum(row["part"] == "step" for row in summary) == sum(one.steps.count() for one in scenarios)
    assert sum(row["part"] == "stage" for row in summary) == sum(one.stages.count() for one in scenarios)
    assert sum(row["part"] == "phase" for row in summary) == run.phases.count()
    seconds = table(alice_client, run, "timeline")
    whole = [row for row in seconds if not row["scenario_tag"]]
    assert sum(int(row["requests"]) for row in whole) == run.total_requests
    assert len(seconds) == len(whole) * (1 + len(scenarios))
    errors = table(alice_client, run, "errors")
    of_run = [row for row in errors if row["kind"] == "answer" and not row["scenario"]]
    assert {row["what"]: int(row["count"]) for row in of_run} == run.answers
    assert sum(int(row["failed"]) for row in errors if row["kind"] == "check" and row["failed"]) > 0
    assert table(alice_client, run, "failures")[0]["response_body"] == "broken"


def test_an_unknown_table_or_chart_is_named(alice_client: Client, alice: User) -> None:
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.PASSED)
    for room in ("runs", "test-history"):
        assert alice_client.get(f"/{room}/{run.pk}/export.csv?part=secrets").status_code == 422
        assert alice_client.get(f"/{room}/{run.pk}/chart/errors.svg?scenario=nobody").status_code == 404
    assert alice_client.get(f"/runs/{run.pk}/chart/nothing.svg").status_code == 404
    assert alice_client.get(f"/test-history/{run.pk}/chart/nothing.svg").status_code == 422


def test_the_archive_holds_every_file(alice_client: Client, alice: User) -> None:
    run = finished(alice, title="Evening peak")
    archive = zipfile.ZipFile(io.BytesIO(body(alice_client, f"/runs/{run.pk}/export.zip")))
    assert archive.testzip() is None
    name = f"evening-peak-{run.pk}"
    tables = [f"{name}-{part}.csv" for part in ("summary", "timeline", "errors", "failures")]
    assert archive.namelist() == [*tables, f"{name}.json", f"{name}-report.html", f"{name}-junit.xml"]
    assert json.loads(archive.read(f"{name}.json"))["run"]["total_requests"] == run.total_requests


def test_a_chart_of_one_scenario_is_that_scenarios(alice_client: Client, alice: User) -> None:
    run = finished(alice)
    whole = body(alice_client, f"/runs/{run.pk}/chart/throughput.svg")
    one = body(alice_client, f"/runs/{run.pk}/chart/throughput.svg?scenario={run.scenarios.first().scenario_tag}")
    assert whole != one
    for picture in (whole, one):
        assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_a_long_run_is_drawn_by_its_stretches_and_their_lowest_and_highest_seconds(alice: User) -> None:
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.PASSED)
    columns = {"t": [0, 10, 20], "p95": [100.0, 120.0, 110.0], "p95_min": [90.0] * 3, "p95_max": [400.0] * 3}
    columns |= {"dropped": [50, 0, 20], "tps": [7.0] * 3}
    TimelineHistory.objects.create(
        test_history=run, columns={"t": list(range(30))}, overview={"step": 10, "columns": columns}
    )
    kept = charts.seconds(run)
    assert kept.step == 10
    dropped = kept.counted("", "dropped", "err")
    assert dropped is not None
    assert list(dropped.ys) == [5.0, 0.0, 2.0]  # 50 in 10 s are 5 a second
    picture = charts.chart(run, "response-time", kept)
    assert "400" in picture  # the axis holds the highest second
    assert 'class="area k-p95"' in picture


def test_what_the_browser_shows_may_do_nothing(alice_client: Client, alice: User) -> None:
    run = finished(alice)
    for name in ("report.html", "chart/errors.svg"):
        answer = alice_client.get(f"/runs/{run.pk}/{name}")
        answer.getvalue()
        assert answer.headers["Content-Disposition"].startswith("inline")
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "default-src 'none'" in policy
        assert "script" not in policy
    answer = alice_client.get(f"/runs/{run.pk}/report.html?download")
    answer.getvalue()
    assert answer.headers["Content-Disposition"].startswith("attachment")
