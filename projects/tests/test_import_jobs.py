"""An import that a person starts on the page: its steps, what is shown before it is applied, and how it may end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from projects import importing, sources
from projects.fetching import Fetched, SecretHeaders
from projects.models import DocumentImport, Endpoint, OpenApiSpec, Project
from projects.spec_import import analyze
from projects.tests.documents import with_paths

URL = "http://one.example/openapi.json"
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def operation(summary: str = "") -> dict[str, Any]:
    return {"get": {"summary": summary}}


def answering(document: Any) -> Any:
    """A server that gives `document`, a fake of `fetch`."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return mock.patch("projects.discovery.fetch", return_value=Fetched(text, "utf-8", "application/json", URL))


def asked(project: Project, user: User) -> DocumentImport:
    """An import of URL that waits for a worker."""
    with mock.patch("projects.sending.send", return_value=True):
        return importing.begin(project, user, url=URL)


def carried_out(row: DocumentImport, document: Any = None) -> DocumentImport:
    with answering(document):
        importing.carry_out(row.pk)
    row.refresh_from_db()
    return row


def in_review(project: Project, user: User, before: Any, after: Any) -> DocumentImport:
    with answering(before):
        analyze(project, url=URL)
    return carried_out(asked(project, user), after)


OLD = with_paths({"/a": operation("old"), "/b": operation(), "/gone": operation()})
NEW = with_paths({"/a": operation("new"), "/b": operation(), "/fresh": operation()})


def test_an_address_waits_for_a_worker_and_is_imported_by_it(shop: Project, alice: User) -> None:
    row = asked(shop, alice)
    assert (row.state, OpenApiSpec.objects.count()) == ("waiting", 0)
    row = carried_out(row, OLD)
    assert (row.state, row.openapi_spec) == ("done", OpenApiSpec.objects.get())
    assert row.changes == {"created": True, "count": 3, "added": 3, "changed": 0, "removed": 0}


def test_a_large_text_waits_and_a_small_one_does_not(shop: Project, alice: User) -> None:
    small = json.dumps(OLD).encode()
    large = json.dumps(with_paths({"/a": operation("x" * importing.SMALL)}, info={"title": "Large"})).encode()
    with mock.patch("projects.sending.send", return_value=True) as send:
        assert importing.begin(shop, alice, payload=sources.Payload("file", small)).state == "done"
        assert send.call_count == 0
        waiting = importing.begin(shop, alice, payload=sources.Payload("file", large, name="large.json"))
    assert waiting.state == "waiting"
    assert send.call_args.args == ("carry_out_import", waiting.pk)
    importing.carry_out(waiting.pk)
    assert set(OpenApiSpec.objects.values_list("title", flat=True)) == {"T", "Large"}


def test_where_redis_is_away_it_is_imported_at_once(shop: Project, alice: User) -> None:
    with answering(OLD), mock.patch("projects.tasks.carry_out_import.delay", side_effect=OperationalError("away")):
        assert importing.begin(shop, alice, url=URL).state == "done"


def test_the_same_document_again_is_not_shown_but_said(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, OLD)
    assert row.state == "done"
    assert row.changes == {"created": False, "count": 3, "added": 0, "changed": 0, "removed": 0}


def test_what_changes_no_endpoint_needs_no_look(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, {**OLD, "x-build": 5})
    assert (row.state, OpenApiSpec.objects.get().document.count("x-build")) == ("done", 1)


def test_changes_are_shown_before_they_are_applied(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, NEW)
    assert row.state == "review"
    assert row.changes == {
        "added": [["GET", "/fresh"]],
        "changed": [["GET", "/a", ["summary"]]],
        "removed": [["GET", "/gone"]],
        "about": [],
        "plans": [],
    }
    assert set(Endpoint.objects.values_list("path", "summary")) == {("/a", "old"), ("/b", ""), ("/gone", "")}


def test_another_title_version_or_server_is_a_change_too(shop: Project, alice: User) -> None:
    moved = {**OLD, "info": {"title": "Renamed", "version": "2"}, "servers": [{"url": "https://moved.example"}]}
    row = in_review(shop, alice, OLD, moved)
    assert row.changes is not None
    assert row.changes["about"] == [
        ["title", "T", "Renamed"],
        ["version", "1", "2"],
        ["base_url", "https://api.example.com", "https://moved.example"],
    ]


