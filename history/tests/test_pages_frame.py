"""What stands around every page, and the rules every page keeps."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from history.states import Status
from history.tests.sample_runs import project_of, run_of

BROWSER = {"accept": "text/html"}
TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))
OWN_SCRIPTS = [*Path(settings.BASE_DIR, "static").rglob("*.js")]  # k6's skeleton is no page's


def test_the_navigation_counts_the_runs_that_are_active(client: Client, alice: User, charlie: User) -> None:
    run_of(project_of(alice), Status.RUNNING)
    client.force_login(alice)
    assert "data-live-count" in client.get("/runs/", headers=BROWSER).content.decode()
    client.force_login(charlie)
    assert "data-live-count" not in client.get("/runs/", headers=BROWSER).content.decode()


def test_only_staff_sees_the_way_to_the_admin(client: Client, alice: User, administrator: User) -> None:
    client.force_login(alice)
    assert 'href="/admin/"' not in client.get("/runs/", headers=BROWSER).content.decode()
    client.force_login(administrator)
    assert 'href="/admin/"' in client.get("/runs/", headers=BROWSER).content.decode()


def test_the_language_switch_keeps_the_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    html = client.get("/runs/?q=peak", headers=BROWSER).content.decode()
    assert '<input type="hidden" name="next" value="/runs/?q=peak">' in html
    answer = client.post("/i18n/setlang/", {"language": "ko", "next": "/runs/?q=peak"})
    assert answer.status_code == 302
    assert answer.url == "/runs/?q=peak"  # type: ignore[attr-defined]
    assert '<html lang="ko">' in client.get("/runs/", headers=BROWSER).content.decode()


def test_the_login_page_needs_no_login(client: Client, db: None) -> None:
    html = client.get("/accounts/login/?next=/runs/", headers=BROWSER).content.decode()
    assert 'name="password"' in html
    assert '<nav class="nav"' not in html


def test_an_unknown_address_says_so_in_the_frame(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.get("/nowhere", headers=BROWSER)
    assert answer.status_code == 404
    assert 'data-error="404"' in answer.content.decode()


def test_an_error_answers_htmx_with_a_toast(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.get("/runs/99999/", headers={**BROWSER, "HX-Request": "true"})
    assert answer.status_code == 404
    assert answer.content.decode().strip().startswith('<div class="toast bad"')


def test_no_template_breaks_the_content_security_policy() -> None:
    forbidden = re.compile(
        r"\sstyle\s*=|<style[\s>]|\son(?!ly=)[a-z]+\s*=\s*[\"']|\shx-on|hx-vals=.js:|<script(?![^>]*src=)"
    )
    alone = {"report.html"}  # a file to be kept: it has its style in itself, and a stricter policy of its own
    found = {
        str(path): forbidden.findall(path.read_text(encoding="utf-8")) for path in TEMPLATES if path.name not in alone
    }
    assert {path: hits for path, hits in found.items() if hits} == {}


def test_no_template_is_longer_than_150_lines() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in TEMPLATES}
    assert {path: length for path, length in lengths.items() if length > 150} == {}


def test_own_javascript_stays_under_520_lines() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in OWN_SCRIPTS}
    assert "app.js" in lengths
    assert sum(lengths.values()) <= 520


def test_no_page_nests_a_form_in_a_form(client: Client, alice: User) -> None:
    client.force_login(alice)
    run = run_of(project_of(alice))
    for path in ("/", "/runs/", f"/runs/{run.pk}/", "/accounts/login/"):
        tags = re.findall(r"<(/?)form[\s>]", client.get(path, headers=BROWSER).content.decode())
        assert tags == ["", "/"] * (len(tags) // 2)
