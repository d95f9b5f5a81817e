"""Several tests at once: those across apps mostly wait for real runs. A pytest plugin (pyproject.toml loads it).

Each worker (tests/forked.py) has a data folder and an InfluxDB database of its own. A module stays on one worker,
because the tests of one across apps share a running copy. The modules of `SHARING` stay together on one worker: they
share one copy of the whole product, which costs 8 CPU seconds to start. Two workers begin with the modules across apps,
which wait, the others with those of the apps, which compute.
"""

import os
import sys
from pathlib import Path

import pytest

from tests import asked, forked

# Whose tests take the `product` of tests/conftest.py. A module that is missing here is named when tests are collected.
_SHARING = (
    "board_in_browser",
    "browser",
    "builder_end_to_end",
    "builder_story",
    "ci_gate",
    "doctor",
    "end_to_end",
    "environments_in_browser",
    "history_in_browser",
    "import_in_browser",
    "influx_end_to_end",
    "k6_dashboard",
    "policy_in_browser",
    "results_story",
    "secrets_stay_inside",
    "try_in_browser",
)
SHARING = {f"tests/test_{name}.py" for name in _SHARING}

_WORKERS = os.environ.get("METRICVAULT_TEST_WORKERS", "4")  # twice the cores of a small machine
_BEGIN_ACROSS = 2  # so many workers
# Those that take longest, for whoever ends last should not have begun with one of them last. (Not tests/faults: when
# tests begin, the checks run beside them, and parts that were killed are slow to come back.)
_LONG = [f"tests/{name}.py" for name in ("test_what_lies_outside", "test_make_run", "test_api_fuzz")]
_ACROSS = Path(__file__).resolve().parent
_TOGETHER = "tests with one copy of the product"


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With `--workers`; else pytest's own."""
    if not session.config.option.workers:
        return None
    return forked.run(session, forked.Forking(_units, _next_unit, _begin))


def _units(items: list[pytest.Item]) -> forked.Units:
    """A module is a unit of work, and so are those of `SHARING` together."""
    units: forked.Units = {}
    for index, item in enumerate(items):
        module = _module(item)
        units.setdefault(_TOGETHER if module in SHARING else module, []).append(index)
    return units


def _next_unit(units: forked.Units, worker: int) -> str:
    across = worker < _BEGIN_ACROSS
    return next((name for name in units if asked.is_of_apps(name) != across), next(iter(units)))


def _begin(config: pytest.Config, worker: str) -> None:
    """In a worker that was just forked, before its first test: the settings were read by then."""
    from django.conf import settings

    before = settings.METRICVAULT_DATA_DIR
    folder = before / worker
    folder.mkdir(parents=True, exist_ok=True)
    for name in dir(settings):
        value = getattr(settings, name)
        if isinstance(value, Path) and value.is_relative_to(before):
            setattr(settings, name, folder / value.relative_to(before))
    os.environ["METRICVAULT_DATA_DIR"] = str(folder)
    if os.environ.get("METRICVAULT_TEST_SERVERS"):
        os.environ["INFLUXDB_DATABASE"] = settings.INFLUXDB["database"] = f"k6_{worker}"
    asked.begin(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Moves the tests across apps to the front. On servers (tests/on_servers.py) only those tests are left that
    tests/asked.py has chosen, or else all that touch a database: the others say the same there."""
    if os.environ.get("METRICVAULT_TEST_SERVERS"):
        chosen = asked.chosen()
        left_out = {item for item in items if not _runs_on_servers(item, chosen)}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    alone = {_module(item) for item in items if _shares_the_product(item)} - SHARING
    if alone:
        raise pytest.UsageError(f"tests/parallel.py: SHARING lacks {', '.join(sorted(alone))}")
    items.sort(key=lambda item: _turn(_module(item)))


def _turn(module: str) -> tuple[bool, int, bool]:
    place = _LONG.index(module) if module in _LONG else len(_LONG)
    return module not in SHARING, place, asked.is_of_apps(module)


def _runs_on_servers(item: pytest.Item, chosen: set[str] | None) -> bool:
    if chosen is not None:
        return item.nodeid in chosen
    return _ACROSS in item.path.parents or _asks_a_database(item)


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _shares_the_product(item: pytest.Item) -> bool:
    info = getattr(item, "_fixtureinfo", None)  # also what other fixtures of the test ask for
    found = info.name2fixturedefs.get("product", ()) if info else ()
    return bool(found) and found[-1].baseid == "tests"


def _asks_a_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & {"db", "transactional_db"}) or item.get_closest_marker("django_db") is not None


if __name__ == "__main__":  # `python -m tests.parallel` is pytest with several tests at once
    from tests.again import pytest_code

    kind = "chosen" if asked.WHERE in os.environ else "servers"
    kind = kind if os.environ.get("METRICVAULT_TEST_SERVERS") else "all"
    sys.exit(pytest_code(sys.argv[1:], kind, os.environ, ("--workers", _WORKERS)))
