"""JUnit XML: what build servers read, and that no run that proves nothing is green."""

from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User

from history.exports.junit import junit
from history.models import TestHistory
from history.reasons import reason
from history.states import Outcome, Status
from history.tests.finished_runs import finished
from history.tests.sample_runs import project_of, run_of
from history.verdict import exit_code_of

pytestmark = pytest.mark.django_db
# What Jenkins' junit-10.xsd allows: (attributes, children in this order).
ALLOWED = {
    "testsuites": ({"name", "time", "tests", "failures", "errors", "disabled"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "group"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), ["property"]),
    "property": ({"name", "value"}, []),
    "testcase": (
        {"name", "classname", "time", "group"},
        ["skipped", "error", "failure", "system-out", "system-err"],
    ),
    "failure": ({"message", "type"}, []),
    "error": ({"message", "type"}, []),
    "skipped": ({"message", "type"}, []),
    "system-out": (set(), []),
}


def suite(run: TestHistory) -> ElementTree.Element:
    """The one suite, after a look at every element of the document."""
    root = ElementTree.fromstring(junit(run))
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        at = [children.index(child.tag) for child in element]
        assert at == sorted(at), element.tag
    (found,) = root
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(found.get(name, "-1")) == sum(1 for _ in found.iter(tag))
    return found


def case(found: ElementTree.Element, group: str, name: str) -> ElementTree.Element:
    cases = [one for one in found.iter("testcase") if (one.get("classname"), one.get("name")) == (group, name)]
    assert len(cases) == 1
    return cases[0]


def sample(
    owner: User, outcome: str = Outcome.PASSED, status: Status = Status.COMPLETED, **columns: object
) -> TestHistory:
    return run_of(project_of(owner), status, outcome, **columns)


def test_a_target_that_is_met_passes_and_one_that_is_missed_fails_with_the_verdicts_sentence(alice: User) -> None:
    why = reason("p95_missed", value=236.7, target=200, request="GET /products", since=12, by=0.2)
    run = sample(alice, Outcome.TARGETS_MISSED, reasons=[why], error_rate_target=1.0)
    run.scenarios.update(response_time_target=200, error_rate_target=5)
    found = suite(run)
    failure = case(found, "GET /products", "p95 response time").find("failure")
    assert failure is not None
    assert failure.get("type") == "p95_missed"
    assert failure.get("message") == failure.text == run.explained[0]["message"]
    assert list(case(found, "GET /products", "errors")) == []
    assert list(case(found, "All requests", "errors")) == []
    assert list(case(found, "Evening peak", "measurement")) == []


@pytest.mark.parametrize(
    ("status", "outcome", "stored"),
    [
        (Status.COMPLETED, Outcome.INVALID, [reason("counts_differ", k6=100, stored=50, share=50.0)]),
        (Status.COMPLETED, Outcome.ERROR, [reason("no_requests")]),
        (Status.FAILED, Outcome.ERROR, [reason("script_error")]),
        (Status.FAILED, "", []),
        (Status.STOPPED, "", [reason("stopped", seconds=3.0)]),
        (Status.TIMED_OUT, "", [reason("timed_out", hours=4.0)]),
    ],
)
def test_a_run_that_proves_nothing_is_an_error(alice: User, status: Status, outcome: str, stored: list) -> None:
    run = sample(alice, outcome, status, reasons=stored)
    error = case(suite(run), "Evening peak", "measurement").find("error")
    assert error is not None
    assert error.get("type") == (outcome or status)
    assert (error.get("message") or "").strip()


@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_the_suite_is_green_where_the_exit_code_is_0_and_nowhere_else(alice: User, outcome: str) -> None:
    run = sample(alice, outcome)  # no stored reason and no target says why
    found = suite(run)
    green = found.get("failures") == found.get("errors") == "0"
    assert green == (exit_code_of(run) == 0)


def test_an_endpoint_without_a_target_is_a_case_and_one_without_requests_is_skipped(alice: User) -> None:
    run = sample(alice)
    run.scenarios.update(response_time_target=None)
    assert case(suite(run), "GET /products", "measured, without a target").find("skipped") is None
    run.scenarios.update(total_requests=0, p95_response_time=None)
    assert case(suite(run), "GET /products", "measured, without a target").find("skipped") is not None
    run.scenarios.update(response_time_target=300)
    assert case(suite(run), "GET /products", "p95 response time").find("skipped") is not None


def test_the_numbers_are_there_as_they_are_stored(alice: User) -> None:
    run = finished(alice)
    found = suite(run)
    properties = {one.get("name"): one.get("value") for one in found.iter("property")}
    assert float(properties["p95_response_time"] or 0) == run.p95_response_time
    assert properties["total_requests"] == str(run.total_requests)
    assert properties["exit_code"] == str(exit_code_of(run))
    lines = [line for out in found.iter("system-out") for line in (out.text or "").splitlines()]
    step = run.scenarios.get(position=0).steps.get(position=1)
    assert f"step 2 p95_response_time: {step.p95_response_time!r}" in lines


def test_a_sentence_is_of_the_scenario_that_it_is_about(alice: User) -> None:
    """Two scenarios may send the same request, and both may miss."""
    stored = [reason("p95_missed", value=300.0, target=200, request="GET /products", since=7, by=0.5)]
    run = sample(alice, Outcome.TARGETS_MISSED, reasons=stored)
    run.scenarios.update(response_time_target=200, p95_response_time=400.0)
    failure = case(suite(run), "GET /products", "p95 response time").find("failure")
    assert failure is not None
    assert "400" in (failure.get("message") or "")


def test_characters_that_xml_forbids_are_left_out(alice: User) -> None:
    run = sample(alice, title="bell \x07 and ]]> & <b> \ufffe")
    found = suite(run)
    assert found.get("name") == "bell \ufffd and ]]> & <b> \ufffd"
