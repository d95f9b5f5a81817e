"""`make run`: what a newcomer sees, and that nothing is left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metricvault.supervise.leftovers import members
from metricvault.supervise.place import Place
from tests.product import ROOT, running_product

pytestmark = [pytest.mark.needs("k6", "redis-server")]


def started(data_dir: Path, port: int) -> subprocess.CompletedProcess[str]:
    """What a start says that cannot succeed."""
    environ = {**os.environ, "PORT": str(port), "METRICVAULT_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "metricvault.supervise"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=20)


def test_the_first_start_is_alive_and_the_end_leaves_nothing(tmp_path: Path) -> None:
    place = Place(8000, (tmp_path / "첫 copy").resolve())
    with running_product(place.data_dir, first_run=True) as product:
        run = product.api.get("/test-history/simple").json()["items"][0]
        assert run["project"]["title"] == "Demo shop"
        product.wait(run["id"], lambda found: found["status"] == "running", within=15)
        assert product.demo.get("/__counts").json()["failed"] == 0

        another = started(place.data_dir, product.port)
        assert another.returncode == 1
        assert f"already running ({product.url}" in another.stderr
        beside = started(tmp_path / "beside", product.port)
        assert beside.returncode == 1
        assert f"Port {product.port} is in use" in beside.stderr

        names = [process.name() for process in members(place)]
        assert "k6" in names
        assert "redis-server" in names
    assert members(place) == []
    assert product.process.returncode == 0
    assert not place.running.exists()


def test_an_end_without_warning_leaves_nothing_to_the_next_start(tmp_path: Path) -> None:
    place = Place(8000, tmp_path.resolve())
    with running_product(tmp_path) as product:
        supervisor = next(process for process in members(place) if "supervisor.supervisord" in process.cmdline())
        supervisor.kill()
        assert product.process.wait(20) == 1
        assert members(place) == []
    with running_product(tmp_path) as product:
        product.process.kill()
        if sys.platform == "linux":
            end = time.monotonic() + 15
            while members(place):
                assert time.monotonic() < end, members(place)
                time.sleep(0.1)
