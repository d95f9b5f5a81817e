"""A result from elsewhere becomes a run: our own export without loss, k6's summaries as far as they go, anything else
refused by name and without a trace."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client

from history import importing
from history.exports import document
from history.models import (
    FailedRequest,
    PhaseHistory,
    ScenarioHistory,
    StageHistory,
    StepHistory,
    TestHistory,
    TimelineHistory,
)
from history.states import Outcome, Status
from history.tests.finished_runs import add_failure, finished
from history.tests.sample_runs import project_of
from projects.models import Membership, Project

pytestmark = pytest.mark.django_db
SUMMARIES = json.loads((Path(__file__).parent / "k6_summaries.json").read_text(encoding="utf-8"))
# What the same result may differ in elsewhere.
OWN = {"id", "test_history", "scenario", "step", "endpoint", "project", "plan", "job_name", "k6_script_file_name"}
OWN |= {"asked", "plan_snapshot", "script", "log", "summary", "runner", "started_by", "created_at", "reasons", "set_at"}
OWN |= {"stop_requested_at", "warned_at", "pinned", "collecting_since", "claimed_until", "attempts", "live_second"}
OWN |= {"live_sent", "generators", "trouble", "ingest_token", "endpoint_set"}


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice, "Elsewhere")


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def exported(run: TestHistory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(document.pieces(run)))
    return found


def said(row: models.Model) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.fields if field.name not in OWN}


def post(client: Client, project: Project, given: Any, **words: Any) -> Any:
    data = {"project_id": project.pk, "document": given, **words}
    return client.post("/test-history/import", json.dumps(data), content_type="application/json")


def test_an_export_comes_back_with_the_same_numbers(alice: User, project: Project) -> None:
    run = finished(alice, release="1.4.2", title="저녁 피크")
    run.labels.create(text="nightly")
    add_failure(run, response=None, kind="0:1212", error="refused")
    run.timelines.filter(scenario=None).update(overview={"step": 5, "columns": {"t": [0, 5], "p95": [1.5, None]}})
    copied = importing.take(exported(run), project, alice)
    assert copied.project == project
    assert (copied.runner, copied.started_by) == ("import", alice)
    assert said(TestHistory.objects.get(pk=copied.pk)) == said(run)
    assert [label.text for label in copied.labels.all()] == ["nightly"]
    of_run: list[tuple[type[models.Model], dict[str, str]]] = [
        (ScenarioHistory, {"run": "test_history", "order": "position"}),
        (StageHistory, {"run": "scenario__test_history", "order": "scenario__position,position"}),
        (StepHistory, {"run": "scenario__test_history", "order": "scenario__position,position"}),
        (PhaseHistory, {"run": "test_history", "order": "id"}),
        (TimelineHistory, {"run": "test_history", "order": "id"}),
        (FailedRequest, {"run": "test_history", "order": "id"}),
    ]
    for model, where in of_run:
        first, second = (
            [
                said(row)
                for row in model._default_manager.filter(**{where["run"]: one}).order_by(*where["order"].split(","))
            ]
            for one in (run, copied)
        )
        assert first, model
        assert first == second, model


def test_a_copy_exports_what_it_was_imported_from(alice: User, project: Project) -> None:
    run = finished(alice)
    first = exported(run)
    second = exported(importing.take(copy.deepcopy(first), project, alice))
    third = exported(importing.take(copy.deepcopy(second), project, alice))
    for one in (first, second, third):
        for name in ("id", "project", "plan", "job_name", "runner"):
            one["run"].pop(name)
        one.pop("exported_at")
    assert [one["code"] for one in second["run"].pop("reasons")] == [
        *(one["code"] for one in first["run"].pop("reasons")),
        "imported",
    ]
    third["run"].pop("reasons")
    for name in ("sentences", "verdict"):
        first["run"].pop(name)
        assert second["run"].pop(name) == third["run"].pop(name)
    assert first == second == third


def test_the_pages_of_a_copy_show_it(alice_client: Client, alice: User, project: Project) -> None:
    copied = importing.take(exported(finished(alice)), project, alice)
    page = alice_client.get(f"/runs/{copied.pk}/").content.decode()
    assert "This result was imported" in page
    assert 'data-chart="tps"' in page
    assert 'id="generators"' not in page
    assert 'data-dialog="again"' not in page
    for name in ("report.html", "export.json", "junit.xml", "export.csv", "chart/throughput.svg"):
        answer = alice_client.get(f"/runs/{copied.pk}/{name}")
        assert answer.status_code == 200, name
        answer.getvalue()
    for name in ("details", "timeseries", "heatmap"):
        assert alice_client.get(f"/test-history/{copied.pk}/{name}").status_code == 200, name


def test_a_copy_cannot_be_run_again_and_says_so(alice_client: Client, alice: User, project: Project) -> None:
    copied = importing.take(exported(finished(alice)), project, alice)
    assert alice_client.post(f"/test-history/{copied.pk}/again").status_code == 409
    assert alice_client.post(f"/tests/runs/{copied.pk}/again", follow=True).status_code == 200
    assert TestHistory.objects.count() == 2


@pytest.mark.parametrize("kind", sorted(SUMMARIES))
def test_a_summary_of_k6_becomes_a_run(alice_client: Client, project: Project, kind: str) -> None:
    given = SUMMARIES[kind]
    metrics = {name: one.get("values", one) for name, one in given["metrics"].items()}
    answer = post(alice_client, project, given, title="From the build server", tested_at="2026-11-20T10:00:00+09:00")
    assert answer.status_code == 201, answer.content
    run = TestHistory.objects.get(pk=answer.json()["test_history_id"])
    assert (run.title, run.runner, run.status) == ("From the build server", "import", Status.COMPLETED)
    assert run.tested_at.isoformat() == "2026-11-20T01:00:00+00:00"
    assert run.total_requests == metrics["http_reqs"]["count"]
    assert run.failed_requests == metrics["http_req_failed"]["passes"]
    assert run.p50_response_time == metrics["http_req_duration"]["med"]
    assert run.p99_response_time == metrics["http_req_duration"]["p(99)"]
    assert run.avg_tps == metrics["http_reqs"]["rate"]
    assert (run.checks_passed, run.checks_failed) == (metrics["checks"]["passes"], metrics["checks"]["fails"])
    assert run.test_duration == pytest.approx(3.0, abs=0.1)
    scenario = run.scenarios.get()
    assert scenario.request_name == "browse"
    assert scenario.total_requests == metrics["http_reqs{scenario:browse}"]["count"]
    assert scenario.steps.get().p95_response_time == metrics["http_req_duration{scenario:browse}"]["p(95)"]


@pytest.mark.parametrize("kind", sorted(SUMMARIES))
def test_a_threshold_that_k6_missed_is_a_missed_target(alice: User, project: Project, kind: str) -> None:
    """k6 says `true` of a missed threshold in the one format, and `{"ok": false}` in the other."""
    run = importing.take(SUMMARIES[kind], project, alice)
    assert run.outcome == Outcome.TARGETS_MISSED
    assert "p(95)<0.001" in run.message
    assert [one["code"] for one in run.reasons] == ["threshold_missed", "thresholds_met", "imported"]


def test_a_summary_without_thresholds_is_judged_without_targets(
    alice_client: Client, alice: User, project: Project
) -> None:
    given = {"metrics": {"http_reqs": {"count": 2400, "rate": 80.0}}}
    run = importing.take(given, project, alice)
    assert (run.outcome, run.test_duration, run.p95_response_time) == (Outcome.PASSED, 30.0, None)
    page = alice_client.get(f"/runs/{run.pk}/").content.decode()
    assert "data-chart" not in page
    assert "has no seconds" in page
    assert b"30" in b"".join(alice_client.get(f"/runs/{run.pk}/report.html").streaming_content)


def test_a_file_may_be_uploaded_on_the_page(alice_client: Client, alice: User, project: Project) -> None:
    text = b"".join(document.pieces(finished(alice)))
    file = SimpleUploadedFile("=cmd()../../x.json", text)
    data = {"project": project.pk, "file": file, "title": "Again", "labels": "a, b", "release": "2"}
    answer = alice_client.post("/runs/import/", data)
    run = TestHistory.objects.latest("pk")
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert (run.title, run.release, [one.text for one in run.labels.all()]) == ("Again", "2", ["a", "b"])
    answer = alice_client.post(
        "/test-history/import", {"project_id": project.pk, "file": SimpleUploadedFile("x", text)}
    )
    assert answer.status_code == 201


def test_only_who_may_change_a_project_may_import_into_it(
    client: Client, bob: User, charlie: User, project: Project
) -> None:
    Membership.objects.create(project=project, user=bob, role=Membership.Role.READER)
    given = {"metrics": {"http_reqs": {"count": 1, "rate": 1.0}}}
    for user, status in ((bob, 403), (charlie, 404)):
        client.force_login(user)
        assert post(client, project, given).status_code == status
        assert client.post("/runs/import/", {"project": project.pk}).status_code == status
    assert not TestHistory.objects.exists()
