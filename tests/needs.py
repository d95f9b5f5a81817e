"""What tests cannot do without, by name. A pytest plugin (pyproject.toml loads it).

`@pytest.mark.needs("chromium")` skips a test where Chromium is missing, and says so; with METRICVAULT_REQUIRE_ALL=1,
which .ci/run sets, a missing thing is a failure instead. `find("chromium")` is the path of the thing.
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
    "uplot": "make node_modules",
}


def skip_or_fail(name: str) -> None:
    """For fixtures: ends the running test as skipped, or as failed where nothing may be missing."""
    if os.environ.get("METRICVAULT_REQUIRE_ALL") == "1":
        pytest.fail(_reason(name), pytrace=False)
    pytest.skip(_reason(name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what cannot run here, so that pytest's closing summary names the place of each test."""
    for item in items:
        if reason := missing(item):
            mark = pytest.mark.fails_here if os.environ.get("METRICVAULT_REQUIRE_ALL") == "1" else pytest.mark.skip
            item.add_marker(mark(reason=reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("fails_here"):
        pytest.fail(mark.kwargs["reason"], pytrace=False)


def missing(item: pytest.Item) -> str:
    """What the test lacks, in a sentence; "" where it can run."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            if name not in _HOW:
                raise pytest.UsageError(f"{item.nodeid}: needs({name!r}) is not known; tests/needs.py lists what is.")
            if not find(name):
                return _reason(name)
    return ""


def _reason(name: str) -> str:
    return f"needs {name}, which is not installed here ({_HOW[name]})"
