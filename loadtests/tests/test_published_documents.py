"""From a document to requests: every operation as k6 really sends it, judged by the document itself.

The published documents where they are at hand; a small one of our own, of the same shapes, everywhere.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loadtests.asking import ScenarioIn
from loadtests.k6.plan import CONSTANT, RunPlan, ScenarioPlan, StagePlan, scenario_tag
from loadtests.k6.script import build_script
from loadtests.requesting import build_request
from loadtests.tests.wire import Received, Stub, faults_of
from projects.models import Endpoint, OpenApiSpec
from projects.openapi import ApiDocument, EndpointInfo, extract_api, read_document
from projects.tests.documents import EVERY_SHAPE, PUBLISHED
from projects.tests.judging import Judge, Raw

# Schemas that nothing can satisfy: `type: string` with numbers as its `enum`, and the like.
CONTRADICTIONS = {"googlemaps.json": 4, "halo.json": 1}
_ONE_AFTER_THE_OTHER = """
options.scenarios = { all: { executor: "per-vu-iterations", vus: 1, iterations: 1, exec: "all" } };
options.thresholds = {};
export function all() {
  for (const step of PLAN.steps) {
    __ENV.SCENARIO = step.tag;
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
            self.operations[raw.method, _template(raw.path)] = raw

    def raw_of(self, endpoint: Any) -> Raw:
        return self.operations[endpoint.method, _template(endpoint.path)]


def _template(path: str) -> str:
    """Paths without braces for `/:key` and with a slash, as the product reads them, in one form."""
    return re.sub(r"/:(\w+)", r"/{\1}", path if path.startswith("/") else "/" + path)


def _sources() -> list[Path]:
    folder = PUBLISHED / "documents"
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.fixture(scope="module", params=["our own", *_sources()], ids=lambda one: getattr(one, "name", one))
def document(request: pytest.FixtureRequest) -> Document:
    """One document; the tests of it run one after the other."""
    source = EVERY_SHAPE if request.param == "our own" else request.param.read_bytes()
    raw = read_document(source).document
    return Document(getattr(request.param, "name", "our own"), raw, extract_api(raw), Judge(raw))


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


def requests_of(document: Document, base_url: str, *, with_optional: bool) -> tuple[RunPlan, list[str]]:
    """A plan of one scenario for each endpoint, and what the endpoints still lack.

    Each with the values it was imported with: of its required parameters, or of all.
    """
    spec = OpenApiSpec(title=document.name, base_url=base_url)
    scenarios, problems = [], []
    for number, one in enumerate(document.api.endpoints):
        endpoint = Endpoint(
            openapi_spec=spec, path=one.path, method=one.method,
            parameters=list(one.parameters), request_body=one.request_body,
        )  # fmt: skip
        request = build_request(_asked(one, with_optional), endpoint, "scenarios.0")
        if request.problems and with_optional:  # three hundred filters make too long an address
            request = build_request(_asked(one, False), endpoint, "scenarios.0")
        problems += [detail.message for detail in request.problems]
        if request.plan is not None:
            tag = scenario_tag(number, str(endpoint))
            stages = (StagePlan(1, 1),)
            scenarios.append(ScenarioPlan(tag, str(endpoint), CONSTANT, stages, 0, request.plan, None, None))
    return RunPlan("7", document.name, tuple(scenarios)), problems


def _asked(endpoint: EndpointInfo, with_optional: bool) -> ScenarioIn:
    values: dict[str, dict[str, Any]] = {}
    for one in endpoint.parameters if with_optional else ():
        if one["value"] is not None:
            values.setdefault(one["in"], {})[one["name"]] = one["value"]
    stages = [{"duration": 1, "target": 1}]
    return ScenarioIn.model_validate({"endpoint_id": 1, "executor": CONSTANT, "stages": stages, "parameters": values})


def test_every_example_satisfies_its_schema(document: Document, record_property: Callable[..., None]) -> None:
    judged, faults = 0, []
    for endpoint in document.api.endpoints:
        raw = document.raw_of(endpoint)
        for name, schema, value in _examples(endpoint, raw, document.judge):
            fault = document.judge.fault(schema, value)
            judged += not fault.startswith("broken schema")
            if fault and not fault.startswith("broken schema"):
                faults.append(f"{endpoint.method} {endpoint.path} {name}: {fault}")
    record_property("examples that satisfy their schemas", f"{judged - len(faults)} of {judged}")
    assert len(faults) == CONTRADICTIONS.get(document.name, 0), faults


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


def test_the_script_of_all_operations_is_one_that_k6_takes(document: Document, k6: str, tmp_path: Path) -> None:
    plan, problems = requests_of(document, "https://api.example.com/base", with_optional=False)
    script = build_script(plan)
    (tmp_path / "script.js").write_text(script, encoding="utf-8")
    answer = subprocess.run(
        [k6, "inspect", str(tmp_path / "script.js")], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    assert len(json.loads(answer.stdout)["scenarios"]) == len(plan.scenarios)
    names = [scenario.request.name for scenario in plan.scenarios]
    assert len(names) == len(set(names))
    assert len(names) + len({problem.partition("”")[0] for problem in problems}) == len(document.api.endpoints)
    for scenario in plan.scenarios:
        assert not re.search(r"[{}]|%7B\w+%7D|undefined|null$", scenario.request.url.partition("?")[0])


def test_every_request_on_the_wire_is_one_that_the_document_allows(
    document: Document, stub: Stub, k6: str, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    plan, _problems = requests_of(document, f"http://127.0.0.1:{stub.port}/base", with_optional=True)
    received = _sent(plan, stub, k6, tmp_path) if plan.scenarios else []
    assert len(received) == len(plan.scenarios)
    faults = []
    for scenario, request in zip(plan.scenarios, received, strict=True):
        method, _, path = scenario.request.name.partition(" ")
        raw = document.operations[method, _template(path)]
        faults += [f"{scenario.name}: {fault}" for fault in faults_of(request, raw, f"/base{path}", document.judge)]
    good = len(received) - len({fault.partition(":")[0] for fault in faults})
    record_property("requests that the document allows", f"{good} of {len(document.api.endpoints)}")
    assert len(faults) == CONTRADICTIONS.get(document.name, 0), faults


def _sent(plan: RunPlan, stub: Stub, k6: str, folder: Path) -> list[Received]:
    """The requests of a plan, each sent once by the script of the product, in the plan's order."""
    script = build_script(plan).replace("export default function () {", "export default function once() {", 1)
    (folder / "script.js").write_text(script + _ONE_AFTER_THE_OTHER, encoding="utf-8")
    stub.received.clear()
    answer = subprocess.run(
        [k6, "run", "--quiet", "--no-usage-report", "--no-summary", "--address", "", str(folder / "script.js")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return list(stub.received)
