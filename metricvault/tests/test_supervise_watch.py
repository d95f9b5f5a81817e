import http.server
import threading
from pathlib import Path

import pytest

from metricvault.supervise import watch
from metricvault.supervise.place import SUPERVISOR_LOG, CannotStart
from metricvault.supervise.watch import MOST_ENDS, OwnerGone, Watch, answers


class FakeSupervisor:
    """Lives until `code` is set."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def supervisor() -> FakeSupervisor:
    return FakeSupervisor()


@pytest.fixture
def watcher(tmp_path: Path, supervisor: FakeSupervisor) -> Watch:
    return Watch(tmp_path, supervisor)  # type: ignore[arg-type]


def write(folder: Path, *lines: str) -> None:
    with open(folder / SUPERVISOR_LOG, "a") as log:
        log.writelines(f"2026-11-23 21:13:50,123 {line}\n" for line in lines)


def test_it_says_what_has_ended_and_is_started_again(
    watcher: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "INFO spawned: 'worker' with pid 7", "WARN exited: worker (terminated by SIGKILL; not expected)")
    watcher.look()
    watcher.look()
    assert capsys.readouterr().err == "worker has ended (terminated by SIGKILL) and is started again.\n"


def test_a_line_that_is_still_being_written_is_read_later(
    watcher: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / SUPERVISOR_LOG).write_text("x WARN exited: worker (exit")
    watcher.look()
    (tmp_path / SUPERVISOR_LOG).write_text("x WARN exited: worker (exit status 1; not expected)\n")
    watcher.look()
    assert capsys.readouterr().err == "worker has ended (exit status 1) and is started again.\n"


def test_it_ends_with_the_log_of_a_part_that_does_not_start(watcher: Watch, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("first\nImportError: no module\n")
    write(tmp_path, "INFO gave up: web entered FATAL state, too many start retries too quickly")
    with pytest.raises(CannotStart, match=r"ImportError: no module(.|\n)*web does not stay alive"):
        watcher.look()


def test_it_ends_where_a_part_keeps_ending(watcher: Watch, tmp_path: Path) -> None:
    write(tmp_path, *["WARN exited: beat (exit status 1; not expected)"] * MOST_ENDS)
    with pytest.raises(CannotStart, match="beat does not stay alive"):
        watcher.look()


def test_parts_that_end_once_each_are_no_reason_to_end(watcher: Watch, tmp_path: Path) -> None:
    write(tmp_path, *[f"WARN exited: part{n} (exit status 1; not expected)" for n in range(MOST_ENDS)])
    watcher.look()


def test_it_ends_with_the_supervisor(watcher: Watch, supervisor: FakeSupervisor) -> None:
    supervisor.code = 1
    with pytest.raises(CannotStart, match="The supervisor has ended"):
        watcher.look()


def test_it_ends_with_whoever_started_it(watcher: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch.os, "getppid", lambda: 1)
    with pytest.raises(OwnerGone):
        watcher.look()


def test_it_does_not_wait_for_ever_for_an_answer(watcher: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    with pytest.raises(CannotStart, match="http://127.0.0.1:1 does not answer"):
        watcher.until_it_answers(1, "/")


def test_any_answer_over_http_counts() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # answers 501
    server.RequestHandlerClass.log_message = lambda *args: None  # type: ignore[method-assign]
    threading.Thread(target=server.handle_request, daemon=True).start()
    assert answers(server.server_address[1], "/")
    server.server_close()
    assert not answers(server.server_address[1], "/")
