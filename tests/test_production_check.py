"""`manage.py check --deploy` has nothing to say of the settings that docker-compose.yml gives, behind TLS."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django.fixtures import Settings

from metricvault.checks import production

pytestmark = pytest.mark.thorough
ROOT = Path(__file__).resolve().parent.parent


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _sign, value in pairs}


def environment(secrets: Path, **set_by_people: str) -> dict[str, str]:
    """What compose makes of its file, with an `.env` as the example has it."""
    known = _example() | set_by_people
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    found: dict[str, str] = {}
    for name, value in services["web"]["environment"].items():
        text = known.get(name, "") if value is None else str(value)
        text = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda part: known.get(part[1]) or part[2] or "", text)
        found[name] = text.replace("/run/secrets/", f"{secrets}/")
    for path in (Path(value) for name, value in found.items() if name.endswith("_FILE")):
        needed = path.name in ("secret_key", "encryption_key") or path.name.endswith("_password")
        path.write_text("b8f3d1c7e5a94260" * 4 if needed else "", encoding="utf-8")
    return {"METRICVAULT_DATA_DIR": str(secrets), **{name: value for name, value in found.items() if value}}


def check(given: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )


BEHIND_TLS = {
    "METRICVAULT_TLS": "true",
    "ALLOWED_HOSTS": "load.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://load.example.com",
}


def test_it_is_clean_behind_tls(tmp_path: Path) -> None:
    found = check(environment(tmp_path, **BEHIND_TLS))
    said = found.stdout + found.stderr
    assert found.returncode == 0, said
    assert not re.search(r"\(\w+\.[EWC]\d+\)|WARNING|ERROR", said)
    # What is left out is left out on purpose: metricvault/settings.py says why.
    assert re.search(r"no issues \(\d+ silenced\)", said)


def test_it_says_what_is_wrong_without_tls_and_without_a_login(tmp_path: Path) -> None:
    """Both in one process, which costs seconds."""
    changed = {"METRICVAULT_TLS": "false", "METRICVAULT_OPEN_ACCESS": "true"}
    found = check(environment(tmp_path, **BEHIND_TLS) | changed)
    assert found.returncode == 1
    ids = {"security.W004", "security.W008", "security.W012", "security.W016", "metricvault.E001"}
    assert ids <= set(re.findall(r"\((\w+\.[EWC]\d+)\)", found.stderr))


def test_it_says_where_a_copy_has_any_name(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert "metricvault.W007" in {one.id for one in production()}
