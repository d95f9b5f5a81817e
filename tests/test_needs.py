import pytest
from _pytest.outcomes import Failed

from tests import needs


@pytest.fixture
def item(request: pytest.FixtureRequest) -> pytest.Item:
    return request.node


@pytest.fixture(autouse=True)
def _without_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "find", lambda name: "" if name == "chromium" else f"/usr/bin/{name}")
    monkeypatch.delenv("METRICVAULT_REQUIRE_ALL", raising=False)


def test_what_is_missing_is_skipped_by_name_with_the_way_to_get_it(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.needs("influxd", "chromium"))
    needs.mark_missing([item])
    skip = item.get_closest_marker("skip")
    assert skip is not None
    assert skip.kwargs["reason"] == "needs chromium, which is not installed here (apt-get install chromium)"


def test_where_nothing_may_be_missing_it_fails(item: pytest.Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICVAULT_REQUIRE_ALL", "1")
    item.add_marker(pytest.mark.needs("chromium"))
    needs.mark_missing([item])
    assert item.get_closest_marker("skip") is None
    with pytest.raises(Failed, match="needs chromium"):
        needs.pytest_runtest_setup(item)


def test_what_is_there_is_used(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.needs("influxd"))
    needs.mark_missing([item])
    needs.pytest_runtest_setup(item)
    assert item.get_closest_marker("skip") is None


def test_what_needs_a_cluster_runs_only_where_it_is_asked_for_and_is_never_a_failure(
    item: pytest.Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICVAULT_TEST_CLUSTER", raising=False)
    monkeypatch.setenv("METRICVAULT_REQUIRE_ALL", "1")
    item.add_marker(pytest.mark.needs("cluster"))
    needs.mark_missing([item])
    skip = item.get_closest_marker("skip")
    assert skip is not None
    assert "make test-cluster" in skip.kwargs["reason"]
    assert item.get_closest_marker("cluster") is not None
    needs.pytest_runtest_setup(item)


def test_what_a_cluster_lacks_is_said_by_name(item: pytest.Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICVAULT_TEST_CLUSTER", "1")
    monkeypatch.setattr("tests.cluster.building.missing", lambda: "programs: apt-get install runc")
    item.add_marker(pytest.mark.needs("cluster"))
    needs.mark_missing([item])
    skip = item.get_closest_marker("skip")
    assert skip is not None
    assert skip.kwargs["reason"] == "needs a cluster, and for that programs: apt-get install runc"


def test_a_typing_error_is_no_reason_to_skip(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.needs("chrome"))
    with pytest.raises(pytest.UsageError, match="chrome"):
        needs.mark_missing([item])
