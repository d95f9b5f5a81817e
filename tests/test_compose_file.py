"""docker-compose.yml and its surroundings hold together. That they work is shown by `make test-compose`."""

import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.compose.standins import IMAGES

ROOT = Path(__file__).resolve().parent.parent
OURS = ("prepare", "web", "worker", "beat", "demo", "demo-test")
SERVERS = ("postgres", "redis", "influxdb")
PROXY = "proxy"


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(text)["services"])


def test_every_part_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {*OURS, *SERVERS, PROXY}
    assert {services[name]["image"] for name in OURS} == {"metricvault:${METRICVAULT_VERSION:-latest}"}


def test_what_stays_is_watched_and_what_ends_is_not_started_again(services: dict[str, dict[str, Any]]) -> None:
    for name in ("web", "worker", "beat", "demo", PROXY, *SERVERS):
        assert services[name]["restart"] == "unless-stopped"
        assert "test" in services[name]["healthcheck"]
    for name in ("prepare", "demo-test"):
        assert services[name]["restart"] == "no"


def test_the_web_is_published_on_this_machine_and_others_come_by_tls(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name in services if "ports" in services[name]} == {"web", PROXY}
    assert services["web"]["ports"] == ["${METRICVAULT_PUBLISH:-127.0.0.1:8000}:8000"]
    assert services[PROXY]["profiles"] == ["tls"]


def test_only_the_proxy_is_believed_about_addresses(text: str, services: dict[str, dict[str, Any]]) -> None:
    """Its address is outside of the range from which others get theirs, in a network of the two alone."""
    edge = yaml.safe_load(text)["networks"]["edge"]["ipam"]["config"][0]
    network, others = (ip_network(default_of(edge[name])) for name in ("subnet", "ip_range"))
    address = ip_address(default_of(services[PROXY]["networks"]["edge"]["ipv4_address"]))
    assert address in network
    assert address not in others
    assert address != next(network.hosts())  # older engines' own; newer ones take the first of the range
    assert default_of(services["web"]["environment"]["METRICVAULT_TRUSTED_PROXIES"]) == str(address)
    assert {name for name in services if "edge" in services[name].get("networks", ())} == {"web", PROXY}


def default_of(text: str) -> str:
    found = re.fullmatch(r"\$\{\w+:-([^}]+)\}", text)
    assert found, text
    return found[1]


def test_nobody_has_more_rights_or_room_than_needed(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert "mem_limit" in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
    for name in (*OURS, PROXY, "redis"):
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name


def test_a_login_is_asked_for(services: dict[str, dict[str, Any]]) -> None:
    assert services["web"]["environment"]["METRICVAULT_OPEN_ACCESS"] == "false"


def test_secrets_come_in_files_and_a_secret_in_env_is_refused(text: str, services: dict[str, dict[str, Any]]) -> None:
    """Whoever may ask the engine about a container reads its environment."""
    environment = services["web"]["environment"]
    files = {name: path for name, path in environment.items() if name.endswith("_FILE")}
    assert {"SECRET_KEY_FILE", "METRICVAULT_ENCRYPTION_KEY_FILE", "POSTGRES_PASSWORD_FILE"} <= set(files)
    known = yaml.safe_load(text)["secrets"]
    assert {path.removeprefix("/run/secrets/") for path in files.values()} == set(services["web"]["secrets"])
    assert set(known) == {*services["web"]["secrets"], *services[PROXY]["secrets"]}
    # Both set: the product refuses to start, in words (metricvault/env.py).
    assert all(environment[name] is None for name in ("SECRET_KEY", "POSTGRES_PASSWORD"))
    assert "@postgres:5432" in environment["DATABASE_URL"].partition("://metricvault")[2]
    assert not [
        name for name in services if name not in OURS and set(services[name].get("secrets", ())) & {"secret_key"}
    ]


def test_the_one_command_makes_each_secret_once(text: str, tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path / "deploy")
    (tmp_path / ".env").write_text("SECRET_KEY=from before\nPOSTGRES_PASSWORD=\n")
    (tmp_path / "secrets" / "redis_password").mkdir(parents=True)  # as docker-compose makes of a file it misses
    said = subprocess.run([script, "load.example.org"], capture_output=True, text=True, check=True)
    assert "Taken over from .env, now delete there: SECRET_KEY\n" in said.stdout
    folder = tmp_path / "secrets"
    wanted = {Path(one["file"]).name for one in yaml.safe_load(text)["secrets"].values()}
    made = {path.name: path.read_text().strip() for path in folder.iterdir()}
    assert set(made) == wanted
    assert made["secret_key"] == "from before"
    fresh = [made[name] for name in ("encryption_key", "postgres_password", "redis_password", "influxdb_password")]
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in fresh)
    assert len(set(fresh)) == 4
    # The engine mounts each file past the folder, for a user of another number.
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert not [value for value in made.values() if value and value in said.stdout + said.stderr]
    subprocess.run([script, "another.example.org"], capture_output=True, check=True)
    assert {path.name: path.read_text().strip() for path in folder.iterdir()} == made


def test_the_example_names_what_has_to_be_set_and_only_what_is_known(text: str) -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    example = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert set(re.findall(r"\$\{(\w+):\?", text)) <= example
    known = set(re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", text)) | {"COMPOSE_PROFILES"}
    assert example <= known
    # And in comments all else that is handed on.
    more = {line[2:].partition("=")[0] for line in lines if re.match(r"# [A-Z0-9_]+=", line)}
    handed_on = {
        name for name, value in yaml.safe_load(text)["services"]["web"]["environment"].items() if value is None
    }
    assert example | more >= handed_on - {"SECRET_KEY", "POSTGRES_PASSWORD"}
    assert more <= handed_on


def test_every_setting_can_be_set_and_every_variable_is_one(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "metricvault" / "settings.py").read_text(encoding="utf-8")
    rates = {f"METRICVAULT_RATE_{what.upper()}" for what in settings.METRICVAULT_RATES}
    known = {*re.findall(r'env_\w+\(\s*"([A-Z0-9_]+)"', text), *rates}
    known |= {name for call in re.findall(r"env_url\(([^)]+)\)", text) for name in re.findall(r"[A-Z_]+", call)}
    given = {name.removesuffix("_FILE") for name in services["web"]["environment"]}
    assert given - known == {"WEB_CONCURRENCY"}  # uvicorn's own
    # What the image or the file itself says, what is for load from a cluster, and what is for development.
    elsewhere = {"METRICVAULT_DATA_DIR", "PORT", "STATIC_ROOT", "METRICVAULT_PROCESS", "PGPASSWORD", "DEBUG"}
    elsewhere |= {"INFLUXDB_DATABASE", "INFLUXDB_SSL", "KUBECONFIG", "KUBERNETES_NAMESPACE", "METRICVAULT_K6_BINARY"}
    elsewhere |= {"K6_DEFAULT_PVC", "K6_SCRIPT_FILE_FOLDER", "METRICVAULT_KEEP_FAILED_HOURS", "METRICVAULT_MAX_PODS"}
    cluster = {name for name in known if name.startswith("METRICVAULT_POD_")} | {"METRICVAULT_K6_IMAGE"}
    assert known - given - elsewhere - cluster == set()


def test_every_base_image_has_a_stand_in(services: dict[str, dict[str, Any]]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    python = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert {*python, *(services[name]["image"] for name in (*SERVERS, PROXY))} == set(IMAGES)


def test_no_secret_and_no_data_reaches_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith(("!.env", "!.data", "!.git", "!tests", "!secrets"))]
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
