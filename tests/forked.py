"""Several tests at once, in processes forked once all tests are collected. A pytest plugin (pyproject.toml loads it):
`--workers N`.

pytest-xdist starts its workers from nothing: each imports the product and collects all tests again, 7 CPU seconds on a
quiet machine and 11 where five do so at once. What is forked has all that already. To others a worker looks like one of
xdist's: `config.workerinput` is there, with the `workerid` (pytest's cache and pytest-django ask for it).

A module is a unit of work and stays in one process. The process that collected hands units out and hears the reports.
A process that dies fails the test it was at, and another one takes its place.
"""

import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

import pytest

Units = dict[str, list[int]]  # by name: the places of its tests in `session.items`
_ASK, _REPORT, _FINISHED = "ask", "report", "finished"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=0, help="how many processes run tests at once; 0: this one")


@dataclass
class Forking:
    """How `tests/parallel.py` wants it: units of tests, the next one for a worker, what a worker does first."""

    units: Callable[[list[pytest.Item]], Units]
    next_unit: Callable[[Units, int], str]
    begin: Callable[[pytest.Config, str], None]


@dataclass
class _Worker:
    number: int
    pid: int
    pipe: Connection
    left: list[int] = field(default_factory=list)  # handed out and not finished


def run(session: pytest.Session, how: Forking) -> bool:
    """pytest's `pytest_runtestloop`."""
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    if not session.config.option.collectonly:
        _Together(session, how).run()
    return True


class _Together:
    """The process that collected."""

    def __init__(self, session: pytest.Session, how: Forking) -> None:
        self._session, self._how = session, how
        self._units = how.units(session.items)
        self._workers: list[_Worker] = []
        self._base = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if reporter:
            reporter.showfspath = False  # modules run side by side
            reporter.write_line(f"{session.config.option.workers} workers [{len(session.items)} items]")
            sys.stdout.flush()

    def run(self) -> None:
        try:
            for number in range(self._session.config.option.workers):
                self._start(number)
            while self._workers:
                for pipe in wait([worker.pipe for worker in self._workers]):
                    self._hear(next(worker for worker in self._workers if worker.pipe is pipe))
        finally:  # after Ctrl-C, which they heard as well
            for worker in self._workers:
                worker.pipe.close()
                os.waitpid(worker.pid, 0)
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)

    def _start(self, number: int) -> None:
        ours, theirs = Pipe()
        pid = os.fork()
        if not pid:
            for pipe in (ours, *(worker.pipe for worker in self._workers)):
                pipe.close()
            _work(self._session, theirs, f"gw{number}", self._base, self._how)
        theirs.close()
        self._workers.append(_Worker(number, pid, ours))

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, said = worker.pipe.recv()
        except (EOFError, ConnectionError):
            self._lost(worker)
            return
        if kind == _ASK:
            self._hand_out(worker)
        elif self._session.shouldfail:
            return
        elif kind == _REPORT:
            config = self._session.config
            report = config.hook.pytest_report_from_serializable(config=config, data=said)
            config.hook.pytest_runtest_logreport(report=report)
            if self._session.shouldfail:
                self._stop()
        else:
            worker.left.remove(said)
            item = self._session.items[said]
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _hand_out(self, worker: _Worker) -> None:
        unit = self._units.pop(self._how.next_unit(self._units, worker.number)) if self._units else []
        worker.left += unit
        with suppress(OSError):  # it is lost, which is heard next
            worker.pipe.send(unit)

    def _lost(self, worker: _Worker) -> None:
        """It has done its work, or died at it."""
        self._workers.remove(worker)
        worker.pipe.close()
        _pid, status = os.waitpid(worker.pid, 0)
        if self._session.shouldfail or (not status and not worker.left):
            return
        if worker.left:
            item = self._session.items[worker.left.pop(0)]
            nodeid, location, again = item.nodeid, item.location, True
        else:
            nodeid, location, again = f"worker gw{worker.number}", ("", None, ""), False
        why = f"The process of this test ended with {os.waitstatus_to_exitcode(status)} (below 0: a signal)."
        report = pytest.TestReport(nodeid, location, {}, "failed", why, "call")
        self._session.config.hook.pytest_runtest_logreport(report=report)
        if worker.left:
            self._units = {f"left by gw{worker.number}, {nodeid}": worker.left, **self._units}
        if again:
            self._start(worker.number)

    def _stop(self) -> None:
        self._units.clear()
        for worker in self._workers:
            with suppress(OSError):
                worker.pipe.send([])  # nothing more


def _work(session: pytest.Session, pipe: Connection, name: str, base: Any, how: Forking) -> NoReturn:
    """The forked process, until its end. Nothing of what the other one would still have done is done here."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what fixtures started is ended then, too
        config = session.config
        config.workerinput = {"workerid": name}  # type: ignore[attr-defined]
        capture = config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()  # its files are shared with the other processes
        capture.start_global_capturing()
        config.pluginmanager.unregister(name="terminalreporter")
        temporary = base / f"popen-{name}"
        temporary.mkdir(mode=0o700, exist_ok=True)
        config._tmp_path_factory._basetemp = temporary  # type: ignore[attr-defined]  # as xdist's --basetemp
        config.pluginmanager.register(_Speaker(config, pipe))
        how.begin(config, name)
        try:
            _run_units(session, pipe)
        finally:
            config.hook.pytest_sessionfinish(session=session, exitstatus=0)  # fixtures that are still there end
        code = 0
    except (KeyboardInterrupt, OSError, EOFError):  # the other process is gone, or will say so
        code = 2
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        with suppress(BaseException):
            pipe.close()
            atexit._run_exitfuncs()
        os._exit(code)


def _run_units(session: pytest.Session, pipe: Connection) -> None:
    for unit in iter(lambda: _handed_out(pipe), []):
        for here, following in zip_longest(unit, unit[1:]):
            # After a unit's last test all ends but what lasts as long as the session: no unit is kept waiting here.
            after = session if following is None else session.items[following]
            item = session.items[here]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            pipe.send((_FINISHED, here))
            if pipe.poll():  # it says: stop
                return


def _handed_out(pipe: Connection) -> list[int]:
    """The places of the tests of a unit; none where there is nothing left."""
    pipe.send((_ASK, None))
    unit: list[int] = pipe.recv()
    return unit


class _Speaker:
    """What a worker's pytest says, goes to the process that collected."""

    def __init__(self, config: pytest.Config, pipe: Connection) -> None:
        self._config, self._pipe = config, pipe

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._pipe.send((_REPORT, data))
