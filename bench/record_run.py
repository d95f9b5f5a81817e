"""Records one real run for the tests: `python -m bench.record_run` writes tests/recorded_run.json.

The real k6 against the demo API, with our script; its pushes are caught, and `--out json` beside it gives exact values.
"""

import base64
import json
import tempfile
from pathlib import Path

from bench.k6_runs import demo, run_beside_samples
from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, StepPlan, to_json
from loadtests.k6.script import build_script
from tests.recorded import FILE

PORT = 8997


def plan(base: str) -> RunPlan:
    """Three scenarios: one that ramps, one with a Korean body and targets, one that fails now and then."""
    json_type = (("Content-Type", "application/json"),)
    order = json.dumps({"product_id": 7, "quantity": 2, "recipient": "홍길동"}, ensure_ascii=False)

    def scenario(
        tag: str, name: str, executor: str, stages: list[tuple[float, int]], think: float, request: RequestPlan
    ):
        steps = tuple(StagePlan(duration, target) for duration, target in stages)
        return ScenarioPlan(tag, name, executor, steps, think, (StepPlan("", request),), 500.0, 5.0)

    get = RequestPlan("GET", f"{base}/products/7", "GET /products/{product_id}", (), None)
    post = RequestPlan("POST", f"{base}/orders", "POST /orders", json_type, order)
    stock = RequestPlan("GET", f"{base}/products/7/stock", "GET /products/{product_id}/stock", (), None)
    return RunPlan(
        "1",
        "Recorded run",
        (
            scenario("s01_product", "Product", "ramping-vus", [(3, 8), (4, 8), (2, 0)], 0.0, get),
            scenario("s02", "주문", "constant-vus", [(8, 3)], 0.01, post),
            scenario("s03_stock", "Stock", "constant-vus", [(8, 2)], 0.02, stock),
        ),
    )


def main() -> None:
    """Starts the demo, runs k6, writes the fixture."""
    with demo(PORT) as base, tempfile.TemporaryDirectory() as folder:
        asked = plan(base)
        run = run_beside_samples(build_script(asked), Path(folder))
    data = {
        "plan": to_json(asked),
        "exact": run.exact,
        "output": run.output,
        "exit_code": run.exit_code,
        "received": [round(at - run.caught[0][0], 3) for at, _ in run.caught],
        "pushes": [base64.b64encode(body).decode() for _, body in run.caught],
    }
    FILE.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{run.exact['requests']} requests, {len(run.caught)} pushes, k6 ended with {run.exit_code}: {FILE.name}")


if __name__ == "__main__":
    main()
