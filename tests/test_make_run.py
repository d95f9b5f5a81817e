"""`make run`: what a newcomer sees and README promises, and that nothing is left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from metricvault.supervise.leftovers import members
from metricvault.supervise.place import Place
from tests.product import ROOT, Product, running_product
from tests.test_end_to_end import scenario
from tests.test_readme import curl_calls

pytestmark = [pytest.mark.needs("k6", "redis-server"), pytest.mark.thorough]


def started(data_dir: Path, port: int) -> subprocess.CompletedProcess[str]:
    """What a start says that cannot succeed."""
    environ = {**os.environ, "PORT": str(port), "METRICVAULT_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "metricvault.supervise"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=20)


@dataclass
class FirstStart:
    """A copy that has never been started before, and its end."""

    place: Place
    product: Product
    end: Callable[[], None]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstStart]:
    place = Place(8000, (tmp_path_factory.mktemp("first") / "첫 copy").resolve())
    with ExitStack() as stack:
        product = stack.enter_context(running_product(place.data_dir, first_run=True))
        yield FirstStart(place, product, stack.close)


def test_the_first_start_has_a_project_and_a_short_run_in_it(first: FirstStart) -> None:
    run = first.product.api.get("/test-history/simple").json()["items"][0]
    assert run["project"]["title"] == "Demo shop"
    first.product.wait(run["id"], lambda found: found["status"] == "running", within=15)
    assert first.product.demo.get("/__counts").json()["failed"] == 0


def test_the_three_calls_of_readme_work_as_printed(first: FirstStart) -> None:
    calls = curl_calls()
    assert [path for _method, path, _body in calls] == ["/project", "/openapi/analyze", "/load-testing"]
    answers = []
    for _method, path, body in calls:
        body = json.loads(json.dumps(body).replace("http://127.0.0.1:18000", first.product.demo_url))
        answers.append(first.product.api.post(path, json=body))
        assert answers[-1].status_code in {201, 202}, answers[-1].text
    found = first.product.wait(answers[-1].json()["test_history_id"])
    assert found["status"] == "completed"
    assert found["total_requests"] > 0


def test_a_second_start_says_what_is_in_its_way(first: FirstStart, tmp_path: Path) -> None:
    another = started(first.place.data_dir, first.product.port)
    assert another.returncode == 1
    assert f"already running ({first.product.url}" in another.stderr
    beside = started(tmp_path / "beside", first.product.port)
    assert beside.returncode == 1
    assert f"Port {first.product.port} is in use" in beside.stderr


def test_an_end_without_warning_leaves_nothing_to_the_next_start(first: FirstStart) -> None:
    supervisor = next(one for one in members(first.place) if "supervisor.supervisord" in one.cmdline())
    supervisor.kill()
    assert first.product.process.wait(20) == 1
    assert members(first.place) == []
    first.end()


def test_the_next_start_ends_in_order_and_leaves_nothing_even_of_a_run(first: FirstStart) -> None:
    with running_product(first.place.data_dir) as product:
        endpoint = product.imported_demo("Ended")["GET /products"]
        run = product.start("Ended", [scenario(endpoint, 1, 60)])
        product.wait(run, lambda found: found["status"] == "running", within=15)
        names = [process.name() for process in members(first.place)]
        assert "k6" in names
        assert "redis-server" in names
    assert members(first.place) == []
    assert product.process.returncode == 0
    assert not first.place.running.exists()
