"""What people add to a run on its page: labels, release, notes, pin, baseline. Readers look."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from history.baselines import baseline_of, endpoint_set
from history.labelling import add_note, set_labels
from history.models import TestHistory
from history.states import Status
from history.tests.sample_runs import project_of, run_of
from projects.models import Membership

HTMX = {"HX-Request": "true", "accept": "text/html"}
BROWSER = {"accept": "text/html"}


@pytest.fixture
def run(alice: User) -> TestHistory:
    return run_of(project_of(alice), endpoint_set=endpoint_set(["GET /products"]))


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def labels(run: TestHistory) -> list[str]:
    return list(run.labels.values_list("text", flat=True))


def post(page: Client, run: TestHistory, action: str, **typed: Any) -> Any:
    return page.post(f"/runs/{run.pk}/{action}", typed, headers=HTMX)


def test_the_page_of_a_run_has_them_all(page: Client, run: TestHistory, alice: User) -> None:
    set_labels(run, ["nightly"])
    add_note(run, alice, "See https://wiki.example.com <b>now</b>")
    html = page.get(f"/runs/{run.pk}/", headers=BROWSER).content.decode()
    assert 'href="/runs/?label=nightly"' in html
    assert 'href="https://wiki.example.com"' in html
    assert "&lt;b&gt;now&lt;/b&gt;" in html
    assert all(f"/runs/{run.pk}/{action}" in html for action in ("pin", "baseline", "labels/add", "notes/add"))
    assert 'data-dialog="delete-runs"' in html


def test_labels_are_added_with_commas_between_and_removed(page: Client, run: TestHistory) -> None:
    html = post(page, run, "labels/add", labels="soak, nightly,").content.decode()
    assert html.strip().startswith('<div class="marks" id="run-marks">')
    assert labels(run) == ["nightly", "soak"]
    post(page, run, "labels/remove", label="soak")
    assert labels(run) == ["nightly"]


def test_a_label_that_is_too_long_is_said_beside_the_field(page: Client, run: TestHistory) -> None:
    answer = post(page, run, "labels/add", labels="x" * 61)
    assert answer.status_code == 422
    assert "At most 60 characters." in answer.content.decode()
    assert f'value="{"x" * 61}"' in answer.content.decode()
    assert labels(run) == []


def test_a_release_is_said_and_taken_back(page: Client, run: TestHistory) -> None:
    assert 'value="4.18"' in post(page, run, "release", release=" 4.18 ").content.decode()
    post(page, run, "release", release="")
    run.refresh_from_db()
    assert run.release == ""


def test_notes_are_written_changed_and_deleted_by_their_author(page: Client, run: TestHistory) -> None:
    html = post(page, run, "notes/add", text="Cold cache").content.decode()
    assert html.strip().startswith('<div class="stack tight" id="note-list">')
    note = run.notes.get()
    assert "Warm cache" in post(page, run, f"notes/{note.pk}/change", text="Warm cache").content.decode()
    post(page, run, f"notes/{note.pk}/delete")
    assert not run.notes.exists()


def test_an_empty_note_is_asked_for_again(page: Client, run: TestHistory, alice: User) -> None:
    answer = post(page, run, "notes/add", text="  ")
    assert (answer.status_code, run.notes.count()) == (422, 0)
    assert "Write a note." in answer.content.decode()
    note = add_note(run, alice, "x")
    answer = post(page, run, f"notes/{note.pk}/change", text="")
    assert "<details open>" in answer.content.decode()


def test_notes_of_others_are_theirs(page: Client, run: TestHistory, bob: User) -> None:
    Membership.objects.create(project=run.project, user=bob)
    note = add_note(run, bob, "Bob's")
    html = page.get(f"/runs/{run.pk}/", headers=BROWSER).content.decode()
    assert "Bob&#x27;s" in html
    assert f"notes/{note.pk}/delete" not in html
    assert post(page, run, f"notes/{note.pk}/delete").status_code == 403


def test_a_run_is_pinned_and_becomes_the_baseline(page: Client, run: TestHistory) -> None:
    page.post(f"/runs/{run.pk}/pin", {"pinned": "1"}, follow=True)
    html = page.post(f"/runs/{run.pk}/baseline", {"baseline": "1"}, follow=True, headers=BROWSER).content.decode()
    run.refresh_from_db()
    assert run.pinned
    assert baseline_of(run) == run
    assert "Unpin" in html
    assert "No longer the baseline" in html
    page.post(f"/runs/{run.pk}/pin", {"pinned": "0"})
    page.post(f"/runs/{run.pk}/baseline", {"baseline": "0"})
    run.refresh_from_db()
    assert (run.pinned, baseline_of(run)) == (False, None)


def test_a_run_without_numbers_says_why_it_is_no_baseline(page: Client, alice: User) -> None:
    run = run_of(project_of(alice), Status.FAILED, endpoint_set="x" * 40, total_requests=None)
    answer = page.post(f"/runs/{run.pk}/baseline", {"baseline": "1"}, follow=True, headers=BROWSER)
    assert "Only a run that is over and sent requests can be the baseline." in answer.content.decode()


def test_without_htmx_it_goes_back_to_the_page(page: Client, run: TestHistory) -> None:
    answer = page.post(f"/runs/{run.pk}/labels/add", {"labels": "x" * 61}, follow=True, headers=BROWSER)
    assert answer.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "At most 60 characters." in answer.content.decode()


ACTIONS = ["labels/add", "labels/remove", "release", "pin", "baseline", "notes/add", "notes/1/change", "notes/1/delete"]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_reader_changes_nothing(client: Client, run: TestHistory, bob: User, action: str) -> None:
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    assert client.post(f"/runs/{run.pk}/{action}", {"labels": "x"}, headers=HTMX).status_code == 403
    assert labels(run) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stranger_learns_nothing(client: Client, run: TestHistory, charlie: User, action: str) -> None:
    client.force_login(charlie)
    assert client.post(f"/runs/{run.pk}/{action}", headers=HTMX).status_code == 404
    assert client.get(f"/runs/{run.pk}/{action}", headers=HTMX).status_code == 405


def test_a_reader_sees_them_without_anything_to_press(client: Client, run: TestHistory, alice: User, bob: User) -> None:
    set_labels(run, ["nightly"])
    add_note(run, alice, "Cold cache")
    Membership.objects.create(project=run.project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    html = client.get(f"/runs/{run.pk}/", headers=BROWSER).content.decode()
    assert "Cold cache" in html
    assert "nightly" in html
    assert not any(f"/runs/{run.pk}/{action}" in html for action in ("pin", "labels", "notes", "release"))
    assert "delete-runs" not in html
