"""k6's own summary, the second witness."""

import json

import pytest

from history.metrics import summary
from history.metrics.summary import MARK
from tests.recorded import recorded_run


def test_it_finds_the_marked_line_only() -> None:
    noise = "running (00m01.0s)\n{}\n" + MARK + "not json\n"
    assert summary.find(noise) == []
    assert len(summary.find(noise + recorded_run().output)) == 1


def test_whole_and_scenarios_add_up() -> None:
    exact = recorded_run().exact
    found = summary.read(summary.find(recorded_run().output), list(exact["scenarios"]))
    assert found is not None
    assert found.whole.requests == exact["requests"]
    assert found.whole.failures == exact["failures"]
    assert {tag: one.requests for tag, one in found.scenarios.items()} == {
        tag: one["requests"] for tag, one in exact["scenarios"].items()
    }
    assert found.whole.p95 == pytest.approx(exact["p95"], rel=0.01)
    assert found.whole.max == pytest.approx(exact["max"])


def test_no_summary_is_none() -> None:
    assert summary.read([], ["s01"]) is None


def one(requests: int, failed: int, avg: float, least: float, most: float) -> dict:
    """A summary of one generator without scenarios."""
    return {
        "state": {"testRunDurationMs": 1000 * requests},
        "metrics": {
            "http_reqs": {"values": {"count": requests}},
            "http_req_failed": {"values": {"passes": failed, "fails": requests - failed}},
            "http_req_duration": {"values": {"avg": avg, "min": least, "max": most, "med": avg, "p(95)": most}},
        },
    }


def test_several_generators_add_counts_and_keep_extremes_but_no_percentiles() -> None:
    lines = "\n".join(MARK + json.dumps(part) for part in [one(10, 1, 100, 5, 200), one(30, 2, 20, 2, 90)])
    found = summary.read(summary.find(lines), [])
    assert found is not None
    assert (found.whole.requests, found.whole.failures, found.generators) == (40, 3, 2)
    assert found.whole.avg == pytest.approx((10 * 100 + 30 * 20) / 40)
    assert (found.whole.min, found.whole.max, found.whole.p95) == (2, 200, None)
    assert found.duration == 30
