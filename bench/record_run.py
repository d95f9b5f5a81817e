"""Records one real run for the tests: `python -m bench.record_run` writes tests/recorded_run.json.

The real k6 against the demo API, with our script; its pushes are caught, and `--out json` beside it gives exact values.
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.k6_runs import exact, push_catcher
from loadtests.k6.command import local_command
from loadtests.k6.plan import RequestPlan, RunPlan, ScenarioPlan, StagePlan, to_json
from loadtests.k6.script import build_script
from tests.recorded import FILE

PORT = 8997


def plan(base: str) -> RunPlan:
    """Three scenarios: one that ramps, one with a Korean body and targets, one that fails now and then."""
    json_type = (("Content-Type", "application/json"),)
    order = json.dumps({"product_id": 7, "quantity": 2, "recipient": "홍길동"}, ensure_ascii=False)

    def scenario(tag: str, name: str, executor: str, stages: list[tuple[float, int]], think: float, request: RequestPlan):
        steps = tuple(StagePlan(duration, target) for duration, target in stages)
        return ScenarioPlan(tag, name, executor, steps, think, request, 500.0, 5.0)

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
    demo = subprocess.Popen([sys.executable, "-m", "demo", "--port", str(PORT)])
    base = f"http://127.0.0.1:{PORT}"
    try:
        _wait(base)
        with tempfile.TemporaryDirectory() as folder, push_catcher() as (url, caught):
            asked = plan(base)
            script, samples = Path(folder) / "script.js", Path(folder) / "samples.json"
            script.write_text(build_script(asked), encoding="utf-8")
            arguments, environment = local_command("1", "1", url, "token")
            k6 = str(Path(sys.executable).with_name("k6"))
            command = [k6, *arguments, "--out", f"json={samples}", str(script)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            data = {
                "plan": to_json(asked),
                "exact": exact(samples),
                "output": done.stdout,
                "exit_code": done.returncode,
                "received": [round(at - caught[0][0], 3) for at, _ in caught],
                "pushes": [base64.b64encode(body).decode() for _, body in caught],
            }
    finally:
        demo.terminate()
        demo.wait()
    FILE.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{data['exact']['requests']} requests, {len(caught)} pushes, k6 ended with {done.returncode}: {FILE.name}")


def _wait(base: str) -> None:
    for _attempt in range(100):
        try:
            httpx.get(f"{base}/openapi.json")
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The demo API did not start.")


if __name__ == "__main__":
    main()
