"""The product watches itself: log lines name request and run, metrics are for administrators."""

import json
import logging

import pytest
from celery.signals import task_postrun, task_prerun
from django.contrib.auth.models import User
from django.test import Client

from loadtests.tasks import try_plan, watch_run
from metricvault.lib.telemetry import Context, JsonFormatter, PlainFormatter, about


def record(message: str = "hello %s", *args: object) -> logging.LogRecord:
    made = logging.LogRecord("history", logging.INFO, "file.py", 1, message, args or ("you",), None)
    Context().filter(made)
    return made


def test_a_line_names_its_run_and_request() -> None:
    with about(request="abc"), about(run=7):
        line = record()
    assert PlainFormatter("%(levelname)s %(message)s").format(line) == "INFO hello you run=7 request=abc"
    found = json.loads(JsonFormatter().format(line))
    assert (found["message"], found["run"], found["request"], found["level"]) == ("hello you", "7", "abc", "INFO")


def test_outside_nothing_is_named() -> None:
    with about(run=7):
        pass
    assert PlainFormatter("%(message)s").format(record()) == "hello you"


def test_a_task_about_something_else_names_no_run() -> None:
    task_prerun.send(None, task_id="2", task=try_plan, args=(7,), kwargs={})
    line = record()
    task_postrun.send(None, task_id="2", task=try_plan, args=(7,), kwargs={}, retval=None, state="SUCCESS")
    assert PlainFormatter("%(message)s").format(line) == "hello you"
    assert "run" not in json.loads(JsonFormatter().format(record()))


@pytest.mark.django_db
def test_every_answer_carries_the_name_of_its_request(client: Client) -> None:
    assert len(client.get("/healthz").headers["X-Request-ID"]) == 12
    assert client.get("/healthz", headers={"X-Request-ID": "proxy-1"}).headers["X-Request-ID"] == "proxy-1"
    odd = client.get("/healthz", headers={"X-Request-ID": "a b\x0b"}).headers["X-Request-ID"]
    assert odd != "a b\x0b"


@pytest.mark.django_db
def test_metrics_are_for_administrators_and_for_the_token(
    client: Client, alice: User, administrator: User, settings
) -> None:
    settings.METRICVAULT_METRICS_TOKEN = "scrape"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer scrape"}).status_code == 200
    client.force_login(alice)
    assert client.get("/metrics").status_code == 403
    client.force_login(administrator)
    text = client.get("/metrics").content.decode()
    assert 'metricvault_runs{outcome="",status="running"} 0.0' in text
    assert "metricvault_push_seconds_count" in text


def test_a_task_names_the_run_it_is_about() -> None:
    task_prerun.send(None, task_id="1", task=watch_run, args=(7, 60), kwargs={})
    line = record()
    task_postrun.send(None, task_id="1", task=None, args=(7, 60), kwargs={}, retval=None, state="SUCCESS")
    assert PlainFormatter("%(message)s").format(line) == "hello you run=7"
    assert PlainFormatter("%(message)s").format(record()) == "hello you"
