"""Walks the whole API of a running copy and writes what was asked and answered into metricvault/api_examples.json,
which the OpenAPI document shows beside each operation:

    python -m bench.record_examples

Lists are cut to their first item and long texts to their first words; nothing else is changed but the ports.
"""

import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from metricvault.api_examples import FILE
from tests.product import Product, running_product

_LONGEST = 160
_USUAL = {"PORT": "8000", "DEMO": "8001"}
Json = dict[str, Any]


class Recorder:
    """Asks and remembers, by "METHOD /path/{template}"."""

    def __init__(self, product: Product) -> None:
        self.product, self.found = product, dict[str, Json]()
        self.paths = product.api.get("/api/openapi.json").json()["paths"]

    def __call__(self, operation: str, /, *, query: Json | None = None, files: Any = None, **given: Any) -> Any:
        """Answers the object of the answer, or its text. `given`: names of the path, and `body` or `text`."""
        method, _space, template = operation.partition(" ")
        body, text = given.pop("body", None), given.pop("text", None)
        path = template.format(**given)
        sent: Json = {"files": files} if files else {"content": text} if text else {"json": body} if body else {}
        if text:
            sent["headers"] = {"Content-Type": "application/yaml"}
        answer = self.product.api.request(method, path, params=query, **sent)
        assert answer.status_code < 300, f"{operation}: {answer.status_code} {answer.text[:500]}"
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        found = answer.json() if kind == "application/json" and answer.content else answer.text
        example: Json = {"status": str(answer.status_code)}
        if body is not None or text is not None:
            asked = {"application/json": body} if body is not None else {"application/yaml": text}
            example["request"] = self._shown(asked)
        if answer.status_code != 204:
            example["response"] = {kind: self._shown(found)}
        self.found.setdefault(operation, example)
        return found

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._shown(one) for name, one in value.items()}
        if isinstance(value, list):
            numbers = all(isinstance(one, int | float | None) for one in value)
            return [self._shown(one) for one in value[: 5 if numbers else 1]]
        if isinstance(value, str):
            value = value.replace(self.product.url, f"http://127.0.0.1:{_USUAL['PORT']}")
            value = value.replace(self.product.demo_url, f"http://127.0.0.1:{_USUAL['DEMO']}")
            value = re.sub(re.escape(str(self.product.data_dir)), "", value)
            return value if len(value) <= _LONGEST else value[:_LONGEST].rstrip() + " …"
        return value


def walk(record: Recorder) -> None:
    """Every operation once."""
    demo = record.product.demo_url
    project = record("POST /project", body={"title": "Demo shop", "summary": "What customers buy from"})["id"]
    record("GET /project")
    record("GET /project/{project_id}", project_id=project)
    record("PATCH /project/{project_id}", project_id=project, body={"description": "Owned by the team Orders"})
    asked = {"project_id": project, "openapi_url": f"{demo}/openapi.json"}
    spec = record("POST /openapi/analyze", body=asked)["id"]
    record("GET /openapi", query={"project_id": project})
    record("GET /openapi/{spec_id}", spec_id=spec)
    endpoints = record("GET /endpoint", query={"project_id": project, "limit": 500})["items"]
    by_name = {f"{one['method']} {one['path']}": one["id"] for one in endpoints}
    _surroundings(record, project)
    load: Json = {
        "title": "Evening peak",
        "project_id": project,
        "scenarios": [
            {
                "name": "Products",
                "endpoint_id": by_name["GET /products"],
                "executor": "ramping-vus",
                "stages": [{"duration": 2, "target": 4}, {"duration": 2, "target": 4}],
                "response_time_target": 400,
                "error_rate_target": 1,
            }
        ],
    }
    run = _load_tests(record, load)
    _plans(record, project, run)
    _labels(record, run)
    _results(record, project, run)
    record("DELETE /openapi/{spec_id}", spec_id=spec)
    _last(record)


def _surroundings(record: Recorder, project: int) -> None:
    asked: Json = {"project_id": project, "name": "staging", "base_url": record.product.demo_url}
    staging = record("POST /environment", body=asked)["id"]
    record("GET /environment", query={"project_id": project})
    record("GET /environment/{environment_id}", environment_id=staging)
    record("PATCH /environment/{environment_id}", environment_id=staging, body={"name": "test"})
    record("POST /environment/{environment_id}/duplicate", environment_id=staging)
    record("DELETE /environment/{environment_id}", environment_id=staging)
    table = {"project_id": (None, str(project)), "file": ("users.csv", "email,name\nann@example.com,Ann\n", "text/csv")}
    users = record("POST /data-file", files=table)["id"]
    record("GET /data-file", query={"project_id": project})
    record("GET /data-file/{file_id}", file_id=users)
    record("DELETE /data-file/{file_id}", file_id=users)


