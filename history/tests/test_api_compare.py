"""GET /test-history/compare: runs beside each other for programs."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.models import TestHistory
from history.tests.sample_runs import project_of
from history.tests.simulated_runs import simulated_run

A, B, C = "GET /a", "GET /b/{id}", "POST /c"


@pytest.fixture
def pair(alice: User, client: Client) -> list[TestHistory]:
    client.force_login(alice)
    project = project_of(alice)
    first = simulated_run(project, {A: {}, B: {}}, seed=1, release="1.0")
    return [first, simulated_run(project, {B: {"factor": 1.4}, C: {}}, seed=2, release="1.1")]


def asked(client: Client, runs: str, status: int = 200) -> Any:
    answer = client.get("/test-history/compare", {"runs": runs})
    assert answer.status_code == status
    return answer.json()


def test_it_marks_what_is_new_removed_and_changed(client: Client, pair: list[TestHistory]) -> None:
    found = asked(client, f"{pair[0].pk},{pair[1].pk}")
    assert found["base"] == pair[0].pk
    rows = {row["request"]: row["runs"] for row in found["endpoints"]}
    assert [rows[one][1]["mark"] for one in (A, B, C)] == ["removed", None, "new"]
    assert rows[A][1]["p95"] is None
    change = rows[B][1]["changes"]["p95"]
    assert (change["mark"], change["worse"]) == ("real", True)
    assert change["percent"] == pytest.approx(100 * change["difference"] / change["base"])
    assert change["batches"] == [14, 14]  # of 29 s: the first is left out
    assert change["batch_seconds"] == [2.0, 2.0]


def test_its_numbers_are_those_of_the_details(client: Client, pair: list[TestHistory]) -> None:
    found = asked(client, f"{pair[0].pk},{pair[1].pk}")["total"]["runs"]
    for part, run in zip(found, pair, strict=True):
        details = client.get(f"/test-history/{run.pk}/details").json()
        assert part["p95"] == details["p95_response_time"]
        assert part["error_rate"] == details["avg_error_rate"]
        assert part["total_requests"] == details["total_requests"]


def test_it_says_what_else_differs_and_how_it_judges(client: Client, pair: list[TestHistory]) -> None:
    found = asked(client, f"{pair[0].pk},{pair[1].pk}")
    assert {"name": "Release", "values": ["1.0", "1.1"]} in found["differing"]
    assert "Yuen" in found["test"]
    assert found["equal_runs_differ"]["p95"] == 3.0


@pytest.mark.parametrize("runs", ["", "1", "1,1", "1,2,3,4,5,6", "1,x", "1;2"])
def test_it_names_the_field_of_a_bad_choice(client: Client, alice: User, runs: str) -> None:
    client.force_login(alice)
    error = asked(client, runs, 422)["error"]
    assert error["details"][0]["field"] == "runs"
    assert error["message"]


def test_it_hides_foreign_runs(client: Client, pair: list[TestHistory], charlie: User) -> None:
    client.force_login(charlie)
    asked(client, f"{pair[0].pk},{pair[1].pk}", 404)
