"""`manage.py doctor` on a running copy: everything works; and what it says where parts are away."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.product import ROOT, Product

pytestmark = pytest.mark.needs("k6", "redis-server")


def doctor(environ: dict[str, str]) -> tuple[int, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("METRICVAULT_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env={**inherited, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.needs("uplot")
def test_on_a_running_copy_everything_works(product: Product) -> None:
    wanted = ("METRICVAULT_", "REDIS", "PORT", "SCHEDULER")
    web = product.processes("uvicorn")[0]
    environ = {name: value for name, value in web.environ().items() if name.startswith(wanted)}
    for _attempt in range(10):  # beat's first sign of life comes after one interval
        code, said = doctor(environ)
        if code == 0:
            break
        time.sleep(1)
    assert code == 0, said
    assert "Everything works." in said


def test_every_part_that_is_away_is_named_with_what_to_do(tmp_path: Path) -> None:
    away = {
        "METRICVAULT_DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "METRICVAULT_K6_BINARY": "/nonexistent/k6",
        "METRICVAULT_INGEST_URL": "http://127.0.0.1:9",
    }
    code, said = doctor(away)
    assert code == 1
    for part in ("database", "redis", "worker", "beat", "k6", "ingest"):
        assert f"FAILED  {part}" in said, said
    assert "Run `manage.py migrate`." in said
    assert "Traceback" not in said
