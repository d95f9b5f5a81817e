"""REST: labels, releases, notes, pins, baselines and the trash."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.baselines import endpoint_set
from history.models import TestHistory
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from projects.models import Membership

SHOP = endpoint_set(["GET /products"])


@pytest.fixture
def run(alice: User) -> TestHistory:
    return run_of(project_of(alice), endpoint_set=SHOP)


@pytest.fixture
def caller(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def send(client: Client, verb: str, path: str, body: Any = None) -> Any:
    return getattr(client, verb)(path, data=body, content_type="application/json")


def test_what_is_left_out_stays(caller: Client, run: TestHistory) -> None:
    path = f"/test-history/{run.pk}"
    first = {"title": "Black Friday", "labels": ["nightly", "soak"], "release": "4.18", "pinned": True}
    answer = send(caller, "patch", path, first).json()
    assert {name: answer[name] for name in first} == first
    answer = send(caller, "patch", path, {"baseline": True}).json()
    assert {name: answer[name] for name in first} == first
    assert answer["baseline_id"] == run.pk
    answer = send(caller, "patch", path, {"labels": ["soak"], "release": "", "pinned": False, "baseline": False}).json()
    assert (answer["labels"], answer["release"], answer["pinned"], answer["baseline_id"]) == (["soak"], "", False, None)


def test_a_label_is_kept_once_and_tidy(caller: Client, run: TestHistory) -> None:
    answer = send(caller, "patch", f"/test-history/{run.pk}", {"labels": [" night  run ", "Night run", "", "야간"]})
    assert answer.json()["labels"] == ["night run", "야간"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"labels": ["x" * 61]}, "labels.0"),
        ({"labels": [str(number) for number in range(11)]}, "labels"),
        ({"labels": ["a\x00"]}, "labels.0"),
        ({"labels": "nightly"}, "labels"),
        ({"release": "x" * 61}, "release"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"pinned": "perhaps"}, "pinned"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(caller: Client, run: TestHistory, body: Any, field: str) -> None:
    answer = send(caller, "patch", f"/test-history/{run.pk}", {"release": "1", **body})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    run.refresh_from_db()
    assert run.release == ""


def test_a_run_that_lasts_is_no_baseline(caller: Client, alice: User) -> None:
    live = run_of(project_of(alice), Status.RUNNING, endpoint_set=SHOP)
    answer = send(caller, "patch", f"/test-history/{live.pk}", {"release": "2", "baseline": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    live.refresh_from_db()
    assert live.release == ""


def test_notes_have_an_author_and_belong_to_them(caller: Client, run: TestHistory, alice: User, bob: User) -> None:
    path = f"/test-history/{run.pk}/notes"
    answer = send(caller, "post", path, {"text": " The cache was cold. "})
    assert answer.status_code == 201
    note = answer.json()
    assert (note["author"], note["text"], note["changed_at"]) == ("alice", "The cache was cold.", None)
    changed = send(caller, "patch", f"{path}/{note['id']}", {"text": "It was warm."}).json()
    assert changed["text"] == "It was warm."
    assert changed["changed_at"]
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.MEMBER)
    caller.force_login(bob)
    assert send(caller, "patch", f"{path}/{note['id']}", {"text": "No."}).status_code == 403
    assert caller.delete(f"{path}/{note['id']}").status_code == 403
    assert caller.get(path).json()["count"] == 1
    caller.force_login(alice)
    assert caller.delete(f"{path}/{note['id']}").status_code == 204
    assert caller.get(path).json() == {"items": [], "count": 0}


def test_a_note_of_another_run_is_not_there(caller: Client, run: TestHistory) -> None:
    other = run_of(run.project)
    note = send(caller, "post", f"/test-history/{run.pk}/notes", {"text": "x"}).json()["id"]
    assert caller.delete(f"/test-history/{other.pk}/notes/{note}").status_code == 404


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 10_001, "\x00"])
def test_a_note_says_something(caller: Client, run: TestHistory, text: str) -> None:
    assert send(caller, "post", f"/test-history/{run.pk}/notes", {"text": text}).status_code == 422


def test_a_run_is_deleted_and_brought_back(caller: Client, run: TestHistory) -> None:
    path = f"/test-history/{run.pk}"
    assert caller.delete(path).status_code == 204
    assert caller.delete(path).status_code == 404
    assert caller.post(f"{path}/restore").json() == {"test_history_id": run.pk, "status": "completed"}
    assert caller.post(f"{path}/restore").status_code == 200
    assert caller.get(f"{path}/details").status_code == 200
    assert caller.post("/test-history/999999/restore").status_code == 404


def test_active_and_pinned_runs_are_not_deleted(caller: Client, run: TestHistory) -> None:
    live, pinned = run_of(run.project, Status.RUNNING), run_of(run.project, pinned=True)
    for kept, words in ((live, "active"), (pinned, "pinned")):
        answer = caller.delete(f"/test-history/{kept.pk}")
        assert answer.status_code == 409
        assert words in answer.json()["error"]["message"]
    assert not TestHistory.objects.exclude(deleted_at=None).exists()


def test_a_reader_looks_and_changes_nothing(client: Client, run: TestHistory, bob: User) -> None:
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    path = f"/test-history/{run.pk}"
    assert client.get(f"{path}/notes").status_code == 200
    assert send(client, "patch", path, {"pinned": True}).status_code == 403
    assert send(client, "post", f"{path}/notes", {"text": "x"}).status_code == 403
    assert client.delete(path).status_code == 403
    assert client.post(f"{path}/restore").status_code == 403


def test_a_stranger_learns_nothing(client: Client, run: TestHistory, charlie: User) -> None:
    client.force_login(charlie)
    path = f"/test-history/{run.pk}"
    for answer in (
        send(client, "patch", path, {"pinned": True}),
        client.get(f"{path}/notes"),
        send(client, "post", f"{path}/notes", {"text": "x"}),
        client.delete(path),
        client.post(f"{path}/restore"),
    ):
        assert answer.status_code == 404


def test_the_list_is_filtered_as_the_page_is(caller: Client, run: TestHistory, alice: User) -> None:
    bank = project_of(alice, "Bank")
    other = run_of(bank, Status.RUNNING, title="Refund burst", release="2.0")
    bad = run_of(bank, outcome=Outcome.TARGETS_MISSED, title="Refund burst", pinned=True)
    send(caller, "patch", f"/test-history/{run.pk}", {"labels": ["nightly"]})

    def found(query: str) -> list[int]:
        answer = caller.get(f"/test-history/simple?{query}").json()
        assert answer["count"] == len(answer["items"])
        return sorted(item["id"] for item in answer["items"])

    assert found("q=refund") == [other.pk, bad.pk]
    assert found("label=nightly") == [run.pk]
    assert found("release=2.0") == [other.pk]
    assert found("status=active") == [other.pk]
    assert found("outcome=targets_missed") == [bad.pk]
    assert found(f"project_id={run.project_id}") == [run.pk]
    assert found("pinned=true") == [bad.pk]
    assert found("q=refund&status=completed") == [bad.pk]
    assert caller.get("/test-history/simple?status=odd").status_code == 422
