"""k6 as a process of this machine that outlives the worker which started it.

A job is a folder, `<data_dir>/runs/<job_name>/`: `launched` (made exclusively: who makes it starts k6), the script,
`pids` (k6's and the wrapper's), `stdout`, `log.head` and `log.tail`, `stopping` (a stop was asked for), `exit`
(k6's exit code, written last). Every question is answered from the folder and the process table alone.

A process counts as ours while its command line names the folder: numbers of processes are given out again.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from loadtests.runners.base import LOG_HEAD, LOG_TAIL, LaunchSpec, Logs, Progress, RunnerError, check_job_name

GRACE = 8.0  # seconds from SIGTERM, upon which k6 ends and prints its summary, to SIGKILL
_START_PATIENCE = 10.0  # seconds in which the wrapper must have written its pids
_MOST_OUTPUT = 8 * 1024 * 1024

# $1 folder, $2 and $3 sizes of the log's two parts, then k6's command. A target that refuses connections makes k6
# log a line a request: head and tail keep the log bounded while it is written. `exit` comes last, so that whoever
# sees it finds everything else complete. The session of its own is what keeps all of it alive when the worker dies.
_WRAPPER = """
dir=$1; head=$2; tail=$3; shift 3
mkfifo "$dir/log.pipe" || exit 1
{ head -c "$head" >"$dir/log.head"; tail -c "$tail" >"$dir/log.tail"; } <"$dir/log.pipe" &
reader=$!
"$@" >"$dir/stdout" 2>"$dir/log.pipe" </dev/null &
k6=$!
echo "$k6 $$" >"$dir/pids.new" && mv "$dir/pids.new" "$dir/pids"
wait "$k6"; code=$?
wait "$reader"
echo "$code" >"$dir/exit.new" && mv "$dir/exit.new" "$dir/exit"
"""
# $1 seconds, $2 folder, $3 k6's pid, which is nobody else's until the wrapper has seen k6 end and written `exit`.
_REAPER = """
sleep "$1"; [ -d "$2" ] && [ ! -e "$2/exit" ] && kill -KILL "$3"
"""
_FINE = (0, 99, 105)  # done, thresholds crossed, stopped
_LOG_CUT = "[…]"

_children: list[subprocess.Popen[bytes]] = []  # of this process; looked at so that none stays a zombie


class Pids(NamedTuple):
    """Process numbers; the wrapper's is that of the whole group."""

    k6: int
    wrapper: int


