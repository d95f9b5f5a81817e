"""What our script sends is what a result tells, with the real k6: a target that freezes, a journey whose answers are
not what they should be. One run of a few seconds for all tests here; the target itself counts what it is asked."""

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from history.metrics.remote_write import decode
from history.metrics.stores import open_store
from history.metrics.summary import find
from history.models import TestHistory
from history.recording import Recorded, record
from history.replay import create_run
from history.states import Status
from loadtests.k6.command import local_command
from loadtests.k6.plan import (
    CheckPlan,
    ExtractPlan,
    LoadPlan,
    RequestPlan,
    RunPlan,
    ScenarioPlan,
    StagePlan,
    StepPlan,
    to_json,
)
from loadtests.k6.script import build_script
from projects.models import Project

FREEZE = (2.0, 5.0)  # seconds after the first request, in which nothing is answered
LASTS = 7.0
pytestmark = [pytest.mark.django_db, pytest.mark.needs("k6")]


class _Freezing(ThreadingHTTPServer):
    """Counts by path, answers nothing while it is frozen, and keeps what k6 pushes to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.counts: Counter[str] = Counter()
        self.pushes: list[bytes] = []
        self.lock = threading.Lock()
        self.began: float | None = None

    def take(self, path: str) -> int:
        """The number of this request among those of its path, once the freeze is over."""
        with self.lock:
            self.began = self.began or time.monotonic()
            self.counts[path] += 1
            number = self.counts[path]
        passed = time.monotonic() - self.began
        if FREEZE[0] <= passed < FREEZE[1]:
            time.sleep(FREEZE[1] - passed)
        return number


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, _Freezing)
        number = self.server.take(self.path)
        body = b"sold out" if self.path == "/list" and number % 4 == 0 else b'{"id": 7}'
        if self.path == "/order" and number % 3 == 0:
            body = b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        assert isinstance(self.server, _Freezing)
        self.server.pushes.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def _plan(base: str) -> RunPlan:
    def step(path: str, *checks: CheckPlan, extracts: tuple[ExtractPlan, ...] = ()) -> StepPlan:
        request = RequestPlan("GET", f"{base}{path}", f"GET {path}", (), None)
        return StepPlan("", request, checks=checks, extracts=extracts)

    contains = CheckPlan("contains", "", "id", "body contains “id”")
    taken = (ExtractPlan("order_id", "json", "$.id", ("id",)),)
    journey = (step("/list", contains), step("/order", extracts=taken), step("/pay"))
    held, rate = (StagePlan(LASTS, 4),), (StagePlan(LASTS, 40),)
    return RunPlan(
        "1",
        "Freeze",
        (
            ScenarioPlan(
                "s01_open", "Open", "constant-arrival-rate", rate, 0.0, (step("/open"),), load=LoadPlan(1, 10)
            ),
            ScenarioPlan("s02_closed", "Closed", "constant-vus", held, 0.05, (step("/closed"),)),
            ScenarioPlan(
                "s03_journey",
                "Journey",
                "per-vu-iterations",
                (StagePlan(30, 2),),
                0.0,
                journey,
                load=LoadPlan(iterations=12),
            ),
        ),
    )


@pytest.fixture(scope="module")
def ran(k6: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Freezing, RunPlan, str]]:
    """The target after the run, what was run, and what k6 printed."""
    server = _Freezing()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    plan = _plan(base)
    file: Path = tmp_path_factory.mktemp("freeze") / "script.js"
    file.write_text(build_script(plan), encoding="utf-8")
    arguments, environment = local_command("1", "1", f"{base}/write", "token", plan)
    command = [k6, *arguments, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    yield server, plan, done.stdout
    server.shutdown()
    server.server_close()


@pytest.fixture
def result(ran: tuple[_Freezing, RunPlan, str], alice: User) -> tuple[TestHistory, Recorded]:
    server, plan, output = ran
    run = create_run(to_json(plan), Project.objects.create(title="Freeze", owner=alice), Status.COLLECTING)
    open_store().write(run.pk, [one for body in server.pushes if (one := decode(body))])
    return run, record(run, find(output))


def codes(recorded: Recorded) -> dict[str, dict[str, Any]]:
    """Reasons by code and scenario or step."""
    found = {}
    for one in recorded.reasons:
        about = one["params"].get("request") or one["params"].get("step") or ""
        found[f"{one['code']} {about}".strip()] = one["params"]
    return found


def test_the_counts_are_those_of_the_target(
    ran: tuple[_Freezing, RunPlan, str], result: tuple[TestHistory, Recorded]
) -> None:
    counts, (run, recorded) = ran[0].counts, result
    assert recorded.agrees
    assert run.total_requests == sum(counts.values())
    steps = {
        step.request_name: step.total_requests for scenario in run.scenarios.all() for step in scenario.steps.all()
    }
    assert steps == {f"GET {path}": count for path, count in counts.items()}
    journey = run.scenarios.get(scenario_tag="s03_journey")
    assert journey.iterations == 24


def test_an_open_model_shows_the_freeze(result: tuple[TestHistory, Recorded]) -> None:
    """Ten users are not enough for three seconds of 40 iterations each: what they cannot send is counted."""
    run, recorded = result
    scenario = run.scenarios.get(scenario_tag="s01_open")
    frozen = FREEZE[1] - FREEZE[0]
    assert scenario.p99_response_time > 1000 * (frozen - 1)
    assert scenario.iterations + scenario.dropped_iterations == pytest.approx(40 * LASTS, abs=2)
    assert scenario.dropped_iterations == pytest.approx(40 * frozen - 10, abs=8)
    assert codes(recorded)["dropped_over_budget GET /open"]["count"] == scenario.dropped_iterations
    assert "slowed GET /open" not in codes(recorded)


def test_a_closed_model_hides_it_and_is_said_to(result: tuple[TestHistory, Recorded]) -> None:
    run, recorded = result
    scenario = run.scenarios.get(scenario_tag="s02_closed")
    assert scenario.p95_response_time < 500
    assert scenario.max_response_time > 1000 * (FREEZE[1] - FREEZE[0] - 1)
    assert 2 <= codes(recorded)["slowed GET /closed"]["seconds"] <= 4


def test_what_checks_and_extractions_found_is_counted_as_errors(
    ran: tuple[_Freezing, RunPlan, str], result: tuple[TestHistory, Recorded]
) -> None:
    counts, (run, recorded) = ran[0].counts, result
    sold_out, empty = counts["/list"] // 4, counts["/order"] // 3
    journey = run.scenarios.get(scenario_tag="s03_journey")
    assert journey.failed_requests == sold_out + empty == run.failed_requests
    assert [step.failed_requests for step in journey.steps.all()] == [sold_out, empty, 0]
    assert sum(run.timelines.get(scenario=None).columns["failures"]) == run.failed_requests
    assert codes(recorded)["check_failed GET /list"]["failed"] == sold_out
    said = codes(recorded)["extract_failed GET /order"]
    assert (said["failed"], said["total"], said["name"]) == (empty, counts["/order"], "order_id")


def test_iterations_that_are_done_end_their_scenario(result: tuple[TestHistory, Recorded]) -> None:
    """Its one stage is the longest time that it may take, not how long it took."""
    run, _recorded = result
    journey = run.scenarios.get(scenario_tag="s03_journey")
    assert journey.test_duration < 6
    assert journey.dropped_iterations == 0
