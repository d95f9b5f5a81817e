import os
import signal
import subprocess
import sys
import textwrap
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from metricvault.supervise import container
from metricvault.supervise.container import check_secret, command_of, healthy
from metricvault.supervise.place import ROOT, CannotStart

# A worker that says who it is and stays.
STAYS = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"

KEEPER = """
    import sys
    from pathlib import Path
    from metricvault.supervise.container import keep_worker
    from metricvault.supervise.place import Place
    folder = Path(sys.argv[1])
    sys.exit(keep_worker(Place(8000, folder), (sys.executable, "-c", sys.argv[2], str(folder / "pids"))))
"""


def wait_until(ready: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def keeper(folder: Path, code: str) -> "subprocess.Popen[str]":
    """A container's first process that keeps `python -c code` as its worker."""
    command = [sys.executable, "-c", textwrap.dedent(KEEPER), str(folder), code]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_role_is_the_command_that_make_run_uses() -> None:
    environ = {"PORT": "8123", "METRICVAULT_BIND": "0.0.0.0"}
    web = command_of("web", [], environ)
    assert web[web.index("--host") + 1 : web.index("--host") + 4] == ("0.0.0.0", "--port", "8123")
    assert "beat" in command_of("beat", [], environ)
    assert command_of("demo", [], environ)[-4:] == ("--host", "0.0.0.0", "--port", "18000")


def test_anything_else_is_a_command_of_manage_py() -> None:
    command = command_of("createsuperuser", ["--username", "admin"], {})
    assert command[1:] == (str(ROOT / "manage.py"), "createsuperuser", "--username", "admin")


def test_without_a_secret_key_nothing_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("SECRET_KEY_FILE", raising=False)
    for role in ("web", "worker", "beat", "migrate", "prepare"):
        assert container.main([role]) == 1
        assert "SECRET_KEY is not set" in capsys.readouterr().err
    check_secret({"SECRET_KEY_FILE": "/run/secrets/key"})


def test_a_worker_that_is_killed_is_started_again_and_ends_when_asked(tmp_path: Path) -> None:
    with keeper(tmp_path, STAYS) as first:
        wait_until(lambda: len(pids(tmp_path)) == 1)
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        wait_until(lambda: len(pids(tmp_path)) == 2)
        first.terminate()
        assert first.wait(15) == 0
        assert first.stderr is not None
        assert "(-9) and is started again" in first.stderr.read()
    with pytest.raises(ProcessLookupError):
        os.kill(pids(tmp_path)[1], 0)


def test_a_worker_that_cannot_live_ends_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MOST_ENDS", 1)
    monkeypatch.setattr(container.signal, "signal", lambda number, handler: None)
    assert container.keep_worker(container.Place(8000, tmp_path), (sys.executable, "-c", "")) == 1


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_web_is_healthy_while_it_answers_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        environ = {"PORT": str(server.server_address[1])}
        assert healthy("web", environ)
        monkeypatch.setattr(_Answers, "status", 503)
        assert not healthy("web", environ)
        server.shutdown()
    assert not healthy("web", environ)


def test_worker_and_beat_are_healthy_while_their_files_are_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "HEARTBEAT", tmp_path / "heartbeat")
    monkeypatch.setattr(container, "SCHEDULE", tmp_path / "schedule")
    assert not healthy("worker", {})
    assert not healthy("beat", {})
    (tmp_path / "heartbeat").touch()
    (tmp_path / "schedule.db").touch()
    assert healthy("worker", {})
    assert healthy("beat", {})
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    assert not healthy("worker", {})
    assert not healthy("beat", {})


def test_only_processes_that_stay_have_a_health_check() -> None:
    with pytest.raises(CannotStart, match="worker"):
        healthy("migrate", {})
