"""A member asks for a host, an administrator decides; what is set for everybody stays allowed."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from loadtests import approving, guard
from loadtests.models import LoadLimits, TargetRequest
from loadtests.tests.shop import make_plan, make_shop
from metricvault.lib.errors import Conflict, Refused, TooMany
from projects.models import AuditEntry, Membership, Project

HOST = "shop.example.org:8443"


@pytest.fixture
def project(alice: User, bob: User, settings: Any) -> Project:
    """Alice owns it, bob is a member, rita reads it. One host is allowed to all."""
    settings.METRICVAULT_ALLOWED_TARGETS = ["*.example.com"]
    project, (products, *_rest) = make_shop(alice, bob)
    make_plan(project, products)
    rita = User.objects.create_user("rita")
    Membership.objects.create(project=project, user=rita, role=Membership.Role.READER)
    return project


@pytest.fixture
def waiting(project: Project, bob: User) -> TargetRequest:
    return approving.ask(project, bob, HOST, "New checkout, its owner knows")


def as_user(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" shop.example.org ", "shop.example.org"),
        ("SHOP.example.org:8443", "shop.example.org:8443"),
        ("https://user@shop.example.org:8443/v1?x", "shop.example.org:8443"),
        ("https://shop.example.org:443/", "shop.example.org"),
        ("*.Example.org", "*.example.org"),
        ("10.1.2.3", "10.1.2.3"),
        ("http://0x0a.1.2.3:80/", "10.1.2.3"),
        ("[fd00::0:1]:8080", "[fd00::1]:8080"),
    ],
)
def test_a_host_is_asked_for_in_one_form(project: Project, bob: User, typed: str, kept: str) -> None:
    assert approving.ask(project, bob, typed, "Why").rule == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write a host"),
        ("*", "Write a host"),
        ("10.0.0.0/8", "Write a host"),
        ("+", "Write a host"),
        ("a b", "Write a host"),
        ("shop.example.org:99999", "Write a host"),
        ("http://169.254.169.254/latest", "never loaded"),
        ("2852039166", "never loaded"),
        ("[::ffff:169.254.169.254]:80", "never loaded"),
        ("metadata.google.internal", "never loaded"),
        ("api.example.com", "may be loaded already"),
        ("*.example.com", "may be loaded already"),
    ],
)
def test_what_cannot_be_asked_for_is_said(project: Project, bob: User, typed: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        approving.ask(project, bob, typed, "Why")
    assert [one.field for one in caught.value.details] == ["rule"]


def test_who_asks_says_what_for_and_nobody_asks_twice(project: Project, bob: User, alice: User) -> None:
    with pytest.raises(Refused, match="what the host is loaded for"):
        approving.ask(project, bob, HOST, " \n ")
    approving.ask(project, bob, HOST, "Why")
    with pytest.raises(Refused, match="has asked for shop.example.org:8443 already"):
        approving.ask(project, alice, HOST, "Why")


def test_a_project_has_only_so_many_requests_that_wait(
    project: Project, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approving, "MOST_WAITING", 1)
    approving.ask(project, bob, HOST, "Why")
    with pytest.raises(TooMany):
        approving.ask(project, bob, "other.example.org", "Why")


def test_approving_adds_the_host_and_takes_nothing_away(
    project: Project, waiting: TargetRequest, administrator: User, settings: Any
) -> None:
    approving.approve(waiting, administrator, " Until  Friday ", timezone.now())
    assert LoadLimits.objects.get(project=project).allowed_targets == ["+", HOST]
    assert guard.limits_of(project).allowed_targets == ("*.example.com", HOST)
    settings.METRICVAULT_ALLOWED_TARGETS = ["api.example.net"]  # what is set for all later holds here, too
    assert guard.limits_of(project).allowed_targets == ("api.example.net", HOST)
    assert (waiting.state, waiting.decided_by, waiting.answer) == ("approved", administrator, "Until Friday")
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "before", "after", "detail")
    assert list(entries)[-1] == (
        "approved", "administrator", {"allowed_targets": []}, {"allowed_targets": ["+", HOST]}, "Until Friday",
    )  # fmt: skip


def test_approving_keeps_a_list_that_stands_in_place_of_what_is_set_for_all(
    project: Project, waiting: TargetRequest, administrator: User
) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["a.example.net"], max_vus=5)
    approving.approve(waiting, administrator, "", timezone.now())
    own = LoadLimits.objects.get(project=project)
    assert (own.allowed_targets, own.max_vus) == (["a.example.net", HOST], 5)


def test_denying_needs_a_reason_and_changes_nothing_else(
    project: Project, waiting: TargetRequest, administrator: User
) -> None:
    with pytest.raises(Refused, match="Write why"):
        approving.deny(waiting, administrator, " ", timezone.now())
    approving.deny(waiting, administrator, "Not ours", timezone.now())
    assert (waiting.state, waiting.answer) == ("denied", "Not ours")
    assert not LoadLimits.objects.exists()
    assert AuditEntry.objects.filter(action="denied", detail="Not ours", project=project).exists()
    approving.ask(project, administrator, HOST, "Its owner agreed")  # may be asked again


def test_a_request_is_decided_once(waiting: TargetRequest, administrator: User) -> None:
    other = TargetRequest.objects.get(pk=waiting.pk)
    approving.deny(waiting, administrator, "Not ours", timezone.now())
    with pytest.raises(Conflict, match="decided already"):
        approving.approve(other, administrator, "", timezone.now())
    assert not LoadLimits.objects.exists()


def test_a_refused_plan_leads_to_the_form_filled_in(project: Project, alice: User) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["other.example.org"])
    plan = project.plans.get()
    client = as_user("bob")
    link = f"/projects/{project.pk}/targets?host=api.example.com#ask"
    page = client.get(f"/tests/{plan.pk}/").content.decode()
    assert page.count(link) == 2  # beside the problems, and in the dialog that would start it
    assert f"Ask an administrator for approval at /projects/{project.pk}/targets." in page
    assert link in client.post(f"/tests/{plan.pk}/try").content.decode()
    form = client.get(link.partition("#")[0]).content.decode()
    assert 'value="api.example.com"' in form
    assert link not in as_user("rita").get(f"/tests/{plan.pk}/").content.decode()
    approving.ask(project, alice, "api.example.com", "Why")
    page = client.get(f"/tests/{plan.pk}/").content.decode()
    assert link not in page
    assert "api.example.com waits for approval" in page


def test_a_member_asks_on_the_page_of_the_project(project: Project) -> None:
    client, address = as_user("bob"), f"/projects/{project.pk}/targets"
    refused = client.post(address, {"rule": "nope nope", "reason": ""})
    assert refused.status_code == 422
    assert "Write a host" in refused.content.decode()
    assert "what the host is loaded for" in refused.content.decode()
    page = client.post(address, {"rule": HOST, "reason": "<b>Checkout</b>"}, follow=True).content.decode()
    assert "An administrator is asked for shop.example.org:8443." in page
    assert "&lt;b&gt;Checkout&lt;/b&gt;" in page
    row = TargetRequest.objects.get()
    assert (row.rule, row.asked_by) == (HOST, User.objects.get(username="bob"))
    assert AuditEntry.objects.filter(action="asked", actor_name="bob", detail="<b>Checkout</b>").exists()


@pytest.mark.parametrize(
    ("name", "sees", "asks", "decides"),
    [
        ("alice", (200, True), 422, 403),
        ("bob", (200, True), 422, 403),
        ("rita", (200, False), 403, 403),
        ("charlie", (404, False), 404, 403),
        ("administrator", (200, True), 422, 302),
    ],
)
def test_who_may_do_what(
    waiting: TargetRequest, charlie: User, administrator: User, name: str, sees: Any, asks: int, decides: int
) -> None:
    client, address = as_user(name), f"/projects/{waiting.project_id}/targets"
    page = client.get(address)
    assert (page.status_code, HOST in page.content.decode()) == sees
    assert ("/approve" in page.content.decode()) is (name == "administrator")
    assert client.post(address).status_code == asks
    assert client.get("/targets/requests").status_code == (200 if decides == 302 else 403)
    for way in ("approve", "deny"):
        assert client.post(f"/targets/requests/{waiting.pk}/{way}", {"answer": "x"}).status_code == decides
    waiting.refresh_from_db()
    assert (waiting.state == "waiting") is (decides == 403)


def test_an_administrator_finds_what_waits_and_decides(waiting: TargetRequest, administrator: User) -> None:
    client = as_user("administrator")
    assert 'class="nav-count">1<' in client.get("/projects/").content.decode()
    page = client.get("/targets/requests").content.decode()
    assert HOST in page
    assert "New checkout, its owner knows" in page
    done = client.post(f"/targets/requests/{waiting.pk}/approve", {"back": "project"}, follow=True)
    assert done.request["PATH_INFO"] == f"/projects/{waiting.project_id}/targets"
    assert "Storefront may load shop.example.org:8443 now." in done.content.decode()
    again = client.post(f"/targets/requests/{waiting.pk}/deny", {"answer": "No"}, follow=True).content.decode()
    assert "decided already" in again
    assert "Nothing waits" in again
    assert client.post("/targets/requests/999/approve").status_code == 404


def test_a_token_of_one_project_decides_nothing(waiting: TargetRequest, administrator: User) -> None:
    from loadtests.access import is_administrator

    assert is_administrator(administrator)
    administrator.only_project_id = waiting.project_id  # type: ignore[attr-defined]  # as projects.api_tokens does
    assert not is_administrator(administrator)


def test_the_administration_decides_many_at_once(project: Project, waiting: TargetRequest, administrator: User) -> None:
    other = approving.ask(project, administrator, "other.example.org", "Why")
    client, address = as_user("administrator"), "/admin/loadtests/targetrequest/"
    assert HOST in client.get(address).content.decode()
    assert client.get(f"{address}add/").status_code == 403
    picked = {"action": "approve", "_selected_action": [waiting.pk, other.pk]}
    assert "2 requests are decided." in client.post(address, picked, follow=True).content.decode()
    assert LoadLimits.objects.get().allowed_targets == ["+", HOST, "other.example.org"]
    assert "0 requests are decided." in client.post(address, {**picked, "action": "deny"}, follow=True).content.decode()
    assert client.post(f"{address}{waiting.pk}/change/", {"state": "denied"}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "approved"


def test_the_page_shows_rules_and_caps_and_whose_they_are(project: Project, settings: Any) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["+", HOST], max_vus=123, max_runs=3)
    settings.METRICVAULT_MAX_RUNS = 44
    page = as_user("rita").get(f"/projects/{project.pk}/targets").content.decode()
    for text in ("*.example.com", "set for all", HOST, "this project", "123", "44"):
        assert text in page
    assert "Ask for a host" not in page
    settings.METRICVAULT_ALLOWED_TARGETS = ["*"]
    page = as_user("bob").get(f"/projects/{project.pk}/targets").content.decode()
    assert "Every host, except for" in page
    assert "Ask for a host" not in page