class LocalRunner:
    """Runs k6 on this machine. See `Runner`."""

    def __init__(self, data_dir: Path, k6_binary: str) -> None:
        self._jobs = Path(data_dir).resolve() / "runs"
        self._k6 = k6_binary

    def launch(self, spec: LaunchSpec) -> None:
        """Starts k6; permanent RunnerError where there is no k6, passing where the folder cannot be written."""
        folder = self._folder(spec.job_name)
        self._check_k6()
        if Path(spec.script_file).name != spec.script_file:
            raise RunnerError(f"{spec.script_file!r} is not a file name.", permanent=True)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "launched").touch(exist_ok=False)
        except FileExistsError:
            return
        except OSError as error:
            raise RunnerError(N_("%(path)s cannot be written."), permanent=False, path=folder) from error
        try:
            (folder / spec.script_file).write_text(spec.script, encoding="utf-8")
            self._start(folder, spec)
        except OSError as error:
            (folder / "launched").unlink()
            message = N_("k6 could not be started: %(reason)s.")
            raise RunnerError(message, permanent=False, reason=error.strerror) from error

    def poll(self, job_name: str) -> Progress:
        """From the folder and the process table; see `Runner`."""
        folder = self._folder(job_name)
        _reap()
        code = _exit_code(folder)
        if code is not None:
            return _finished(code, "")
        if not (folder / "launched").exists():
            return Progress("absent", None, 0, 0, 0, "")
        pids = _pids(folder)
        if pids and _is_ours(pids.k6, folder):
            return Progress("running", None, 1, 1, 0, "")
        if pids and _is_ours(pids.wrapper, folder):
            return Progress("running", None, 1, 0, 0, _("k6 has ended; its log is being written."))
        if pids is None and _age(folder / "launched") < _START_PATIENCE:
            return Progress("waiting", None, 1, 0, 0, "")
        code = _exit_code(folder)  # the wrapper may have ended between the two looks
        return _finished(code, "" if code is not None else _("k6 is gone and left no exit code."))

    def logs(self, job_name: str) -> Logs:
        """Both texts; bytes that are no UTF-8 are replaced."""
        folder = self._folder(job_name)
        head, tail = _read(folder / "log.head", LOG_HEAD), _read(folder / "log.tail", LOG_TAIL)
        if len(tail) >= LOG_TAIL:  # the middle is gone, and the first line of the tail is half a line
            tail = f"\n{_LOG_CUT}\n".encode() + tail.partition(b"\n")[2]
        log = (head + tail).decode(errors="replace")
        return Logs(_read(folder / "stdout", _MOST_OUTPUT).decode(errors="replace"), log)

    def stop(self, job_name: str) -> None:
        """SIGTERM once, for a second one makes k6 drop its summary; a process of its own kills k6 after `GRACE`.

        Called again after that time it kills k6 itself, in case the first caller's process went away.
        """
        folder = self._folder(job_name)
        pids = _pids(folder)
        if pids is None or _exit_code(folder) is not None or not _is_ours(pids.k6, folder):
            return
        try:
            (folder / "stopping").touch(exist_ok=False)
        except FileExistsError:
            if _age(folder / "stopping") > GRACE:
                _signal(pids.k6, signal.SIGKILL)
            return
        _signal(pids.k6, signal.SIGTERM)
        _spawn(["/bin/sh", "-c", _REAPER, "mv-reaper", str(GRACE), str(folder), str(pids.k6)], folder, {})

    def cleanup(self, job_name: str) -> None:
        """Kills the whole group and removes the folder."""
        folder = self._folder(job_name)
        pids = _pids(folder)
        if pids and _is_ours(pids.wrapper, folder):
            with suppress(ProcessLookupError):
                os.killpg(pids.wrapper, signal.SIGKILL)
        if pids and _is_ours(pids.k6, folder):
            _signal(pids.k6, signal.SIGKILL)
        _reap()
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, job_name: str) -> Path:
        return self._jobs / check_job_name(job_name)

    def _check_k6(self) -> None:
        if not self._k6:
            raise RunnerError(N_("There is no k6 on this machine."), permanent=True)
        if not (os.path.isfile(self._k6) and os.access(self._k6, os.X_OK)):
            raise RunnerError(N_("%(path)s is no program that can be run."), permanent=True, path=self._k6)

    def _start(self, folder: Path, spec: LaunchSpec) -> None:
        command = [self._k6, *spec.arguments, str(folder / spec.script_file)]
        wrapper = ["/bin/sh", "-c", _WRAPPER, "mv-run", str(folder), str(LOG_HEAD), str(LOG_TAIL), *command]
        _spawn(wrapper, folder, spec.environment)


def _finished(code: int | None, message: str) -> Progress:
    return Progress("finished", code, 1, 0, 0 if code in _FINE else 1, message)


def _spawn(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Starts a process in a session of its own. Nothing of the caller reaches it but PATH and certificates.

    A SIGINT or SIGTERM that the caller ignores (Celery's children do) would be ignored by the shell too, which is
    as well: they are for k6 alone, and k6 listens to both whatever it inherits.
    """
    kept = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    _reap()
    _children.append(
        subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.defpath, **kept, "HOME": str(folder), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    )


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _is_ours(pid: int, folder: Path) -> bool:
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return any(part == str(folder) or part.startswith(f"{folder}/") for part in command)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _pids(folder: Path) -> Pids | None:
    try:
        k6, wrapper = (folder / "pids").read_text().split()
        return Pids(int(k6), int(wrapper))
    except (OSError, ValueError):
        return None


def _exit_code(folder: Path) -> int | None:
    try:
        return int((folder / "exit").read_text())
    except (OSError, ValueError):
        return None


def _age(path: Path) -> float:
    """Seconds since the file was made; endless where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""
