"""From a document to requests: every operation as k6 really sends it, judged by the document itself.

The published documents where they are at hand; a small one of our own, of the same shapes, everywhere.
`python -m bench.corpus` prints the shares.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.tests.published import CONTRADICTIONS, Document, example_faults, inspected, requests_of, wire_faults
from loadtests.tests.wire import Stub
from projects.tests.documents import EVERY_SHAPE, published_documents


@pytest.fixture(
    scope="module",
    params=["our own", *published_documents()],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
def document(request: pytest.FixtureRequest) -> Document:
    """One document; the tests of it run one after the other."""
    if isinstance(request.param, str):
        return Document.read(request.param, EVERY_SHAPE)
    return Document.read(request.param.name, request.param.read_bytes())


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


def test_every_example_satisfies_its_schema(document: Document, record_property: Callable[..., None]) -> None:
    judged, faults = example_faults(document)
    record_property("examples that satisfy their schemas", f"{judged - len(faults)} of {judged}")
    assert len(faults) == CONTRADICTIONS.get(document.name, 0), faults


def test_the_script_of_all_operations_is_one_that_k6_takes(document: Document, k6: str, tmp_path: Path) -> None:
    plan, problems = requests_of(document, "https://api.example.com/base", with_optional=False)
    assert len(inspected(plan, k6, tmp_path)["scenarios"]) == len(plan.scenarios)
    names = [scenario.steps[0].request.name for scenario in plan.scenarios]
    assert len(names) == len(set(names))
    assert len(names) + len({problem.partition("”")[0] for problem in problems}) == len(document.api.endpoints)
    for scenario in plan.scenarios:
        assert not re.search(r"[{}]|%7B\w+%7D|undefined|null$", scenario.steps[0].request.url.partition("?")[0])


def test_every_request_on_the_wire_is_one_that_the_document_allows(
    document: Document, stub: Stub, k6: str, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    sent, faults = wire_faults(document, stub, k6, tmp_path)
    good = sent - len({fault.partition(":")[0] for fault in faults})
    record_property("requests that the document allows", f"{good} of {len(document.api.endpoints)}")
    assert len(faults) == CONTRADICTIONS.get(document.name, 0), faults
