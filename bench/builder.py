"""Whether what was asked for arrives: `python -m bench.builder` prints a line for each way to ask.

The script of a plan, the real k6, and the demo shop on loopback, which counts what it receives. Rates are off by a
share of all requests, and by requests in the worst second; users by the worst second.
"""

import tempfile
import threading
import time
from pathlib import Path

import httpx

from bench.k6_runs import K6, demo
from loadtests.k6.curves import scenario_curve
from loadtests.k6.plan import ScenarioPlan, TablePlan, Take
from tests import as_asked
from tests.as_asked import scenario_on, single
from tests.product import free_port

ROWS, USERS, GENERATORS = 300, 30, 3
FREEZE, FROM, LASTS, RATE = 5.0, 4.0, 15.0, 50


def rates(folder: Path, base: str) -> None:
    """All ways to ask for a rate at once, each at an endpoint of its own."""
    room = {"pre_allocated_vus": 20, "max_vus": 40}
    levels = [(5, 20), (5, 60), (5, 10)]
    scenarios = (
        scenario_on(base, 0, "constant", "constant-arrival-rate", [(15, 40)], **room),
        scenario_on(base, 1, "plateaus", "constant-arrival-rate", levels, endpoint="GET /products", **room),
        scenario_on(base, 2, "ramp", "ramping-arrival-rate", [(10, 60), (5, 60)], endpoint="GET /orders", **room),
        scenario_on(
            base, 3, "per minute, later", "constant-arrival-rate", [(10, 1200)], endpoint="GET /search",
            path=f"{base}/search?q=tea", time_unit=60.0, start_time=3.0, **room,
        ),
    )  # fmt: skip
    arrived = as_asked.run(K6, folder, base, single(*scenarios))
    for one in scenarios:
        total, worst = as_asked.rate_errors(arrived, one)
        count = sum(arrived.of(one.steps[0].request.name))
        print(f"{one.executor:<22} {one.name:<18} {count:>6} requests, off by {total:.2%}, worst second {worst}")


def users(folder: Path, base: str) -> None:
    """Curves of users, one after the other."""
    for executor, stages in (
        ("constant-vus", [(6.0, 25)]),
        ("constant-vus", [(4.0, 10), (4.0, 40), (4.0, 5)]),
        ("ramping-vus", [(6.0, 30), (4.0, 30), (6.0, 0)]),
    ):
        one = scenario_on(base, 0, "users", executor, stages, think=0.1)
        arrived = as_asked.run(K6, folder, base, single(one))
        off = as_asked.user_errors(arrived, scenario_curve(one))
        print(f"{executor:<22} {len(off):>3} seconds, users off by {min(off):+.1f} to {max(off):+.1f}")


def iterations(folder: Path, base: str) -> None:
    """Numbers of iterations, alone and over three generators."""
    for generators in (1, GENERATORS):
        shared = scenario_on(base, 0, "shared", "shared-iterations", [(30, 7)], iterations=100)
        each = scenario_on(base, 1, "each", "per-vu-iterations", [(30, 6)], endpoint="GET /products", iterations=9)
        arrived = as_asked.run(K6, folder, base, single(shared, each, generators=generators))
        found = sum(arrived.of("GET /health")), sum(arrived.of("GET /products"))
        print(
            f"iterations             {generators} generator(s): {found[0]} of 100 shared, {found[1]} of 54 by each user"
        )


def rows(folder: Path, base: str) -> None:
    """Rows that may come only once, over three generators and two scenarios."""
    table = TablePlan("words", ("word",), "unique", ROWS, "words.json")
    words = [[f"word{number:04}"] for number in range(ROWS)]
    httpx.post(f"{base}/__record", params={"on": "true"})
    scenarios = [
        scenario_on(
            base, at, f"rows {at}", executor, stages, endpoint="GET /search",
            path=(f"{base}/search?q=", Take("words.word", "url")), **load,
        )
        for at, (executor, stages, load) in enumerate(
            [("constant-vus", [(6.0, 6)], {}), ("constant-arrival-rate", [(6.0, 40)], {"pre_allocated_vus": 12})]
        )
    ]  # fmt: skip
    plan = single(*scenarios, generators=GENERATORS, tables=(table,))
    as_asked.run(K6, folder, base, plan, {"words.json": words})
    items = httpx.get(f"{base}/__requests", params={"path": "/search"}).json()["items"]
    httpx.post(f"{base}/__record", params={"on": "false"})
    used = [one["query"].removeprefix("q=") for one in items]
    twice = len(used) - len(set(used))
    print(f"unique rows            {len(used)} used of {ROWS}, {twice} twice, {GENERATORS} generators")


def freezes(folder: Path, base: str) -> None:
    """The shop stands still for a while: users wait, and hide it; a rate does not wait."""
    one = scenario_on(base, 0, "open", "constant-arrival-rate", [(LASTS, RATE)], pre_allocated_vus=20, max_vus=100)
    _frozen(folder, base, one)
    _frozen(folder, base, scenario_on(base, 0, "closed", "constant-vus", [(LASTS, 5)], think=0.1))


def _frozen(folder: Path, base: str, one: ScenarioPlan) -> None:
    def freeze() -> None:
        time.sleep(FROM)
        httpx.post(f"{base}/__freeze", params={"seconds": FREEZE})

    thread = threading.Thread(target=freeze)
    thread.start()
    arrived = as_asked.run(K6, folder, base, single(one))
    thread.join()
    (found,) = arrived.summaries
    times = found["http_req_duration"]["values"]
    dropped = found.get("dropped_iterations", {}).get("values", {}).get("count", 0)
    numbers = f"p99 {times['p(99)']:.0f} ms, max {times['max']:.0f} ms, dropped iterations {dropped:.0f}"
    print(f"frozen for {FREEZE:g} s        {one.name:<8} {numbers}")


def main() -> None:
    """Runs everything, in about two minutes."""
    with tempfile.TemporaryDirectory() as name, demo(free_port()) as base:
        for part in (rates, users, iterations, rows, freezes):
            part(Path(name), base)
            print(end="", flush=True)


if __name__ == "__main__":
    main()