def test_what_is_applied_is_what_was_shown(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, NEW)
    with answering(with_paths({"/a": operation("newer")})) as fetch:
        row = importing.confirm(row)
    assert fetch.call_count == 0
    assert row.state == "done"
    assert row.payload is None
    assert set(Endpoint.objects.values_list("path", "summary")) == {("/a", "new"), ("/b", ""), ("/fresh", "")}


def test_changes_that_grew_old_are_shown_again(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, NEW)
    with answering(with_paths({"/a": operation("new"), "/b": operation()})):
        analyze(shop, url=URL)
    row = importing.confirm(row)
    assert row.state == "review"
    assert "by somebody else meanwhile" in row.message
    assert row.changes is not None
    assert (row.changes["added"], row.changes["changed"], row.changes["removed"]) == ([["GET", "/fresh"]], [], [])
    assert importing.confirm(row).state == "done"


def test_a_discarded_import_changes_nothing(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, NEW)
    importing.discard(row)
    assert importing.confirm(row).state == "discarded"
    row.refresh_from_db()
    assert row.payload is None
    assert Endpoint.objects.filter(path="/gone").exists()


def test_a_refusal_ends_it_with_a_sentence(shop: Project, alice: User) -> None:
    row = carried_out(asked(shop, alice), b"<html>login</html>")
    assert (row.state, OpenApiSpec.objects.count()) == ("failed", 0)
    assert "web page" in row.message


def test_the_sentence_is_in_the_language_of_who_asked(shop: Project, alice: User) -> None:
    row = asked(shop, alice)
    DocumentImport.objects.update(language="ko")
    assert "니다" in carried_out(row, b"<html>login</html>").message


