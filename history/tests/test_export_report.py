"""The report: it stands alone, in the reader's language, and whatever a run is called stays text."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from history.exports.report import report
from history.models import RunNote
from history.tests.finished_runs import add_failure, finished

pytestmark = pytest.mark.django_db
SCRIPT = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ run.script }}"
VOID = {"meta", "br", "wbr", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Every element with its attributes, and whether each is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_it_needs_nothing_from_anywhere(alice: User) -> None:
    html = report(finished(alice))
    page = Page(html)
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "a", "form", "object"}
    assert not [name for _, attributes in page.elements for name in attributes if name in ("src", "href", "style")]
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s<\"]+", html) == []
    assert "url(" not in html
    assert "@import" not in html


def test_hostile_texts_stay_texts(alice: User) -> None:
    run = finished(alice, title=SCRIPT, description=SCRIPT, release=SCRIPT[:60])
    run.scenarios.update(name=SCRIPT, request_name=SCRIPT)
    for one in run.scenarios.all():
        one.steps.update(
            name=SCRIPT, request_name=SCRIPT, checks=[{"key": "c1", "kind": "x", "text": SCRIPT, "failed": 1}]
        )
    run.labels.create(text=SCRIPT[:60])
    RunNote.objects.create(test_history=run, author=alice, text=SCRIPT)
    sent = {"method": SCRIPT, "url": SCRIPT, "headers": {SCRIPT: SCRIPT}, "body": SCRIPT}
    got = {"status": 500, "status_text": SCRIPT, "headers": [[SCRIPT, SCRIPT]], "body": SCRIPT}
    add_failure(run, request=sent, response=got, error=SCRIPT, checks=[SCRIPT])
    page = Page(report(run))
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert sum("alert(1)" in words for words in page.words) > 10


def test_it_has_the_charts_of_what_was_measured(alice: User) -> None:
    page = Page(report(finished(alice)))
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    titles = "".join(page.words)
    assert len(pictures) >= 6
    for words in ("Throughput", "Response time", "Error rate", "Virtual users", "Dropped iterations"):
        assert words in titles


def test_it_speaks_the_readers_language(alice: User) -> None:
    run = finished(alice)
    with translation.override("ko"):
        html = report(run)
    assert '<html lang="ko">' in html
    assert "처리량" in html


def test_it_prints_page_by_page(alice: User) -> None:
    html = report(finished(alice))
    assert "@page" in html
    assert "size: A4" in html
    assert "table-header-group" in html


def test_a_long_body_is_cut_and_says_so(alice: User) -> None:
    run = finished(alice)
    add_failure(run, response={"status": 500, "headers": {}, "body": "x" * 50_000})
    html = report(run)
    assert "47,000 characters more" in html
    assert len(html) < 200_000


def test_a_failing_request_without_an_answer_is_shown(alice: User) -> None:
    run = finished(alice)
    add_failure(run, kind="0:1212", response=None, error="connection refused")
    assert "connection refused" in report(run)
