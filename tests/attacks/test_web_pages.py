"""Attacks by a page that a tester happens to have open. Each is tried twice: as the product stands, and without its
guard, where it has to succeed."""

import json
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from history.tests.recorded_history import recorded_rows
from metricvault import headers as answered_with
from metricvault import middleware
from projects.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
EVIL = "https://evil.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
# What a browser says of a request that a page of `EVIL` makes.
OF_A_FORM = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
OF_A_SCRIPT = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}
OF_A_SANDBOX = {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
OF_ANOTHER_PORT = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
WITHOUT_METADATA = {"Origin": EVIL}
WITHOUT_ORIGIN = {"Referer": f"{EVIL}/page"}
CROSS_SITE = [OF_A_FORM, OF_A_SCRIPT, OF_A_SANDBOX, OF_ANOTHER_PORT, WITHOUT_METADATA, WITHOUT_ORIGIN]
PROJECT = json.dumps({"title": "Made by a stranger"})


@pytest.fixture
def browser(settings: Settings) -> Client:
    """A tester's browser on an open-access copy: nobody asks it for a password, so nothing but these rules protects."""
    settings.METRICVAULT_OPEN_ACCESS = True
    return Client(headers={"User-Agent": BROWSER, "Host": "127.0.0.1:8000"})


def without(settings: Settings, *names: str) -> None:
    """Takes middleware away."""
    settings.MIDDLEWARE = [one for one in product_settings.MIDDLEWARE if one.rpartition(".")[2] not in names]


def made() -> bool:
    return Project.objects.filter(title="Made by a stranger").exists()


# Cross-site start, on a copy with open access.


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("page", CROSS_SITE)
def test_no_other_page_sends_json(browser: Client, settings: Settings, page: dict[str, str], guarded: bool) -> None:
    """Whatever way it found around the preflight: it is not asked here."""
    if not guarded:
        without(settings, "SameOriginMiddleware")
    answer = browser.post("/project", PROJECT, content_type="application/json", headers=page)
    assert (answer.status_code, made()) == ((403, False) if guarded else (201, True))


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_no_form_of_an_old_browser_makes_anything(
    browser: Client, settings: Settings, kind: str, guarded: bool
) -> None:
    """One that says neither where it comes from nor whose page sent it. JSON fits into a form of text/plain."""
    if not guarded:
        without(settings, "BodyMiddleware")
    answer = browser.post("/project", PROJECT, content_type=kind)
    assert (answer.status_code, made()) == ((415, False) if guarded else (201, True))


@pytest.mark.parametrize("guarded", [True, False])
def test_no_form_without_a_field_stops_or_starts_a_run(browser: Client, settings: Settings, guarded: bool) -> None:
    run = recorded_rows(User.objects.create(username="owner"), "running", pushes=0)
    if not guarded:
        without(settings, "BodyMiddleware")
    answer = browser.post(f"/test-history/{run.pk}/stop", "", content_type="application/x-www-form-urlencoded")
    run.refresh_from_db()
    assert answer.status_code == (403 if guarded else 202)
    assert (run.stop_requested_at is None) is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_no_form_with_a_file_brings_a_document(browser: Client, settings: Settings, guarded: bool) -> None:
    """There forms are taken: from a program, or a page that a browser says is ours."""
    project = Project.objects.create(title="Shop")
    document = json.dumps({"openapi": "3.0.0", "info": {"title": "x", "version": "1"}, "paths": {}})
    body = {"project_id": project.pk, "document": document}
    if not guarded:
        without(settings, "BodyMiddleware")
    assert browser.post("/openapi/analyze", body).status_code == (403 if guarded else 201)
    ours = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/openapi/analyze", body, headers=ours).status_code == 201
    assert browser.post("/openapi/analyze", body, headers={"User-Agent": "curl/8.5"}).status_code == 201


# CSRF: an action of a page, for somebody who is logged in.


@pytest.mark.parametrize("guarded", [True, False])
def test_a_form_elsewhere_makes_no_project(alice: User, settings: Settings, guarded: bool) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    if not guarded:
        without(settings, "CsrfViewMiddleware")
    answer = client.post("/projects/new", {"title": "Made by a stranger"})
    assert (answer.status_code, made()) == ((403, False) if guarded else (302, True))


# Reading: a script, a picture, an EventSource, a frame on another page.


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("place", ["/project", "/api/openapi.json", "/sse/k6-data", "/runs/"])
@pytest.mark.parametrize(
    "page",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": EVIL},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Referer": f"{EVIL}/", "Accept": "*/*"},
        {"Origin": "null"},
    ],
)
def test_no_other_page_reads(
    browser: Client, settings: Settings, place: str, page: dict[str, str], guarded: bool
) -> None:
    if not guarded:
        without(settings, "SameOriginMiddleware")
    answer: Any = browser.get(place, headers=page)
    answer.close()
    assert answer.status_code == (403 if guarded else 200)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_link_from_elsewhere_leads_here(browser: Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    old = {"Referer": f"{EVIL}/", "Accept": "text/html,*/*;q=0.8"}
    assert [browser.get("/runs/", headers=page).status_code for page in (link, old)] == [200, 200]


@pytest.mark.parametrize("guarded", [True, False])
def test_json_is_no_script(browser: Client, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    """For a browser that says nothing at all: it runs nothing that is not called a script, and hands nothing over."""
    if not guarded:
        monkeypatch.setattr(answered_with, "_ALWAYS", {})
    answer = browser.get("/project", headers={"Accept": "*/*"})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert ("Cross-Origin-Resource-Policy" in answer.headers) is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_no_page_is_shown_inside_of_another(browser: Client, settings: Settings, guarded: bool) -> None:
    """Clickjacking: ours below, invisible, under what the tester believes to press."""
    if not guarded:
        without(settings, "CSPMiddleware", "XFrameOptionsMiddleware", "HeadersMiddleware")
    answer = browser.get("/runs/", headers={"Accept": "text/html"})
    framed = "frame-ancestors 'none'" not in answer.headers.get("Content-Security-Policy", "")
    assert framed is not guarded
    assert (answer.headers.get("X-Frame-Options") == "DENY") is guarded


# DNS rebinding: the attacker's own name, which all at once means this machine. For the browser it is one origin.


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("place", ["/", "/project", "/runs/", "/sse/k6-data"])
def test_a_name_of_somebody_else_is_not_ours(browser: Client, settings: Settings, place: str, guarded: bool) -> None:
    if not guarded:
        settings.ALLOWED_HOSTS = ["*"]
    page = {"Host": "evil.example:8000", "Sec-Fetch-Site": "same-origin", "Referer": "http://evil.example:8000/"}
    answer: Any = browser.get(place, headers=page)
    answer.close()
    assert answer.status_code == (400 if guarded else 200)


# A copy without login that is reached from another machine after all.


@pytest.mark.parametrize("guarded", [True, False])
def test_a_copy_without_login_answers_its_own_machine(
    browser: Client, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(middleware, "is_loopback", lambda address: True)
    answer = browser.get("/project", REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == (403 if guarded else 200)
    assert browser.get("/project", REMOTE_ADDR="::1").status_code == 200
