"""One log a pod, taken apart into summary, k6's own log and HTML report, and put together over all pods."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.metrics import summary
from loadtests.k6.script import SUMMARY_MARK
from loadtests.runners.base import LOG_HEAD, LOG_TAIL
from loadtests.runners.pod_logs import ends, merged, shortened, taken_apart
from tests.recorded import recorded_run

INFO = 'time="2026-11-24T05:00:00Z" level=info msg="began" source=console\n'
ERROR = 'time="2026-11-24T05:00:01Z" level=error msg="연결이 거부됨"\n'
REPORT = "<!doctype html>\n<html>\n<body>k6 report</body>\n</html>\n"


def line(requests: int) -> str:
    """The summary line of a generator."""
    return SUMMARY_MARK + json.dumps({"metrics": {"http_reqs": {"values": {"count": requests}}}}) + "\n"


def counted(output: str) -> list[int]:
    return [one["metrics"]["http_reqs"]["values"]["count"] for one in summary.find(output)]


def test_a_log_is_taken_apart() -> None:
    assert taken_apart(INFO + ERROR + line(5)) == (line(5), INFO + ERROR, "")


def test_failed_requests_are_told_beside_the_log() -> None:
    told = 'time="2026-11-24T05:00:00Z" level=info msg="METRICVAULT-FAILED {\\"kind\\":\\"500\\"}" source=console\n'
    found = merged([("0", INFO + told + line(5)), ("1", told + ERROR)])
    assert found.output.count('METRICVAULT-FAILED {"kind":"500"}\n') == 2
    assert "FAILED" not in found.log
    assert counted(found.output) == [5]
    assert ends([("0", INFO + told), ("1", told)], 1000) == f"── generator 0\n{INFO.strip()}"


def test_the_ends_of_all_logs_share_the_room() -> None:
    found = ends([(str(at), ERROR * 1000) for at in range(4)], 4000)
    assert found.count("── generator") == 4
    assert len(found) < 4000 + 4 * 20


def test_an_empty_log_has_nothing() -> None:
    assert taken_apart("") == ("", "", "")


def test_k6s_log_goes_on_after_the_summary() -> None:
    assert taken_apart(INFO + line(5) + ERROR) == (line(5), INFO + ERROR, "")


@pytest.mark.parametrize("head", ["<!doctype html>", "<!DOCTYPE html>", "<!-- k6 -->\n<!doctype html>"])
def test_a_report_is_a_page_of_its_own(head: str) -> None:
    page = REPORT.replace("<!doctype html>", head)
    summaries, rest, report = taken_apart(INFO + page + ERROR + line(5))
    assert (summaries, rest, report) == (line(5), INFO + ERROR, page)


def test_a_report_of_one_line_ends_where_it_ends() -> None:
    page = "<!doctype html><html><body>k6</body></html>\n"
    assert taken_apart(page + ERROR) == ("", ERROR, page)


def test_a_report_that_is_cut_off_takes_no_summary_with_it() -> None:
    summaries, rest, report = taken_apart("<!doctype html>\n<html>\n<body>\n" + line(5))
    assert (counted(summaries), rest) == ([5], "")
    assert report.startswith("<!doctype html>")


def test_a_log_that_ends_in_the_middle_of_the_summary_has_none() -> None:
    cut = (INFO + line(5))[:-20]
    found = merged([("0", cut)])
    assert summary.find(found.output) == []
    assert found.log.startswith(INFO)
    assert SUMMARY_MARK not in found.log


def test_a_cut_summary_does_not_spoil_that_of_the_next_pod() -> None:
    found = merged([("0", line(5)[:-20]), ("1", line(7))])
    assert counted(found.output) == [7]


def test_a_summary_without_a_line_end_is_whole() -> None:
    found = merged([("0", line(5).rstrip("\n")), ("1", line(7))])
    assert counted(found.output) == [5, 7]


def test_the_log_of_one_pod_is_shown_as_it_is() -> None:
    assert merged([("0", INFO + line(5))]).log == INFO


def test_the_logs_of_several_pods_stand_below_a_heading_each() -> None:
    found = merged([("0", INFO + line(5)), ("1", ERROR + line(7))])
    assert found.log == f"── generator 0\n{INFO}── generator 1\n{ERROR}"
    assert counted(found.output) == [5, 7]


def test_a_pod_that_said_nothing_has_no_heading() -> None:
    assert merged([("0", line(5)), ("1", ERROR)]).log == f"── generator 1\n{ERROR}"


def test_a_log_without_a_line_end_does_not_run_into_the_next_heading() -> None:
    assert merged([("0", INFO.rstrip("\n")), ("1", ERROR)]).log == f"── generator 0\n{INFO}── generator 1\n{ERROR}"


def test_reports_are_kept_by_generator() -> None:
    found = merged([("0", REPORT + line(5)), ("1", INFO + line(7)), ("2", REPORT)])
    assert found.reports == {"0": REPORT, "2": REPORT}
    assert "<html>" not in found.log + found.output


def test_no_pods_no_logs() -> None:
    found = merged([])
    assert (found.output, found.log, found.reports) == ("", "", {})


def test_a_real_summary_survives() -> None:
    noise = INFO * 3
    found = merged([(str(index), noise + recorded_run().output + noise) for index in range(2)])
    assert summary.find(found.output) == recorded_run().summaries * 2


def test_what_is_short_enough_is_left_alone() -> None:
    assert shortened("abc\n" * 10, 20, 20) == "abc\n" * 10


def test_what_is_too_long_keeps_whole_lines_of_both_ends() -> None:
    text = "".join(f"line {number:03}\n" for number in range(100))
    found = shortened(text, 45, 45)
    assert found.startswith("line 000\n")
    assert found.endswith("line 099\n")
    assert set(found.splitlines()) - {"", "[…]"} <= set(text.splitlines())
    assert len(found) <= 95


@given(st.text(st.sampled_from("ab한\n"), max_size=300), st.integers(1, 60), st.integers(1, 60))
def test_a_shortened_text_is_never_longer_than_asked(text: str, head: int, tail: int) -> None:
    found = shortened(text, head, tail)
    assert len(found) <= head + tail + len("\n[…]\n")
    assert found == text or "\n[…]\n" in found


@given(st.lists(st.sampled_from([INFO, ERROR, line(1), line(2), REPORT, "\n", "plain words\n"]), max_size=30))
def test_nothing_of_a_log_is_lost_or_made(parts: list[str]) -> None:
    whole = "".join(parts)
    assert sum(len(part) for part in taken_apart(whole)) == len(whole)
    sent = [1 if part == line(1) else 2 for part in parts if part.startswith(SUMMARY_MARK)]
    assert counted(taken_apart(whole)[0]) == sent


def test_the_logs_of_a_thousand_pods_stay_bounded_and_keep_every_summary() -> None:
    log = ERROR * 1000 + line(5) + INFO
    found = merged([(str(index), log) for index in range(1000)])
    assert counted(found.output) == [5] * 1000
    assert len(found.log) <= LOG_HEAD + LOG_TAIL + 1000 * len("── generator 999\n\n[…]\n")
    assert found.log.count("── generator") == 1000
    assert found.log.endswith(INFO)


def test_marked_lines_end_where_their_json_does() -> None:
    step, summary = 'METRICVAULT-STEP {"body": "a\u2028b\x0c"}\n', 'METRICVAULT-SUMMARY {"title": "\x85"}\n'
    assert taken_apart(f"one\n{step}{summary}two") == (step + summary, "one\ntwo", "")
