"""k6's own report is kept with the result, shown so that it cannot touch the product, and goes with its run."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from history.models import K6Report, TestHistory
from history.retention import forget_old
from history.states import Status
from history.tests.sample_runs import plan_of, project_of, run_of
from loadtests.k6_reports import keep_reports
from loadtests.tests.test_k6_dashboard import report_of
from projects.models import Membership

pytestmark = pytest.mark.django_db
REPORT = report_of(b'{"event":"stop"}')


@pytest.fixture
def run(alice: User) -> TestHistory:
    """A finished run of two load generators with their reports."""
    found = run_of(project_of(alice), Status.COMPLETED, plan_snapshot={**plan_of(), "k6_dashboard": True})
    keep_reports(found, {"0": REPORT, "1": REPORT})
    return found


def address(run: TestHistory, instance: str = "0") -> str:
    return f"/runs/{run.pk}/k6-report/{instance}/"


def test_it_is_kept_packed_and_shown_whole(client: Client, alice: User, run: TestHistory) -> None:
    client.force_login(alice)
    answer = client.get(address(run))
    assert answer.content.decode() == REPORT
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert len(K6Report.objects.first().packed) < len(REPORT)  # type: ignore[union-attr]


def test_it_is_locked_in(client: Client, alice: User, run: TestHistory) -> None:
    client.force_login(alice)
    answer = client.get(address(run))
    policy = [part.strip() for part in answer["Content-Security-Policy"].split(";")]
    assert {"default-src 'none'", "form-action 'none'", "frame-ancestors 'none'"} < set(policy)
    (sandbox,) = [part for part in policy if part.startswith("sandbox")]
    assert "allow-same-origin" not in sandbox
    assert "escape" not in sandbox
    assert "'self'" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"


def test_it_can_be_taken_away_as_a_file(client: Client, alice: User, run: TestHistory) -> None:
    client.force_login(alice)
    answer = client.get(address(run), {"download": ""})
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.pk}-k6-report-0.html"'


def test_the_page_and_the_api_name_each(client: Client, alice: User, run: TestHistory) -> None:
    client.force_login(alice)
    page = client.get(f"/runs/{run.pk}/", headers={"accept": "text/html"}).content.decode()
    assert f'href="{address(run, "0")}"' in page
    assert f'href="{address(run, "1")}"' in page
    found = client.get(f"/test-history/{run.pk}/details").json()["k6_reports"]
    assert found == [{"instance": one, "url": address(run, one)} for one in ("0", "1")]


def test_who_may_see_the_run_may_see_it(client: Client, bob: User, charlie: User, run: TestHistory) -> None:
    assert client.get(address(run)).status_code == 302
    client.force_login(charlie)
    assert client.get(address(run)).status_code == 404
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    assert client.get(address(run)).status_code == 200
    assert client.get(address(run, "7")).status_code == 404
    assert client.post(address(run)).status_code == 405


def test_kept_again_it_is_replaced_and_half_a_one_changes_nothing(run: TestHistory) -> None:
    keep_reports(run, {"0": report_of(b"later"), "1": REPORT[:40], "2": "nothing of the kind"})
    kept = {report.instance: report.html.decode() for report in run.k6_reports.all()}
    assert kept == {"0": report_of(b"later"), "1": REPORT}


def test_it_goes_with_its_run(run: TestHistory, settings: Settings, tmp_path: Path) -> None:
    settings.METRICVAULT_RUN_DAYS = 30
    TestHistory.objects.filter(pk=run.pk).update(completed_at=timezone.now() - timedelta(days=31))
    forget_old(timezone.now())
    assert not K6Report.objects.exists()
