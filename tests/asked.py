"""Which tests run a second time on PostgreSQL and InfluxDB. A pytest plugin (pyproject.toml loads it).

The rule: a test runs there, too, where it asks the database something that no test before it has asked: another
statement, a value of another kind in its place (nothing, a long text, one with signs beyond ASCII, a large number …),
another error; or where it commits for real (locks, several threads). Whatever can differ between two databases is in
one of these; what asks the same again learns the same. So a new test is cheap, unless it asks something new, and there
is no list to keep.

Workers note what is asked, whoever runs them together writes the names of the tests that were the first into the file
that METRICVAULT_TEST_ASKED names, as soon as all tests of the apps have ended. Those who wait for it have collected.
"""

import functools
import hashlib
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.needs import DAILY, WHICH

WHERE = "METRICVAULT_TEST_ASKED"
LEFT = Path(__file__).resolve().parent.parent / ".data-test" / "left-for-thorough"  # names of tests
APPS = ("metricvault", "projects", "history", "loadtests", "tests/test_bad_input.py")  # whose tests ask in-process
DAILY_APPS = ("history", "loadtests")
_ASKED = "asked"  # the property of a report that carries it
_COMMITS = "commits"
_TOGETHER = "asked, of all workers"
_LISTS = re.compile(r"(%s|\(%s\)|NULL)(, (%s|\(%s\)|NULL))+")  # rows of an INSERT, members of an IN
_NUMBERS = re.compile(r"\b\d+\b|s\d+_x\d+")  # LIMIT, savepoints
_LONG, _LARGE = 255, 2**31
_LOOK = 0.2  # seconds


class _Noted:
    """What the running test has asked, and what was asked before it in this process."""

    def __init__(self) -> None:
        self.before: set[str] = set()
        self.now: list[str] = []

    def note(self, key: str) -> None:
        if key not in self.before:
            self.before.add(key)
            self.now.append(key)

    def wrap(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """An execute_wrapper of Django's connections."""
        text = _shape(str(sql))
        self.note(text)
        rows = params if many else [params]
        for row in rows or ():
            for kind in {f"{text}\n{_kind(value)}" for value in row or ()}:
                self.note(kind)
        try:
            return execute(sql, params, many, context)
        except Exception as error:
            self.note(f"{text}\n{type(error).__name__}")
            raise


@functools.cache
def _shape(sql: str) -> str:
    return _NUMBERS.sub("N", _LISTS.sub(r"\1, …", sql))


def _kind(value: object) -> str:
    if isinstance(value, str):
        beyond = "" if value.isascii() else " beyond ASCII"
        return ("long text" if len(value) > _LONG else "text") + beyond + (" with NUL" if "\0" in value else "")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) >= _LARGE:
        return "large"
    return type(value).__name__


def pytest_configure(config: pytest.Config) -> None:
    if _is_first_run():
        config.pluginmanager.register(_Together(Path(os.environ[WHERE])), _TOGETHER)


def begin(config: pytest.Config) -> None:
    """In a worker."""
    if _is_first_run():
        config.pluginmanager.unregister(name=_TOGETHER)  # it was forked along
        del os.environ[WHERE]  # what a test starts has no part in it
        config.pluginmanager.register(_Worker())


def _is_first_run() -> bool:
    return bool(os.environ.get(WHERE)) and not os.environ.get("METRICVAULT_TEST_SERVERS")


class _Worker:
    def __init__(self) -> None:
        from django.db.backends.signals import connection_created

        self._noted = _Noted()
        connection_created.connect(self._wrap, weak=False)

    def _wrap(self, connection: Any, **more: object) -> None:
        if self._noted.wrap not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._noted.wrap)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if report.when == "teardown":
            asked, self._noted.now = [_short(key) for key in self._noted.now], []
            if _commits(item):
                asked.append(_COMMITS)
            report.user_properties = [*report.user_properties, (_ASKED, asked)]
        return report


def is_of_apps(name: str) -> bool:
    """Of a test or a module."""
    return name.startswith(APPS)


def chosen() -> set[str] | None:
    """The names of the tests that run on servers, too, once they are known; None where nobody looks for them."""
    place = os.environ.get(WHERE)
    if not place or not os.environ.get("METRICVAULT_TEST_SERVERS"):
        return None
    while not Path(place).exists():
        time.sleep(_LOOK)
    return set(Path(place).read_text(encoding="utf-8").splitlines())


def _short(key: str) -> str:
    """Short, and the same in all processes."""
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=8).hexdigest()


def _commits(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    mark = item.get_closest_marker("django_db")
    return "transactional_db" in names or bool(mark and mark.kwargs.get("transaction"))


class _Together:
    def __init__(self, place: Path) -> None:
        self._place = place
        self._before: set[str] = set()
        self._chosen: list[str] = []
        self._left: set[str] | None = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._left = {item.nodeid for item in session.items if is_of_apps(item.nodeid)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":
            return
        asked = set(dict(report.user_properties).get(_ASKED, ()))
        if asked - self._before or _COMMITS in asked:
            self._chosen.append(report.nodeid)
        self._before |= asked
        if self._left and report.nodeid in self._left:
            self._left.discard(report.nodeid)
            if not self._left:
                self._write()

    def pytest_sessionfinish(self) -> None:
        self._write()

    def _write(self) -> None:
        if self._place.exists():  # or this is a second try of what failed
            return
        now = self._chosen
        if os.environ.get(WHICH) == DAILY:
            now = [name for name in self._chosen if name.startswith(DAILY_APPS)]
            left = [name for name in self._chosen if is_of_apps(name) and name not in now]
            LEFT.parent.mkdir(parents=True, exist_ok=True)
            LEFT.write_text("\n".join(left), encoding="utf-8")
        part = self._place.with_suffix(".part")
        part.write_text("\n".join(now), encoding="utf-8")
        part.rename(self._place)
