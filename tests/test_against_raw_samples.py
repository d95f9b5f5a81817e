"""Every number of a run against those counted from k6's raw samples (`--out json`), beside one real run.

Counts by stage are exact: each request says in which stage it was begun. The counts of a selected span are those of its
seconds, and a second is made of pushes that are aligned to nothing: a push that crosses an edge of the span is dealt
out in proportion to time. So a span may have as many requests more or fewer as the pushes hold that cross its edges.
"""

import itertools
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from bench.k6_runs import Run, demo, run_beside_samples
from history.heatmap import heatmap
from history.metrics.remote_write import Snapshot, decode
from history.metrics.stores import open_store
from history.metrics.summary import find
from history.models import Kind, Measured, StageHistory, TestHistory
from history.recording import record
from history.replay import create_run
from history.spans import Span, span
from history.states import Status
from loadtests.k6.plan import LoadPlan, RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan, to_json
from loadtests.k6.script import build_script
from projects.models import Project
from tests.servers import free_port

pytestmark = [pytest.mark.needs("k6"), pytest.mark.django_db]
BUCKET = 2 ** (1 / 8) - 1  # the width of a histogram's bucket
ENOUGH = 100  # requests in a bucket's width on either side of a percentile


@dataclass(frozen=True)
class Sample:
    """A request as k6 measured it; `moment` in seconds since the epoch is its end."""

    moment: float
    milliseconds: float
    tags: dict[str, str]


@dataclass(frozen=True)
class Beside:
    """One run of k6, and its raw samples: of requests, and the sums of counters by scenario tag and stage."""

    plan: RunPlan
    ran: Run
    samples: list[Sample]
    counters: Counter[tuple[str, str, str]]

    @property
    def snapshots(self) -> list[Snapshot]:
        return [one for _at, body in self.ran.caught if (one := decode(body))]


def plan(base: str) -> RunPlan:
    """Users who come and go, and a rate of journeys, some of whose payments fail, that begins a second later."""
    product = StepPlan("", RequestPlan("GET", f"{base}/products/7", "GET /products/{product_id}", (), None))
    listed = StepPlan("", RequestPlan("GET", f"{base}/products", "GET /products", (), None))
    body = json.dumps({"order_id": 7, "method": "card", "amount": 12.5})
    kind = (("Content-Type", "application/json"),)
    pay = StepPlan("", RequestPlan("POST", f"{base}/payments", "POST /payments", kind, body))
    users = (StagePlan(3, 5), StagePlan(3, 5), StagePlan(2, 0))
    rates = (StagePlan(3, 30), StagePlan(3, 60))
    load, journey = LoadPlan(pre_allocated_vus=10, max_vus=20, start_time=1.0), (listed, product, pay)
    scenarios = (
        ScenarioPlan("s01_users", "Users", "ramping-vus", users, 0.0, (product,), None, None),
        ScenarioPlan("s02_rate", "Rate", "ramping-arrival-rate", rates, 0.0, journey, None, None, load=load),
    )
    return RunPlan("1", "Beside raw samples", scenarios)


@pytest.fixture(scope="module")
def beside() -> Beside:
    port = free_port()
    with demo(port) as base, tempfile.TemporaryDirectory() as folder:
        asked = plan(base)
        ran = run_beside_samples(build_script(asked), Path(folder))
        samples, counters = read(Path(folder) / "samples.json")
    return Beside(asked, ran, samples, counters)


def read(file: Path) -> tuple[list[Sample], Counter[tuple[str, str, str]]]:
    samples, counters = [], Counter[tuple[str, str, str]]()
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            point = json.loads(line)
            if point["type"] != "Point":
                continue
            metric, data = point["metric"], point["data"]
            tags = data["tags"] or {}
            if metric == "http_req_duration":
                samples.append(Sample(datetime.fromisoformat(data["time"]).timestamp(), data["value"], tags))
            elif metric in {"iterations", "data_sent", "data_received"} and "scenario_tag" in tags:
                counters[metric, tags["scenario_tag"], tags.get("stage", "")] += data["value"]
    return samples, counters


@pytest.fixture
def run(beside: Beside, alice: User) -> TestHistory:
    made = create_run(to_json(beside.plan), Project.objects.create(title="Shop", owner=alice), Status.COLLECTING)
    open_store().write(made.pk, beside.snapshots)
    record(made, find(beside.ran.output))
    TestHistory.objects.filter(pk=made.pk).update(status=Status.COMPLETED)
    made.refresh_from_db()
    return made


def failed(samples: Iterable[Sample]) -> int:
    return sum(sample.tags["expected_response"] == "false" for sample in samples)


def agree(row: Measured, samples: list[Sample]) -> None:
    """Counts and the mean are exact. A percentile is within 3 % where enough requests lie around it; where there are
    few, the histogram knows only its bucket."""
    assert (row.total_requests, row.failed_requests) == (len(samples), failed(samples))
    ordered = sorted(sample.milliseconds for sample in samples)
    assert row.avg_response_time == pytest.approx(sum(ordered) / len(ordered), rel=1e-6)
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        rank = share * (len(ordered) - 1)
        low, high = ordered[floor(rank)], ordered[ceil(rank)]
        around = sum(low / (1 + BUCKET) < value < high * (1 + BUCKET) for value in ordered)
        off = 0.03 if around >= ENOUGH else BUCKET
        assert low * (1 - off) <= getattr(row, f"{name}_response_time") <= high * (1 + off), name


