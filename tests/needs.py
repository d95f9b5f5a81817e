"""What tests cannot do without, by name. A pytest plugin (pyproject.toml loads it).

`@pytest.mark.needs("chromium")` skips a test where Chromium is missing, and says so; with METRICVAULT_REQUIRE_ALL=1,
which .ci/run sets, a missing thing is a failure instead. `find("chromium")` is the path of the thing.

A cluster is another matter: it takes root and programs that are built for many minutes, so it is never a failure. What
needs it runs with `make test-cluster` only; what is marked `long`, with `make test-long` only.

What is marked `thorough` is left out of `make test`, which has to be quick, and runs with `make test-thorough`: .ci/run
does both. Whoever names tests to pytest gets both, too.
"""

import os

import pytest

from tests.installed import find

_HOW = {
    "k6": "comes with requirements.txt",
    "redis-server": "apt-get install redis-server",
    "chromium": "apt-get install chromium",
    "influxd": "apt-get install influxdb",
    "postgres": "apt-get install postgresql",
    "nginx": "apt-get install nginx-light",
    "openssl": "apt-get install openssl",
    "uplot": "make node_modules",
    "cluster": "make cluster",
}
_CLUSTER = "cluster"
WHICH = "METRICVAULT_TESTS"
DAILY, THOROUGH = "daily", "thorough"


def skip_or_fail(name: str) -> None:
    """For fixtures: ends the running test as skipped, or as failed where nothing may be missing."""
    if os.environ.get("METRICVAULT_REQUIRE_ALL") == "1":
        pytest.fail(_reason(name), pytrace=False)
    pytest.skip(_reason(name))


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what was not asked for, and marks what cannot run here."""
    _leave_out(config, items)
    mark_missing(items)


def mark_missing(items: list[pytest.Item]) -> None:
    """What cannot run here is skipped, so that pytest's closing summary names the place of each test; or it fails."""
    for item in items:
        if item.get_closest_marker("long") and os.environ.get("METRICVAULT_LONG") != "1":
            item.add_marker(pytest.mark.skip(reason="takes long: runs with `make test-long`"))
            continue
        if any(_CLUSTER in mark.args for mark in item.iter_markers("needs")):
            item.add_marker(_CLUSTER)
            if reason := _no_cluster():
                item.add_marker(pytest.mark.skip(reason=reason))
                continue
        if reason := missing(item):
            mark = pytest.mark.fails_here if os.environ.get("METRICVAULT_REQUIRE_ALL") == "1" else pytest.mark.skip
            item.add_marker(mark(reason=reason))


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Those that are not asked for."""
    which = os.environ.get(WHICH)
    if which:
        left_out = {item for item in items if (item.get_closest_marker("thorough") is None) != (which == DAILY)}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("fails_here"):
        pytest.fail(mark.kwargs["reason"], pytrace=False)


def missing(item: pytest.Item) -> str:
    """What the test lacks, in a sentence; "" where it can run."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            if name not in _HOW:
                raise pytest.UsageError(f"{item.nodeid}: needs({name!r}) is not known; tests/needs.py lists what is.")
            if name != _CLUSTER and not find(name):
                return _reason(name)
    return ""


def _no_cluster() -> str:
    """Why there is none for this test; "" where there is one, or one can be started."""
    from tests.cluster.building import missing as missing_for_cluster

    if os.environ.get("METRICVAULT_TEST_CLUSTER") != "1":
        return "needs a cluster: runs with `make test-cluster`"
    lack = missing_for_cluster()
    return lack and f"needs a cluster, and for that {lack}"


def _reason(name: str) -> str:
    return f"needs {name}, which is not installed here ({_HOW[name]})"
