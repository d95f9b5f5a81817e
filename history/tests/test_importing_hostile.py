"""Documents that are odd, broken or meant to harm: refused with the field, and no row is left behind."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from history import importing
from history.models import RunLabel, ScenarioHistory, TestHistory
from history.tests.sample_runs import project_of
from projects.models import Project

pytestmark = pytest.mark.django_db
STAGE = {"duration": 10.0, "target": 5}
GOOD: dict[str, Any] = {
    "format": "metricvault-run/1",
    "run": {
        "title": "Nightly",
        "tested_at": "2026-11-24T14:02:10+00:00",
        "outcome": "passed",
        "total_requests": 100,
        "p95_response_time": 12.5,
        "answers": {"200": 100},
        "reasons": [{"code": "p95_met", "good": True, "params": {"value": 12.5, "target": 20.0, "request": "GET /"}}],
        "labels": ["a"],
        "host": "shop.example.com:8080",
        "load": [{"tag": "s01", "name": "List", "executor": "constant-vus", "stages": [STAGE], "requests": ["GET /"]}],
    },
    "scenarios": [
        {
            "name": "List",
            "scenario_tag": "s01",
            "request_name": "GET /",
            "stages": [STAGE],
            "steps": [{"name": "List", "request_name": "GET /", "total_requests": 100}],
        }
    ],
    "failures": [{"scenario_tag": "s01", "step": 0, "kind": "500", "request": {"method": "GET", "url": "/"}}],
    "timelines": [
        {
            "scenario_tag": None,
            "columns": {"t": [0, 1], "requests": [40, 60], "p95": [12.5, None]},
            "heatmap": {"step": 1, "start": 0, "rows": [[1, 2]], "counts": [[40], [60]]},
        }
    ],
}
Change = Callable[[dict[str, Any]], Any]


def set_in(*path: Any, to: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


def add_to(*path: Any, one: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        found: Any = document
        for key in path:
            found = found[key]
        found.append(one)

    return change


def bad_reason(**reason: Any) -> Change:
    return set_in("run", "reasons", to=[{"good": True, "params": {}, **reason}])


FILL = {"text": "%(a)999999999s", "values": {"a": "x"}}
HARMFUL: dict[str, tuple[Change, str]] = {
    "another version": (set_in("format", to="metricvault-run/2"), "format"),
    "no version": (set_in("format", to=None), "format"),
    "no run": (set_in("run", to=None), "run"),
    "a list for a run": (set_in("run", to=[]), "run"),
    "no title": (set_in("run", "title", to=""), "run.title"),
    "a long title": (set_in("run", "title", to="x" * 201), "run.title"),
    "NUL in a title": (set_in("run", "title", to="a\0b"), "run.title"),
    "half of a pair": (set_in("run", "title", to="a\ud800"), "run.title"),
    "a number as text": (set_in("run", "p95_response_time", to="12.5"), "run.p95_response_time"),
    "a count as text": (set_in("run", "total_requests", to="100"), "run.total_requests"),
    "a fraction of a request": (set_in("run", "total_requests", to=1.5), "run.total_requests"),
    "a negative count": (set_in("run", "total_requests", to=-1), "run.total_requests"),
    "a negative time": (set_in("run", "p95_response_time", to=-0.1), "run.p95_response_time"),
    "true for a number": (set_in("run", "p95_response_time", to=True), "run.p95_response_time"),
    "an endless number": (set_in("run", "p95_response_time", to=1e300), "run.p95_response_time"),
    "a huge count": (set_in("run", "total_requests", to=10**30), "run.total_requests"),
    "an unknown outcome": (set_in("run", "outcome", to="great"), "run.outcome"),
    "a run that still runs": (set_in("run", "status", to="running"), "run.status"),
    "no time": (set_in("run", "tested_at", to=None), "run.tested_at"),
    "a time without a zone": (set_in("run", "tested_at", to="2026-11-24T14:02:10"), "run.tested_at"),
    "a time as a number": (set_in("run", "tested_at", to=12345), "run.tested_at"),
    "the year 9999": (set_in("run", "tested_at", to="9999-12-31T23:59:59+00:00"), "run.tested_at"),
    "an odd percentile": (set_in("run", "response_time_percentile", to=42), "run.response_time_percentile"),
    "a host that is none": (set_in("run", "host", to="[http://evil"), "run.host"),
    "a script as a host": (set_in("run", "host", to="a<script>"), "run.host"),
    "odd answers": (set_in("run", "answers", to={"<b>": 1}), "run.answers"),
    "negative answers": (set_in("run", "answers", to={"200": -1}), "run.answers"),
    "a reason nobody knows": (bad_reason(code="owned"), "run.reasons"),
    "a reason without its numbers": (bad_reason(code="counts_differ"), "run.reasons"),
    "a reason that fills memory": (bad_reason(code="try_step", params={"step": FILL, "why": "x"}), "run.reasons"),
    "a reason in a reason in a reason": (
        bad_reason(code="try_step", params={"step": {"a": {"b": {"c": {"d": {}}}}}, "why": "x"}),
        "run.reasons",
    ),
    "too many labels": (set_in("run", "labels", to=[str(at) for at in range(60)]), "run.labels"),
    "two scenarios of one name": (add_to("scenarios", one=GOOD["scenarios"][0]), ""),
    "a tag with a path": (set_in("scenarios", 0, "scenario_tag", to="../x"), "scenarios.0.scenario_tag"),
    "a long request": (set_in("scenarios", 0, "request_name", to="x" * 3000), "scenarios.0.request_name"),
    "a stage for ever": (set_in("scenarios", 0, "stages", 0, "duration", to=1e12), "scenarios.0.stages.0.duration"),
    "a negative stage": (set_in("scenarios", 0, "stages", 0, "target", to=-5), "scenarios.0.stages.0.target"),
    "an unknown phase": (set_in("phases", to=[{"kind": "sideways"}]), "phases.0.kind"),
    "a phase twice": (set_in("phases", to=[{"kind": "steady"}, {"kind": "steady"}]), "phases"),
    "a failure of nobody": (set_in("failures", 0, "scenario_tag", to="s99"), ""),
    "a failure of no step": (set_in("failures", 0, "step", to=7), ""),
    "a timeline of nobody": (set_in("timelines", 0, "scenario_tag", to="s99"), ""),
    "a timeline twice": (add_to("timelines", one={"scenario_tag": None}), ""),
    "columns of two lengths": (set_in("timelines", 0, "columns", "requests", to=[1]), "timelines.0.columns"),
    "columns without seconds": (set_in("timelines", 0, "columns", to={"requests": [1]}), "timelines.0.columns"),
    "seconds that go back": (set_in("timelines", 0, "columns", "t", to=[1, 0]), "timelines.0.columns"),
    "text in a column": (set_in("timelines", 0, "columns", "requests", to=[1, "2"]), "timelines.0.columns.requests"),
    "minus in a column": (set_in("timelines", 0, "columns", "requests", to=[1, -2]), "timelines.0.columns.requests"),
    "a column with a bad name": (set_in("timelines", 0, "columns", to={"<b>": []}), "timelines.0.columns"),
    "a heatmap with a hole": (set_in("timelines", 0, "heatmap", "counts", to=[[]]), "timelines.0.heatmap"),
    "a heatmap that falls": (set_in("timelines", 0, "heatmap", "rows", to=[[2, 1]]), "timelines.0.heatmap"),
    "a heatmap without width": (set_in("timelines", 0, "heatmap", "step", to=0), "timelines.0.heatmap"),
    "a load of 1001 stages": (
        set_in("run", "load", to=[{"tag": f"s{n}", "stages": [STAGE] * 91} for n in range(11)]),
        "run",
    ),
}


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def post(client: Client, project: Project, given: Any) -> Any:
    text = json.dumps({"project_id": project.pk, "document": given})
    return client.post("/test-history/import", text, content_type="application/json")


def upload(client: Client, project: Project, content: bytes) -> Any:
    data = {"project_id": project.pk, "file": SimpleUploadedFile("x.json", content)}
    return client.post("/test-history/import", data)


def test_the_document_that_is_spoilt_below_is_good(alice_client: Client, project: Project) -> None:
    assert post(alice_client, project, GOOD).status_code == 201


@pytest.mark.parametrize("what", HARMFUL)
def test_a_harmful_document_is_refused_by_name_and_leaves_nothing(
    alice_client: Client, project: Project, what: str
) -> None:
    change, field = HARMFUL[what]
    given = copy.deepcopy(GOOD)
    change(given)
    answer = post(alice_client, project, given)
    assert answer.status_code in (400, 422), answer.content
    details = answer.json()["error"]["details"]
    assert details
    assert any(one["field"].startswith(field) and one["message"] for one in details), details
    assert not TestHistory.objects.exists()
    assert not ScenarioHistory.objects.exists()
    assert not RunLabel.objects.exists()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_no_json_or_no_value(alice_client: Client, project: Project, number: str) -> None:
    text = json.dumps(GOOD).replace("12.5", number)
    assert upload(alice_client, project, text.encode()).status_code in (400, 422)
    body = f'{{"project_id": {project.pk}, "document": {text}}}'
    assert alice_client.post("/test-history/import", body, content_type="application/json").status_code in (400, 422)
    assert not TestHistory.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe\x00",
        b"9" * 5000,
        b"PK\x03\x04",
    ],
)
def test_a_file_that_is_no_result_is_refused(alice_client: Client, project: Project, content: bytes) -> None:
    answer = upload(alice_client, project, content)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "file"
    page = alice_client.post("/runs/import/", {"project": project.pk, "file": SimpleUploadedFile("x", content)})
    assert page.status_code == 400
    assert 'id="problems"' in page.content.decode()
    assert not TestHistory.objects.exists()


def test_a_file_of_more_than_is_taken_is_refused_unread(
    alice_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_BYTES", 2000)
    monkeypatch.setattr(importing, "json", None)  # reading it would fail
    assert upload(alice_client, project, b" " * 2001).status_code == 413
    assert not TestHistory.objects.exists()


METRICS: dict[str, Any] = {
    "http_reqs": {"count": 10, "rate": 1.0},
    "http_req_failed": {"passes": 1, "fails": 9, "value": 0.1},
}


@pytest.mark.parametrize(
    ("metrics", "field"),
    [
        ({}, "metrics.http_reqs"),
        ({"http_reqs": 5}, "metrics.http_reqs"),
        ({"http_reqs": {"values": []}}, "metrics.http_reqs"),
        ({"http_reqs": {"count": "10"}}, "metrics.http_reqs.count"),
        ({"http_reqs": {"count": -1}}, "metrics.http_reqs.count"),
        ({"http_reqs": {"count": 1.5}}, "metrics.http_reqs.count"),
        ({**METRICS, "http_req_duration": {"avg": "fast"}}, "metrics.http_req_duration.avg"),
        ({**METRICS, "http_req_duration": {"p(95)": -2}}, "metrics.http_req_duration.p(95)"),
        ({**METRICS, "vus": {"max": True}}, "metrics.vus.max"),
        ({**METRICS, "http_reqs{name:" + "x" * 5000 + "}": {"count": -1}}, "metrics.http_reqs{name:xxx"),
    ],
)
def test_an_odd_summary_of_k6_is_refused_by_the_name_of_its_metric(
    alice_client: Client, project: Project, metrics: dict[str, Any], field: str
) -> None:
    answer = post(alice_client, project, {"metrics": metrics})
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["details"][0]["field"].startswith(field)
    assert not TestHistory.objects.exists()


def test_odd_thresholds_and_names_do_no_harm(alice_client: Client, project: Project) -> None:
    names = ["", "../../x", "<script>", "한글", "a" * 3000]
    metrics = {f"http_reqs{{name:{name}}}": {"count": 1, "rate": 1.0} for name in names}
    metrics["http_reqs"] = {
        "count": 5,
        "rate": 1.0,
        "thresholds": {"%(x)999999s": True, "b": None, "c": [], "d": {"ok": 0}},
    }  # type: ignore[dict-item]
    answer = post(alice_client, project, {"metrics": metrics, "state": {"testRunDurationMs": "long"}})
    assert answer.status_code == 201, answer.content
    run = TestHistory.objects.get()
    assert alice_client.get(f"/runs/{run.pk}/").status_code == 200
    assert "%(x)999999s" in run.message


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"title": "x" * 201}, "title"),
        ({"release": "x" * 61}, "release"),
        ({"tested_at": "yesterday"}, "tested_at"),
        ({"tested_at": "2026-13-40T99:00"}, "tested_at"),
        ({"labels": ["x" * 61]}, "labels"),
        ({"title": 5}, "title"),
        ({"project_id": True}, "project_id"),
        ({"project_id": "x"}, "project_id"),
        ({"document": []}, "document"),
    ],
)
def test_what_is_said_beside_the_document_is_checked_too(
    alice_client: Client, project: Project, words: dict[str, Any], field: str
) -> None:
    text = json.dumps({"project_id": project.pk, "document": {"metrics": METRICS}, **words})
    answer = alice_client.post("/test-history/import", text, content_type="application/json")
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["details"][0]["field"].startswith(field)
    assert not TestHistory.objects.exists()


@pytest.mark.parametrize("content", [b"{}," * 100_001, b"0," * 8_000_001, b"[" * 100_001, b'"",' * 1_000_001])
def test_a_file_that_would_be_huge_in_memory_is_refused_before_it_is_read(
    alice_client: Client, project: Project, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "json", None)  # reading it would fail
    assert upload(alice_client, project, content).status_code == 413
    assert not TestHistory.objects.exists()