def stages(run: TestHistory) -> Iterator[tuple[str, str, StageHistory]]:
    """(scenario tag, stage as it is tagged, row)."""
    for scenario in run.scenarios.all():
        for number, stage in enumerate(scenario.stages.all(), 1):
            yield scenario.scenario_tag, str(number), stage


def test_each_stage_has_what_was_begun_in_it(run: TestHistory, beside: Beside) -> None:
    seen = 0
    for tag, number, stage in stages(run):
        own = [one for one in beside.samples if (one.tags["scenario_tag"], one.tags.get("stage")) == (tag, number)]
        agree(stage, own)
        assert stage.iterations == beside.counters["iterations", tag, number]
        assert stage.data_sent == beside.counters["data_sent", tag, number]
        assert stage.data_received == beside.counters["data_received", tag, number]
        seen += len(own)
    assert seen == len(beside.samples) == run.total_requests > 1000


def test_each_phase_of_a_scenario_has_its_stages(run: TestHistory, beside: Beside) -> None:
    kinds = {"s01_users": {"1": Kind.RAMP_UP, "2": Kind.STEADY, "3": Kind.RAMP_DOWN}}
    kinds["s02_rate"] = {"1": Kind.RAMP_UP, "2": Kind.RAMP_UP}
    assert {(tag, number): stage.kind for tag, number, stage in stages(run)} == {
        (tag, number): kind for tag, of in kinds.items() for number, kind in of.items()
    }
    for scenario in run.scenarios.all():
        of = kinds[scenario.scenario_tag]
        assert {phase.kind for phase in scenario.phases.all()} == set(of.values())
        for phase in scenario.phases.all():
            own = [one for one in beside.samples if one.tags["scenario_tag"] == scenario.scenario_tag]
            agree(phase, [one for one in own if of[one.tags["stage"]] == phase.kind])


def test_the_phases_of_the_run_are_all_of_it(run: TestHistory) -> None:
    """Until 3 s both grow, until 6 s the rate alone; then the users go, faster than it grows."""
    phases = list(run.phases.filter(scenario=None))
    assert sum(phase.total_requests or 0 for phase in phases) == run.total_requests
    assert {Kind.RAMP_UP, Kind.RAMP_DOWN} <= {phase.kind for phase in phases}
    assert sum(phase.test_duration or 0 for phase in phases) == pytest.approx(run.test_duration)


def test_each_step_has_its_requests(run: TestHistory, beside: Beside) -> None:
    journey = run.scenarios.get(scenario_tag="s02_rate")
    for step in journey.steps.all():
        agree(step, [one for one in beside.samples if one.tags.get("step") == str(step.position + 1)])


def test_answers_are_counted_by_status(run: TestHistory, beside: Beside) -> None:
    assert run.answers == Counter(one.tags["status"] for one in beside.samples)


def test_the_distribution_of_the_run_is_that_of_its_samples(run: TestHistory, beside: Beside) -> None:
    found = whole(run)
    for bar in found.distribution:
        exact = sum(bar.low_ms < one.milliseconds <= bar.high_ms for one in beside.samples)
        assert bar.count == exact, bar
    assert sum(bar.count for bar in found.distribution) == len(beside.samples)


def test_the_heatmap_has_each_request_once(run: TestHistory, beside: Beside) -> None:
    kept, part = heatmap(run), heatmap(run, 2, 6)
    assert sum(map(sum, kept["counts"])) == len(beside.samples)
    by_row = [sum(column[row] for column in kept["counts"]) for row in range(len(kept["rows"]))]
    exact = [sum(low < one.milliseconds <= high for one in beside.samples) for low, high in kept["rows"]]
    assert by_row == exact
    assert sum(map(sum, part["counts"])) == between(run, 2, 6).whole.numbers.requests


def whole(run: TestHistory) -> Span:
    return between(run, None, None)


def between(run: TestHistory, start: int | None, end: int | None) -> Span:
    found = span(run, start, end)
    assert found is not None
    return found


@pytest.mark.parametrize(("start", "end"), [(2, 5), (3, 4), (0, 6), (1, 7)])
def test_a_span_is_off_by_no_more_than_what_crosses_its_edges(
    run: TestHistory, beside: Beside, start: int, end: int
) -> None:
    origin = run.tested_at.timestamp()
    exact = [one for one in beside.samples if start <= one.moment - origin < end]
    found = between(run, start, end).whole.numbers
    most = crossing(beside.snapshots, origin, start) + crossing(beside.snapshots, origin, end)
    assert abs(found.requests - len(exact)) <= most


def crossing(snapshots: list[Snapshot], origin: float, edge: float) -> int:
    """The requests in the pushes that cross the second `edge`: in the one that came after it, and in the next one where
    the first was about to go, as k6 hands on what has ended every 50 ms. At the ends of the run there is none."""
    known: dict[Any, float] = {}
    found, before = 0.0, 0.0
    for one in snapshots:
        moment = one.moment - origin
        if edge > 0 and before - 0.1 <= edge <= moment:
            found += sum(histogram.count - known.get(key, 0) for key, histogram in one.requests.items())
        known.update({key: histogram.count for key, histogram in one.requests.items()})
        before = moment
    return int(found)


def test_adjacent_spans_are_the_run(run: TestHistory, beside: Beside) -> None:
    length = whole(run).end
    for cuts in ((), (3,), (1, 4, 6), range(1, length)):
        parts = [between(run, a, b).whole.numbers for a, b in itertools.pairwise((0, *cuts, length))]
        assert sum(part.requests for part in parts) == len(beside.samples)
        assert sum(part.failures for part in parts) == failed(beside.samples)