def _load_tests(record: Recorder, load: Json) -> int:
    record("POST /load-testing/preview", body=load)
    tried = record("POST /load-testing/try", body=load)["id"]
    while record.product.api.get(f"/load-testing/try/{tried}").json()["state"] in ("waiting", "running"):
        time.sleep(0.2)
    record("GET /load-testing/try/{try_id}", try_id=tried)
    run = int(record("POST /load-testing", body=load)["test_history_id"])
    record.product.wait(run, lambda one: one["status"] == "running")
    record("GET /scheduler/jobs")
    record.product.wait(run)
    again = record("POST /test-history/{run_id}/again", run_id=run)["test_history_id"]
    record("POST /test-history/{run_id}/stop", run_id=again)
    record.product.wait(again)
    return run


def _plans(record: Recorder, project: int, run: int) -> None:
    plan = record("POST /test-history/{run_id}/plan", run_id=run)["id"]
    record("GET /plan")
    record("GET /plan/{plan_id}", plan_id=plan)
    text = record("GET /plan/{plan_id}/file", plan_id=plan)
    other = record("POST /plan/file", query={"project_id": project}, text=text)["id"]
    record("POST /plan/{plan_id}/archive", plan_id=other)
    record("POST /plan/{plan_id}/unarchive", plan_id=other)
    record("POST /plan/{plan_id}/duplicate", plan_id=other)
    record("POST /plan/{plan_id}/try", plan_id=plan)
    started = record("POST /plan/{plan_id}/run", plan_id=plan)["test_history_id"]
    record.product.wait(started)
    record("DELETE /plan/{plan_id}", plan_id=other)


def _results(record: Recorder, project: int, run: int) -> None:
    record("GET /test-history/simple")
    record("GET /test-history/projects/{project_id}", project_id=project)
    record("GET /test-history/{run_id}/details", run_id=run)
    record("GET /test-history/{run_id}/timeseries", run_id=run)
    record("GET /test-history/{run_id}/wait", run_id=run, query={"timeout": 0})
    record("GET /test-history/{run_id}/span", run_id=run, query={"from": 1, "to": 3})
    record("GET /test-history/{run_id}/heatmap", run_id=run)
    record("GET /test-history/{run_id}/script", run_id=run)
    record("GET /test-history/{run_id}/failures", run_id=run)
    other = record.product.api.get("/test-history/simple", params={"project_id": project}).json()["items"][0]["id"]
    record("GET /test-history/compare", query={"runs": f"{run},{other}"})
    for what in ("trends", "regressions"):  # once they are there
        if f"/test-history/{what}" in record.paths:
            record(f"GET /test-history/{what}", query={"project_id": project})
    summary = {"metrics": {"http_reqs": {"count": 2400, "rate": 80.0}}}
    record("POST /test-history/import", body={"project_id": project, "title": "Nightly", "document": summary})
    for name in ("export.csv", "export.json", "export.zip", "report.html", "junit.xml"):
        record(f"GET /test-history/{{run_id}}/{name}", run_id=run)
    record("GET /test-history/{run_id}/chart/{name}.svg", run_id=run, name="response-time")
    record("GET /")


def _labels(record: Recorder, run: int) -> None:
    marks: Json = {"labels": ["nightly"], "release": "2.3.1", "pinned": False, "baseline": True}
    record("PATCH /test-history/{run_id}", run_id=run, body=marks)
    note = record("POST /test-history/{run_id}/notes", run_id=run, body={"text": "The cache was cold."})["id"]
    record("GET /test-history/{run_id}/notes", run_id=run)
    changed = {"text": "The cache was cold until 00:30."}
    record("PATCH /test-history/{run_id}/notes/{note_id}", run_id=run, note_id=note, body=changed)
    record("DELETE /test-history/{run_id}/notes/{note_id}", run_id=run, note_id=note)
    record("DELETE /test-history/{run_id}", run_id=run)
    record("POST /test-history/{run_id}/restore", run_id=run)


def _last(record: Recorder) -> None:
    empty = record.product.api.post("/project", json={"title": "Nothing in it"}).json()["id"]
    record("DELETE /project/{project_id}", project_id=empty)
    record("GET /audit", query={"action": "started", "limit": 1})
    record("GET /audit/export.csv", query={"action": "started"})


def main() -> None:
    """Starts a copy of its own."""
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "data") as product:
        record = Recorder(product)
        walk(record)
    FILE.write_text(json.dumps(record.found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(record.found)} operations in {FILE.name}")


if __name__ == "__main__":
    main()
