"""k6's own dashboard: how it is asked for, and what is let through of it."""

import base64
import gzip
from dataclasses import replace

import pytest

from loadtests.k6.dashboard import (
    MOST_POINTS,
    content_type,
    dashboard_environment,
    is_stop,
    period,
    shown_report,
    without_folder,
)
from loadtests.k6.plan import StagePlan, to_json
from loadtests.k6.plan_json import from_json
from loadtests.runners.manifests import DASHBOARD_PORT
from loadtests.tests.conftest import run_plan, scenario

ASKED = replace(run_plan(scenario(stages=(StagePlan(600, 2),))), k6_dashboard=True)


def report_of(events: bytes, end: str = "</body>\n</html>\n") -> str:
    packed = base64.b64encode(gzip.compress(events, mtime=0)).decode()
    kind = "application/json; charset=utf-8; gzip; base64"
    return f'<!doctype html><script id="data" type="{kind}">{packed}</script>{end}'


def events_of(report: str) -> bytes:
    return gzip.decompress(base64.b64decode(report.partition('base64">')[2].partition("<")[0]))


def test_a_plan_that_does_not_ask_gets_none() -> None:
    assert dashboard_environment(run_plan(), pod=False) == {}
    older = {name: value for name, value in to_json(run_plan()).items() if name != "k6_dashboard"}
    assert not from_json(older).k6_dashboard
    assert from_json(to_json(ASKED)) == ASKED


def test_on_one_machine_only_that_machine_reaches_it() -> None:
    found = dashboard_environment(ASKED, pod=False)
    assert found["K6_WEB_DASHBOARD_HOST"] == "127.0.0.1"
    assert found["K6_WEB_DASHBOARD_PORT"] == "0"
    assert "/" not in found["K6_WEB_DASHBOARD_EXPORT"]


def test_in_a_pod_the_cluster_reaches_it_and_the_report_goes_to_the_log() -> None:
    found = dashboard_environment(ASKED, pod=True)
    assert found["K6_WEB_DASHBOARD_HOST"] == "0.0.0.0"
    assert found["K6_WEB_DASHBOARD_PORT"] == str(DASHBOARD_PORT)
    assert found["K6_WEB_DASHBOARD_EXPORT"] == "/dev/stdout"


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, 1), (2, 1), (100, 1), (101, 2), (3600, 36), (14400, 144)])
def test_a_chart_has_so_many_points_at_most(seconds: float, expected: int) -> None:
    assert period(seconds) == expected
    assert seconds / period(seconds) <= MOST_POINTS


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("ui/", "text/html; charset=utf-8"),
        ("report", "text/html; charset=utf-8"),
        ("ui/assets/index-beb72b0a.js", "text/javascript; charset=utf-8"),
        ("ui/assets/index-8105e2d0.css", "text/css; charset=utf-8"),
        ("ui/xk6-dashboard.svg", "image/svg+xml"),
        ("", ""),
        ("ui", ""),
        ("v1/status", ""),
        ("ui/../v1/status", ""),
        ("ui/assets/../../report", ""),
        ("ui//index.js", ""),
        ("ui/index.html", ""),
        ("ui/assets/a.js\n", ""),
        ("ui/assets/a.js?x=1", ""),
        ("http://127.0.0.1/ui/a.js", ""),
    ],
)
def test_only_what_the_dashboard_has_is_asked_for(path: str, kind: str) -> None:
    assert content_type(path) == kind


def test_it_knows_the_last_event() -> None:
    assert is_stop(b"id: 19\ndata: [[1795498585895]]\nevent: stop\nretry: 9007199254740991")
    assert not is_stop(b"id: 3\ndata: [[1795498548151]]\nevent: start")
    assert not is_stop(b'id: 4\ndata: "event: stop"\nevent: metric')


def test_where_the_script_lies_is_not_shown() -> None:
    event = b'data: {"period":1000,"scriptPath":"file:///srv/data/runs/k6-1/k6-1.js"}\nevent: param'
    assert without_folder(event) == b'data: {"period":1000,"scriptPath":"k6-1.js"}\nevent: param'
    report = report_of(b'{"scriptPath":"file:///srv/data/runs/k6-1/k6-1.js"}\n{"event":"stop"}\n')
    assert events_of(shown_report(report)) == b'{"scriptPath":"k6-1.js"}\n{"event":"stop"}\n'


@pytest.mark.parametrize(
    "half",
    ["", "<!doctype html>", "</html>", report_of(b"{}", end=""), report_of(b"{}").replace('base64">', 'base64">AAAA')],
)
def test_half_a_report_is_none(half: str) -> None:
    assert shown_report(half) == ""