def test_what_nobody_foresaw_ends_it_with_an_incident(shop: Project, alice: User) -> None:
    row = asked(shop, alice)
    with mock.patch("projects.sources.fetch_source", side_effect=RuntimeError("s3cret")):
        importing.carry_out(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "incident number" in row.message
    assert "s3cret" not in row.message


def test_one_import_at_a_time(shop: Project, alice: User) -> None:
    first, second = asked(shop, alice), asked(shop, alice)
    DocumentImport.objects.filter(pk=first.pk).update(state="reading")
    assert not importing.carry_out(second.pk)
    DocumentImport.objects.filter(pk=first.pk).update(state="done")
    assert carried_out(second, OLD).state == "done"


def test_two_workers_do_not_do_the_same_import(shop: Project, alice: User) -> None:
    row = asked(shop, alice)
    with answering(OLD) as fetch:
        fetch.side_effect = lambda *args, **more: importing.carry_out(row.pk) and fetch.return_value
        importing.carry_out(row.pk)
    assert fetch.call_count == 1


@pytest.mark.parametrize("end", [importing.discard, lambda row: importing._fail(row, "lost")])
def test_what_was_given_up_meanwhile_writes_nothing(
    shop: Project, alice: User, end: Callable[[DocumentImport], None]
) -> None:
    row = asked(shop, alice)
    with answering(OLD) as fetch:
        fetch.side_effect = lambda *args, **more: end(row) or fetch.return_value
        importing.carry_out(row.pk)
    row.refresh_from_db()
    assert row.state in ("discarded", "failed")
    assert (OpenApiSpec.objects.count(), Endpoint.objects.count()) == (0, 0)


def died(row: DocumentImport, state: str, attempts: int = 1, minutes: int = 3) -> None:
    long_ago = timezone.now() - timedelta(minutes=minutes)
    DocumentImport.objects.filter(pk=row.pk).update(state=state, attempts=attempts, changed_at=long_ago)


@pytest.mark.parametrize("state", importing.ACTIVE)
def test_a_dead_worker_is_found_and_its_import_begins_again(shop: Project, alice: User, state: str) -> None:
    row = asked(shop, alice)
    died(row, state)
    assert importing.tend(timezone.now()) == [row.pk]
    assert carried_out(row, OLD).state == "done"


def test_what_kills_two_workers_is_given_up_with_a_sentence(shop: Project, alice: User) -> None:
    row = asked(shop, alice)
    died(row, "reading", attempts=2)
    assert importing.tend(timezone.now()) == []
    row.refresh_from_db()
    assert (row.state, row.payload) == ("failed", None)
    assert "ended in the middle, twice" in row.message


@pytest.mark.parametrize(("state", "said"), [("waiting", "No worker"), ("reading", "ended in the middle")])
def test_the_page_never_waits_for_ever(shop: Project, alice: User, alice_client: Client, state: str, said: str) -> None:
    row = asked(shop, alice)
    died(row, state)
    html = alice_client.get(reverse("projects:import-steps", args=[row.pk]), headers=HTMX).content.decode()
    assert said in html
    assert "hx-trigger" not in html


def test_forgotten_reviews_and_old_rows_go(shop: Project, alice: User) -> None:
    row = in_review(shop, alice, OLD, NEW)
    died(row, "review", minutes=60 * 24 * 8)
    importing.tend(timezone.now())
    row.refresh_from_db()
    assert (row.state, row.payload) == ("discarded", None)
    died(row, "discarded", minutes=60 * 24 * 31)
    importing.tend(timezone.now())
    assert not DocumentImport.objects.exists()


def test_progress_is_shown_and_the_rest_of_the_product_goes_on(
    shop: Project, alice: User, alice_client: Client
) -> None:
    row = asked(shop, alice)
    address = reverse("projects:import-steps", args=[row.pk])
    steps = {"waiting": "Waiting for a worker", "fetching": "Fetching: 2.0", "reading": "Reading the document"}
    for state, said in steps.items():
        DocumentImport.objects.update(state=state, size=2 * 1024**2, changed_at=timezone.now())
        html = alice_client.get(address, headers=HTMX).content.decode()
        assert said in html
        assert "hx-trigger" in html
        assert "<html" not in html
    assert address in alice_client.get(reverse("projects:detail", args=[shop.pk])).content.decode()


def test_the_page_goes_to_the_document_when_it_is_done(shop: Project, alice: User, alice_client: Client) -> None:
    row = carried_out(asked(shop, alice), OLD)
    answer = alice_client.get(reverse("projects:import-steps", args=[row.pk]), headers=HTMX)
    assert answer.headers["HX-Redirect"] == reverse("projects:spec", args=[row.openapi_spec_id])
    assert "3 endpoints" in alice_client.get(answer.headers["HX-Redirect"]).content.decode()


def test_the_page_shows_changes_and_applies_them(shop: Project, alice: User, alice_client: Client) -> None:
    row = in_review(shop, alice, OLD, NEW)
    html = alice_client.get(reverse("projects:import-steps", args=[row.pk])).content.decode()
    for name in ("added", "changed", "removed"):
        assert f'data-changes="{name}">1<' in html
    for path in ("fresh", "gone"):
        assert f"/<wbr>{path}<" in html
    spec = reverse("projects:spec", args=[row.openapi_spec_id])
    assert "Nothing is changed yet" in alice_client.get(spec).content.decode()
    answer = alice_client.post(reverse("projects:import-confirm", args=[row.pk]))
    assert answer.headers["Location"] == spec
    assert "1 endpoints are new, 1 changed, 1 are gone" in alice_client.get(spec).content.decode()


def test_the_page_discards(shop: Project, alice: User, alice_client: Client) -> None:
    row = in_review(shop, alice, OLD, NEW)
    answer = alice_client.post(reverse("projects:import-discard", args=[row.pk]))
    assert answer.headers["Location"] == reverse("projects:spec", args=[row.openapi_spec_id])
    assert Endpoint.objects.filter(path="/gone").exists()


@pytest.mark.parametrize("name", ["import-steps", "import-confirm", "import-discard"])
def test_strangers_and_readers_are_kept_out(
    shop: Project, alice: User, charlie_client: Client, rita_client: Client, name: str
) -> None:
    row = in_review(shop, alice, OLD, NEW)
    method = "get" if name == "import-steps" else "post"
    address = reverse(f"projects:{name}", args=[row.pk])
    assert getattr(charlie_client, method)(address).status_code == 404
    assert getattr(rita_client, method)(address).status_code == 403
    row.refresh_from_db()
    assert row.state == "review"


def test_headers_wait_encrypted_with_the_import(shop: Project, alice: User) -> None:
    secret = SecretHeaders("http://one.example:80", (("Authorization", "s3cret"),))
    with mock.patch("projects.sending.send", return_value=True):
        row = importing.begin(shop, alice, url=URL, secret=secret)
    assert row.sealed_headers
    with answering(OLD) as fetch:
        importing.carry_out(row.pk)
    assert fetch.call_args.kwargs["secret"] == secret
