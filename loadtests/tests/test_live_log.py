"""k6's log of a run that lasts comes from where k6 runs; however many look, it is asked now and then."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from history.models import TestHistory
from history.states import Status
from history.tests.recorded_history import recorded_rows
from loadtests import log_views
from loadtests.runners import RunnerError

pytestmark = pytest.mark.django_db


class FakeRunner:
    """Says another line each time that it is asked."""

    asked = 0
    error: RunnerError | None = None

    def log_tail(self, job_name: str) -> str:
        self.asked += 1
        if self.error:
            raise self.error
        return f"level=warning msg=<{job_name}>\nlevel=info msg={self.asked}\n"


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    fake = FakeRunner()
    monkeypatch.setattr(log_views, "open_runner", lambda name="": fake)
    cache.clear()
    return fake


@pytest.fixture
def run(alice: User, client: Client) -> TestHistory:
    client.force_login(alice)
    run = recorded_rows(alice, Status.RUNNING, pushes=0)
    TestHistory.objects.filter(pk=run.pk).update(log="as it was kept")
    return run


def look(client: Client, run: TestHistory) -> tuple[int, str]:
    answer = client.get(reverse("live-log", args=[run.pk]), HTTP_HX_REQUEST="true")
    return answer.status_code, answer.content.decode()


def test_the_last_lines_come_from_where_k6_runs(client: Client, run: TestHistory, runner: FakeRunner) -> None:
    status, text = look(client, run)
    assert status == 200
    assert f"&lt;{run.job_name}&gt;" in text
    assert "msg=1" in text


def test_many_who_look_ask_once(client: Client, run: TestHistory, runner: FakeRunner) -> None:
    assert {look(client, run) for _ in range(5)} == {look(client, run)}
    assert runner.asked == 1
    cache.delete(f"log-end-{run.pk}-asked")  # two seconds later
    assert "msg=2" in look(client, run)[1]


def test_where_nobody_answers_what_was_seen_last_stays(client: Client, run: TestHistory, runner: FakeRunner) -> None:
    runner.error = RunnerError("away", permanent=False)
    assert "as it was kept" in look(client, run)[1]
    cache.clear()
    runner.error = None
    look(client, run)
    runner.error = RunnerError("away", permanent=False)
    cache.delete(f"log-end-{run.pk}-asked")
    assert "msg=2" in look(client, run)[1]


@pytest.mark.parametrize(("state", "answer"), [(Status.QUEUED, 200), (Status.COLLECTING, 200), (Status.COMPLETED, 286)])
def test_without_load_it_is_what_was_kept(
    client: Client, run: TestHistory, runner: FakeRunner, state: Status, answer: int
) -> None:
    TestHistory.objects.filter(pk=run.pk).update(status=state)
    status, text = look(client, run)
    assert (status, runner.asked) == (answer, 0)
    assert "as it was kept" in text


def test_strangers_see_no_log(client: Client, charlie: User, run: TestHistory, runner: FakeRunner) -> None:
    client.force_login(charlie)
    assert look(client, run)[0] == 404
    assert runner.asked == 0
