"""Records a second real run for the tests: `python -m bench.record_steps` writes tests/recorded_steps.json.

The real k6 against the demo API: a journey whose checks and extractions fail, a rate that its users cannot keep up
with, and rows that are used up. The script is written by hand (`bench/steps.js`), so that what is measured is tested
apart from what writes scripts. `--out json` beside it gives exact counts.
"""

import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.k6_runs import K6, demo, push_catcher
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
    TargetsPlan,
    to_json,
)
from tests.recorded import STEPS_FILE

PORT = 8996
SCRIPT = Path(__file__).with_name("steps.js")
_COUNTED = {"http_req_duration": "requests", "mv_failed": "checked", "iterations": "iterations", "mv_checks": "checks"}
_COUNTED |= {"dropped_iterations": "dropped", "mv_no_row": "no_rows"}


def plan(base: str) -> RunPlan:
    """What `steps.js` does, as a plan."""

    def step(name: str, *more: CheckPlan | ExtractPlan, title: str = "") -> StepPlan:
        method, _, path = name.partition(" ")
        request = RequestPlan(method, f"{base}{path}", name, (), None)
        checks = tuple(one for one in more if isinstance(one, CheckPlan))
        return StepPlan(title, request, (), checks, tuple(one for one in more if isinstance(one, ExtractPlan)))

    def took(milliseconds: int) -> CheckPlan:
        return CheckPlan("time", "", str(milliseconds), f"answers within {milliseconds} ms")

    order = ExtractPlan("order_id", "json", "$.id", ("id",))
    steps = (
        step("GET /products", CheckPlan("contains", "", "녹차", "body contains “녹차”"), took(8), title="Look around"),
        step("POST /orders", CheckPlan("json", "$.state", "new", "$.state is new"), order, title="주문"),
        step("GET /orders/{order_id}"),
    )
    report = (step("GET /reports/sales", took(450)),)
    in_stock = CheckPlan("header", "Content-Type", "json", "header Content-Type contains json")
    stock = (step("GET /products/{product_id}/stock", in_stock, ExtractPlan("left", "json", "$.left", ("left",))),)
    held = (StagePlan(6, 10),)
    return RunPlan(
        "1",
        "Recorded steps",
        (
            ScenarioPlan("s01_journey", "Journey", "constant-vus", (StagePlan(6, 3),), 0.0, steps, 200.0, None, 90),
            ScenarioPlan("s02_report", "Report", "constant-arrival-rate", held, 0.0, report, load=LoadPlan(1, 2)),
            ScenarioPlan("s03_rows", "Stock", "constant-vus", (StagePlan(5, 1),), 0.0, stock),
        ),
        targets=TargetsPlan(error_rate=5.0),
    )


def _exact(samples: Path) -> dict[str, dict[str, int]]:
    """Counts from k6's raw samples: {what: {"scenario step check ok": count}}; requests that are no load left out."""
    found: dict[str, dict[str, int]] = {what: {} for what in (*_COUNTED.values(), "failed")}
    with samples.open(encoding="utf-8") as lines:
        for line in lines:
            sample: dict[str, Any] = json.loads(line)
            what = _COUNTED.get(sample["metric"])
            if sample["type"] != "Point" or what is None or sample["data"]["tags"].get("load") == "0":
                continue
            tags = sample["data"]["tags"]
            scenario = tags["scenario"] if what == "dropped" else tags["scenario_tag"]
            key = " ".join((scenario, *(tags[name] for name in ("step", "check", "ok") if name in tags)))
            amount = 1 if what == "requests" else int(sample["data"]["value"])
            found[what][key] = found[what].get(key, 0) + amount
            if tags.get("expected_response") == "false":
                found["failed"][key] = found["failed"].get(key, 0) + 1
    return found


def main() -> None:
    """Starts the demo, runs k6, writes the fixture."""
    with demo(PORT) as base, tempfile.TemporaryDirectory() as folder, push_catcher() as (url, caught):
        samples = Path(folder) / "samples.json"
        arguments, environment = local_command("1", "1", url, "token")
        more = ["--env", f"BASE={base}", "--out", f"json={samples}", str(SCRIPT)]
        done = subprocess.run([K6, *arguments, *more], env=environment, capture_output=True, text=True, check=False)
        data = {
            "plan": to_json(plan(base)),
            "exact": _exact(samples),
            "output": done.stdout,
            "received": [round(at - caught[0][0], 3) for at, _ in caught],
            "pushes": [base64.b64encode(body).decode() for _, body in caught],
        }
    STEPS_FILE.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{sum(data['exact']['requests'].values())} requests, {len(caught)} pushes, k6 ended with {done.returncode}")


if __name__ == "__main__":
    main()
