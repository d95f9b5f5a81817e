"""Several tests at once: those across apps mostly wait for real runs. A pytest plugin (pyproject.toml loads it).

Each worker of pytest-xdist has a data folder and an InfluxDB database of its own. A module under tests/ stays on one
worker, because its tests share a running copy; those modules come first, because they take longest.
"""

import os
import sys
from pathlib import Path

import pytest

ALL_AT_ONCE = ("-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder")  # twice the cores of a small machine
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_ROOT = Path(__file__).resolve().parent.parent

if _WORKER:  # before the settings are read
    folder = Path(os.environ.get("METRICVAULT_DATA_DIR", _ROOT / ".data-test")) / _WORKER
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["METRICVAULT_DATA_DIR"] = str(folder)
    if os.environ.get("METRICVAULT_TEST_SERVERS"):
        os.environ["INFLUXDB_DATABASE"] = f"k6_{_WORKER}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test across apps with its module, and moves all of them to the front."""
    across = [item for item in items if item.path.is_relative_to(_ROOT / "tests")]
    for item in across:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
    others = [item for item in items if item not in set(across)]
    items[:] = [*across, *others]


if __name__ == "__main__":  # `python -m tests.parallel` is pytest with several tests at once
    sys.exit(pytest.main([*ALL_AT_ONCE, *sys.argv[1:]]))
