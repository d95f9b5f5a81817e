"""What the tests over whole documents and `bench.corpus` share: examples, plans and requests of every operation."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.k6.plan import CONSTANT, RunPlan, ScenarioPlan, StagePlan, StepPlan, scenario_tag
from loadtests.k6.script import build_script
from loadtests.payload import StepIn
from loadtests.requesting import Place, build_request
from loadtests.surroundings import Surroundings
from loadtests.tests.wire import Received, Stub, faults_of
from projects.models import Endpoint, OpenApiSpec
from projects.openapi import ApiDocument, EndpointInfo, extract_api, read_document
from projects.tests.judging import Judge, Raw

# Schemas that nothing can satisfy: `type: string` with numbers as its `enum`, and the like.
CONTRADICTIONS = {"googlemaps.json": 4, "halo.json": 1}
PLACE = Place("scenarios.0.", "One")
_ONE_AFTER_THE_OTHER = """
options.scenarios = { all: { executor: "per-vu-iterations", vus: 1, iterations: 1, exec: "all" } };
options.thresholds = {};
export function all() {
  for (const step of PLAN.journeys) {
    __ENV.SCENARIO = step.tag;
    environment = undefined; // as if k6 had put the user to work again
    once();
  }
}
"""


@dataclass
class Document:
    """A document with all that the tests make of it, once."""

    name: str
    raw: dict[str, Any]
    api: ApiDocument
    judge: Judge
    operations: dict[tuple[str, str], Raw] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for raw in self.judge.operations():
            self.operations[raw.method, template(raw.path)] = raw

    @classmethod
    def read(cls, name: str, source: str | bytes) -> "Document":
        """A document out of its text."""
        raw = read_document(source).document
        return cls(name, raw, extract_api(raw), Judge(raw))

    def raw_of(self, endpoint: Any) -> Raw:
        return self.operations[endpoint.method, template(endpoint.path)]


def template(path: str) -> str:
    """Paths without braces for `/:key` and with a slash, as the product reads them, in one form."""
    return re.sub(r"/:(\w+)", r"/{\1}", path if path.startswith("/") else "/" + path)


def requests_of(document: Document, base_url: str, *, with_optional: bool) -> tuple[RunPlan, list[str]]:
    """A plan of one scenario for each endpoint, and what the endpoints still lack.

    Each with the values it was imported with: of its required parameters, or of all.
    """
    spec = OpenApiSpec(title=document.name, base_url=base_url)
    around, scenarios, problems = Surroundings(), [], []
    for number, one in enumerate(document.api.endpoints):
        endpoint = Endpoint(
            openapi_spec=spec, path=one.path, method=one.method,
            parameters=list(one.parameters), request_body=one.request_body,
        )  # fmt: skip
        request = build_request(_asked(one, with_optional), endpoint, PLACE, around)
        if request.problems and with_optional:  # three hundred filters make too long an address
            request = build_request(_asked(one, False), endpoint, PLACE, around)
        problems += [detail.message for detail in request.problems]
        if request.plan is not None:
            tag = scenario_tag(number, str(endpoint))
            stages = (StagePlan(1, 1),)
            scenarios.append(ScenarioPlan(tag, str(endpoint), CONSTANT, stages, 0, (StepPlan("", request.plan),)))
    return RunPlan("7", document.name, tuple(scenarios)), problems


def _asked(endpoint: EndpointInfo, with_optional: bool) -> StepIn:
    values: dict[str, dict[str, Any]] = {}
    for one in endpoint.parameters if with_optional else ():
        if one["value"] is not None:
            values.setdefault(one["in"], {})[one["name"]] = one["value"]
    return StepIn.model_validate({"endpoint_id": 1, "parameters": values})


def example_faults(document: Document) -> tuple[int, list[str]]:
    """How many examples of a document were judged by their schemas, and what is wrong with which."""
    judged, faults = 0, []
    for endpoint in document.api.endpoints:
        for name, schema, value in _examples(endpoint, document.raw_of(endpoint), document.judge):
            fault = document.judge.fault(schema, value)
            if not fault.startswith("broken schema"):
                judged += 1
                faults += [f"{endpoint.method} {endpoint.path} {name}: {fault}"] if fault else []
    return judged, faults


def _examples(endpoint: Any, raw: Raw, judge: Judge) -> Iterator[tuple[str, Any, Any]]:
    """Name, raw schema and value of each example of an endpoint."""
    for parameter in endpoint.parameters:
        given = raw.parameters.get((parameter["name"], parameter["in"]))
        if given is None or parameter["source"] == "none":
            continue
        if parameter["media_type"]:
            media = given["content"][next(iter(given["content"]))]
            if "json" in parameter["media_type"]:
                yield parameter["name"], media.get("schema", {}), json.loads(parameter["value"])
        else:
            yield parameter["name"], judge.schema_of(given), parameter["value"]
    for content in endpoint.request_body["content"] if endpoint.request_body else ():
        schema = _body_schema(raw, content["media_type"])
        if schema is not None and content["source"] != "none":
            yield content["media_type"], schema, content["value"]


def _body_schema(raw: Raw, media_type: str) -> Any:
    whole = next((one for (_, place), one in raw.parameters.items() if place == "body"), None)
    if whole is not None:
        return whole.get("schema")
    kind = media_type.partition(";")[0]
    for name, media in (raw.body.get("content") or {}).items():
        if name.partition(";")[0].strip().lower() == kind.lower() or ("*" in name and kind == "application/json"):
            return (media or {}).get("schema")
    return None


def inspected(plan: RunPlan, k6: str, folder: Path) -> dict[str, Any]:
    """What `k6 inspect` makes of the script of a plan; fails where k6 does not take it."""
    (folder / "script.js").write_text(build_script(plan), encoding="utf-8")
    command = [k6, "inspect", str(folder / "script.js")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def wire_faults(document: Document, stub: Stub, k6: str, folder: Path) -> tuple[int, list[str]]:
    """How many requests k6 sent for the endpoints, each once with all that is known, and what is wrong with which."""
    plan, _problems = requests_of(document, f"http://127.0.0.1:{stub.port}/base", with_optional=True)
    received = _sent(plan, stub, k6, folder) if plan.scenarios else []
    assert len(received) == len(plan.scenarios)
    faults = []
    for scenario, request in zip(plan.scenarios, received, strict=True):
        method, _, path = scenario.steps[0].request.name.partition(" ")
        raw = document.operations[method, template(path)]
        faults += [f"{scenario.name}: {fault}" for fault in faults_of(request, raw, f"/base{path}", document.judge)]
    return len(received), faults


def _sent(plan: RunPlan, stub: Stub, k6: str, folder: Path) -> list[Received]:
    """The requests of a plan, each sent once by the script of the product, in the plan's order."""
    script = build_script(plan).replace("export default function () {", "export default function once() {", 1)
    (folder / "script.js").write_text(script + _ONE_AFTER_THE_OTHER, encoding="utf-8")
    stub.received.clear()
    answer = subprocess.run(
        [k6, "run", "--quiet", "--no-usage-report", "--no-summary", "--address", "", str(folder / "script.js")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return list(stub.received)
