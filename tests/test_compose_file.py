"""docker-compose.yml and its surroundings hold together. That they work is shown by `make test-compose`."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compose.standins import IMAGES

ROOT = Path(__file__).resolve().parent.parent
OURS = ("prepare", "web", "worker", "beat", "demo", "demo-test")
SERVERS = ("postgres", "redis", "influxdb")


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(text)["services"])


def test_every_part_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {*OURS, *SERVERS}
    assert {services[name]["image"] for name in OURS} == {"metricvault:${METRICVAULT_VERSION:-latest}"}


def test_what_stays_is_watched_and_what_ends_is_not_started_again(services: dict[str, dict[str, Any]]) -> None:
    for name in ("web", "worker", "beat", "demo", *SERVERS):
        assert services[name]["restart"] == "unless-stopped"
        assert "test" in services[name]["healthcheck"]
    for name in ("prepare", "demo-test"):
        assert services[name]["restart"] == "no"


def test_only_the_web_is_published_and_on_this_machine(services: dict[str, dict[str, Any]]) -> None:
    assert [name for name in services if "ports" in services[name]] == ["web"]
    assert services["web"]["ports"] == ["${METRICVAULT_PUBLISH:-127.0.0.1:8000}:8000"]


def test_a_login_is_asked_for(services: dict[str, dict[str, Any]]) -> None:
    assert services["web"]["environment"]["METRICVAULT_OPEN_ACCESS"] == "false"


def test_nothing_secret_has_a_default(text: str) -> None:
    asked = re.findall(r"\$\{(SECRET_KEY|POSTGRES_PASSWORD)(.)(.)", text)
    assert asked
    assert {(colon, mark) for _name, colon, mark in asked} == {(":", "?")}


def test_the_example_names_what_has_to_be_set_and_only_what_is_known(text: str) -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    example = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert set(re.findall(r"\$\{(\w+):\?", text)) <= example
    known = set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", text)) | {"COMPOSE_PROFILES"}
    assert example <= known


def test_every_variable_is_a_setting(services: dict[str, dict[str, Any]]) -> None:
    settings = (ROOT / "metricvault" / "settings.py").read_text(encoding="utf-8")
    elsewhere = {"WEB_CONCURRENCY"}  # uvicorn's own
    unknown = [name for name in services["web"]["environment"] if f'"{name}"' not in settings]
    assert set(unknown) == elsewhere


def test_every_base_image_has_a_stand_in(services: dict[str, dict[str, Any]]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    python = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert {*python, *(services[name]["image"] for name in SERVERS)} == set(IMAGES)


def test_no_secret_and_no_data_reaches_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith(("!.env", "!.data", "!.git", "!tests"))]
