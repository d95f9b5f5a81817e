"""What all runs together may ask for: how many at once, in a project and in all, their users and their rate."""

import copy
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.utils import timezone

from history.models import TestHistory
from history.states import Status
from loadtests import crowding, launching
from loadtests.models import LoadLimits, Plan
from loadtests.tests.shop import make_plan, make_shop
from metricvault.lib.errors import Refused, TooMany
from projects.models import AuditEntry, Project
from tests import migrated


@pytest.fixture
def plan(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Bob is a member; nothing that is started goes to a worker."""
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)
    project, (products, *_rest) = make_shop(alice, bob)
    return make_plan(project, products)


def asked(project: Project, users: int = 10, **more: Any) -> dict[str, Any]:
    endpoint = project.openapi_specs.get().endpoints.first()
    assert endpoint
    stages = [{"duration": "60s", "target": users}]
    scenario = {"name": "List", "endpoint_id": endpoint.pk, "executor": "constant-vus", "stages": stages, **more}
    return {"title": "Evening", "scenarios": [scenario]}


def per_second(project: Project, rate: int) -> dict[str, Any]:
    return asked(project, rate, executor="constant-arrival-rate", pre_allocated_vus=1, max_vus=1)


def test_a_project_has_only_so_many_runs_at_a_time(plan: Plan, alice: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_PROJECT_RUNS = 2
    first = launching.start(asked(plan.project), alice)
    second = launching.start(asked(plan.project), alice)
    with pytest.raises(TooMany) as caught:
        launching.start(asked(plan.project), alice)
    assert caught.value.message == (
        "2 runs of this project may go on at a time. Wait for one to end, or stop one: "
        f"“Evening” (run {first.pk}), “Evening” (run {second.pk})."
    )
    assert TestHistory.objects.count() == 2
    launching.request_stop(first)
    launching.start(asked(plan.project), alice)
    LoadLimits.objects.create(project=plan.project, max_runs=3)
    launching.start(asked(plan.project), alice)


@pytest.mark.parametrize("status", list(Status))
def test_a_run_counts_until_its_load_has_ended(plan: Plan, alice: User, settings: Any, status: Status) -> None:
    settings.METRICVAULT_MAX_RUNS = 1
    TestHistory.objects.filter(pk=launching.start(asked(plan.project), alice).pk).update(status=status)
    if status in {Status.QUEUED, Status.STARTING, Status.RUNNING}:
        with pytest.raises(TooMany):
            launching.start(asked(plan.project), alice)
    else:
        launching.start(asked(plan.project), alice)


def test_of_runs_of_strangers_only_the_number_is_said(plan: Plan, alice: User, charlie: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_RUNS = 2
    other, _endpoints = make_shop(charlie)
    own = launching.start(asked(plan.project), alice)
    launching.start({**asked(other), "title": "Secret merger"}, charlie)
    with pytest.raises(TooMany) as caught:
        launching.start(asked(plan.project), alice)
    assert f"stop one: “Evening” (run {own.pk}), 1 other." in caught.value.message


def test_users_of_all_runs_together_are_capped(plan: Plan, alice: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_TOTAL_VUS = 25
    first = launching.start(asked(plan.project, 20), alice)
    launching.start(asked(plan.project, 5), alice)
    with pytest.raises(TooMany) as caught:
        launching.start(asked(plan.project, 1), alice)
    assert "may have 25 users at once; this one asks for 1, and 0 are left" in caught.value.message
    launching.request_stop(first)
    launching.start(asked(plan.project, 20), alice)
    with pytest.raises(Refused, match="this one alone asks for 26"):
        launching.start(asked(plan.project, 26), alice)


def test_rates_of_all_runs_together_are_capped(plan: Plan, alice: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_TOTAL_RATE = 100
    launching.start(per_second(plan.project, 60), alice)
    launching.start(asked(plan.project), alice)  # users have no rate of their own
    with pytest.raises(TooMany, match="may begin 100 iterations per second; this one asks for 41, and 40 are left"):
        launching.start(per_second(plan.project, 41), alice)
    launching.start(per_second(plan.project, 40), alice)
    with pytest.raises(Refused, match="this one alone asks for 101"):
        launching.start(per_second(plan.project, 101), alice)


def test_who_asks_is_told_when_to_come_again(plan: Plan, alice: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_RUNS = 1
    run = launching.start(asked(plan.project), alice)
    for ago, seconds in ((20, 40), (300, 5)):
        TestHistory.objects.filter(pk=run.pk).update(tested_at=timezone.now() - timedelta(seconds=ago))
        with pytest.raises(TooMany) as caught:
            launching.start(asked(plan.project), alice)
        assert abs(caught.value.retry_after - seconds) <= 1


def test_the_api_the_page_and_once_more_all_refuse(client: Client, plan: Plan, alice: User, settings: Any) -> None:
    settings.METRICVAULT_MAX_PROJECT_RUNS = 1
    run = launching.start(asked(plan.project), alice)
    client.force_login(alice)
    answer = client.post("/load-testing", asked(plan.project), "application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many")
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    for address, back in ((f"/tests/{plan.pk}/run", f"/tests/{plan.pk}/"), (f"/tests/runs/{run.pk}/again", "/runs/")):
        page = client.post(address, follow=True)
        assert "1 run of this project may go on at a time" in page.content.decode()
        assert page.request["PATH_INFO"].startswith(back)
    assert TestHistory.objects.count() == 1
    settings.METRICVAULT_MAX_TOTAL_VUS = 9
    assert client.post("/load-testing", asked(plan.project), "application/json").status_code == 422
    told = AuditEntry.objects.filter(action="refused").order_by("pk").values_list("detail", flat=True)
    assert ["may go on at a time" in one for one in told] == [True, True, True, False]


def on_its_own(work: Callable[[], object], settings: dict[str, Any], caught: list[Any]) -> threading.Thread:
    """A thread with a database connection of these settings."""

    def run() -> None:
        connections["default"] = type(connections["default"])(settings, "default")
        try:
            caught.append(work())
        except (TooMany, DatabaseError) as error:
            caught.append(error)
        finally:
            connections["default"].close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def a_database(tmp_path: Path, transactional_db: None) -> dict[str, Any]:
    """Settings of one that several connections share: SQLite's in memory knows no waiting."""
    found = copy.deepcopy(connection.settings_dict)
    if connection.vendor == "sqlite":
        found["NAME"] = str(tmp_path / "shared.sqlite3")
        shutil.copyfile(migrated.sqlite_file(), found["NAME"])
    return found


@pytest.mark.parametrize("guarded", [True, False])
def test_two_starts_at_the_same_moment_do_not_find_the_same_place(
    a_database: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Each waits a moment for the other to have counted: who is alone until its transaction ends waits in vain.

    Without its guard SQLite lets nobody slip through either, but one of the two fails with a database error."""
    settings.METRICVAULT_MAX_RUNS = 1
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: None)
    both = threading.Barrier(2)
    rows = crowding._rows

    def counted() -> list[TestHistory]:
        found = list(rows())
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return found

    monkeypatch.setattr(crowding, "_rows", counted)
    if not guarded:
        monkeypatch.setattr(crowding, "_one_at_a_time", lambda: None)
        if connection.vendor == "sqlite":
            a_database["OPTIONS"]["transaction_mode"] = "DEFERRED"
    caught: list[Any] = []

    def prepare() -> tuple[dict[str, Any], User]:
        user = User.objects.create_user("racer")
        project, _endpoints = make_shop(user)
        return asked(project), user

    on_its_own(prepare, a_database, caught).join()
    ready: Any = caught.pop()
    payload, user = ready
    ways = [on_its_own(lambda: launching.start(payload, user), a_database, caught) for _way in range(2)]
    for one in ways:
        one.join()
    other = "TooMany" if guarded else "OperationalError" if connection.vendor == "sqlite" else "TestHistory"
    assert sorted(type(one).__name__ for one in caught) == sorted(["TestHistory", other])
