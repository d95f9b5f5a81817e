"""Several tests at once: those across apps mostly wait for real runs. A pytest plugin (pyproject.toml loads it).

Each worker of pytest-xdist has a data folder and an InfluxDB database of its own. A module stays on one worker, because
the tests of one across apps share a running copy; those modules come first, because they take longest. (By file: the
groups of xdist 3.8 need an attribute that pytest 9.2 has no more.)
"""

import os
import sys
from pathlib import Path

import pytest

_WORKERS = os.environ.get("METRICVAULT_TEST_WORKERS", "4")  # twice the cores of a small machine
ALL_AT_ONCE = ("-n", _WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_ACROSS = Path(__file__).resolve().parent
_ROOT = _ACROSS.parent

if _WORKER:  # before the settings are read
    folder = Path(os.environ.get("METRICVAULT_DATA_DIR", _ROOT / ".data-test")) / _WORKER
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["METRICVAULT_DATA_DIR"] = str(folder)
    if os.environ.get("METRICVAULT_TEST_SERVERS"):
        os.environ["INFLUXDB_DATABASE"] = f"k6_{_WORKER}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Moves the tests across apps to the front. On servers (tests/on_servers.py) what touches no database is left out:
    it says the same there."""
    if os.environ.get("METRICVAULT_TEST_SERVERS"):
        left_out = {item for item in items if not (_ACROSS in item.path.parents or _asks_a_database(item))}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: _ACROSS not in item.path.parents)


def _asks_a_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & {"db", "transactional_db"}) or item.get_closest_marker("django_db") is not None


if __name__ == "__main__":  # `python -m tests.parallel` is pytest with several tests at once
    sys.exit(pytest.main([*ALL_AT_ONCE, *sys.argv[1:]]))
