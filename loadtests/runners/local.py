"""k6 as a process of this machine that outlives the worker which started it.

A job is a folder, `<data_dir>/runs/<job_name>/`: `launched` (made exclusively: who makes it starts k6), the script and
its data, `pids` (k6's, the wrapper's, and the machine they mean something on), `pulse` (touched twice a second while k6
lives), `stdout`, `log.head`, `log.tail` and `told` (see `log_keeper`), `report.html` (k6's own, where it has a
dashboard), `stopping` (a stop was asked for), `cpu` (k6's CPU time), `exit` (its exit code, written last).

Every question is answered from the folder and the process table alone. A process counts as ours while its command line
names the folder: numbers of processes are given out again. Where web and worker share the data folder but no process
table (containers, two machines), the pulse stands for the table, and `stopping` is obeyed where k6 runs.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from loadtests.k6.console import told
from loadtests.k6.dashboard import REPORT_FILE
from loadtests.runners import cpu, log_keeper
from loadtests.runners.base import (
    LOG_END,
    LOG_HEAD,
    LOG_TAIL,
    Door,
    LaunchSpec,
    Logs,
    Progress,
    RunnerError,
    check_job_name,
)

INSTANCE = "1"  # of the one generator there is
GRACE = 8.0  # seconds from SIGTERM, upon which k6 ends and prints its summary, to SIGKILL
SILENCE = 15.0  # seconds of watching a pulse stand still after which k6 is gone; longer than GRACE, where it rests
_START_PATIENCE = 10.0  # seconds in which the wrapper must have written its pids
_MOST_OUTPUT = 8 * 1024 * 1024

# $1 folder, $2 and $3 sizes of the log's two parts, $4 seconds of grace, $5 the machine, $6 Python, $7 the log keeper,
# then k6's command. A target that refuses connections makes k6 log a line a request: what keeps it bounds it. `exit`
# comes last, so that whoever sees it finds everything else complete. The session of its own is what keeps all of it
# alive when the worker dies. Only the pulse sends SIGTERM, for a second one makes k6 drop its summary; it is killed
# outright, because the SIGTERM that Celery's children ignore is ignored by the shell too. A folder that is gone is a
# job that was cleaned up. What k6 writes is for this user alone, and its memory, secrets in it, for no file.
_WRAPPER = """
umask 077; ulimit -c 0
dir=$1; head=$2; tail=$3; grace=$4; machine=$5; python=$6; keeper=$7; shift 7
mkfifo "$dir/log.pipe" || exit 1
"$python" -I -S "$keeper" "$dir" "$head" "$tail" <"$dir/log.pipe" >/dev/null 2>&1 &
reader=$!
"$@" >"$dir/stdout" 2>"$dir/log.pipe" </dev/null &
k6=$!
{
  while kill -0 "$k6" && [ -d "$dir" ] && [ ! -e "$dir/stopping" ]; do touch "$dir/pulse"; sleep 0.5; done
  [ -d "$dir" ] && kill -TERM "$k6" && sleep "$grace"
  kill -KILL "$k6"
} 2>/dev/null &
pulse=$!
echo "$k6 $$ $machine" >"$dir/pids.new" && mv "$dir/pids.new" "$dir/pids"
wait "$k6"; code=$?
@NOTE@
kill -KILL "$pulse"
wait "$reader"
echo "$code" >"$dir/exit.new" && mv "$dir/exit.new" "$dir/exit"
""".replace("@NOTE@", cpu.NOTE)
# Of cgroups v2 and v1, as a container sees its own.
_MEMORY_OF_CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_FINE = (0, 99, 105)  # done, thresholds crossed, stopped
_LOG_CUT = "[…]"

_children: list[subprocess.Popen[bytes]] = []  # of this process; looked at so that none stays a zombie
_pulses: dict[Path, tuple[int, float]] = {}  # a pulse as this process saw it, and since when (monotonic)


class Pids(NamedTuple):
    """Process numbers; the wrapper's is that of the whole group. `machine` is whose process table they stand in."""

    k6: int
    wrapper: int
    machine: str


class LocalRunner:
    """Runs k6 on this machine. See `Runner`."""

    def __init__(self, data_dir: Path, k6_binary: str, machine: str = "") -> None:
        self._jobs = Path(data_dir).resolve() / "runs"
        self._k6 = k6_binary
        self._machine = machine or this_machine()

    def launch(self, spec: LaunchSpec) -> None:
        """Starts k6; permanent RunnerError where there is no k6, passing where the folder cannot be written."""
        folder = self._folder(spec.job_name)
        self._check_k6()
        for name in spec.all_files:
            if Path(name).name != name:
                raise RunnerError(f"{name!r} is not a file name.", permanent=True)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "launched").touch(0o600, exist_ok=False)
        except FileExistsError:
            return
        except OSError as error:
            raise RunnerError(N_("%(path)s cannot be written."), permanent=False, path=folder) from error
        try:
            for name, text in spec.all_files.items():
                with open(folder / name, "w", encoding="utf-8", opener=_private) as file:
                    file.write(text)
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
            _pulses.pop(folder, None)
            return _finished(code, "", folder)
        if not (folder / "launched").exists():
            _pulses.pop(folder, None)
            return Progress("absent", None, 0, 0, 0, "")
        pids = _pids(folder)
        here = pids is not None and pids.machine == self._machine
        if pids and (_is_ours(pids.k6, folder) if here else _beats(folder)):
            generators = (cpu.running(INSTANCE, pids.k6),) if here else ()
            return Progress("running", None, 1, 1, 0, "", generators=generators)
        if pids and here and _is_ours(pids.wrapper, folder):
            return Progress("running", None, 1, 0, 0, _("k6 has ended; its log is being written."))
        if pids is None and _age(folder / "launched") < _START_PATIENCE:
            return Progress("waiting", None, 1, 0, 0, "")
        code = _exit_code(folder)  # the wrapper may have ended between the two looks
        return _finished(code, "" if code is not None else _("k6 is gone and left no exit code."), folder)

    def begin(self, job_name: str) -> None:
        """k6 began by itself."""

    def logs(self, job_name: str) -> Logs:
        """Both texts and the report; bytes that are no UTF-8 are replaced."""
        folder = self._folder(job_name)
        head, tail = _read(folder / "log.head", LOG_HEAD), _last(folder / "log.tail", LOG_TAIL)
        if len(tail) >= LOG_TAIL:  # the middle is gone, and the first line of the tail is half a line
            tail = f"\n{_LOG_CUT}\n".encode() + tail.partition(b"\n")[2]
        log = (head + tail).decode(errors="replace")
        report = _read(folder / REPORT_FILE, _MOST_OUTPUT).decode(errors="replace")
        reports = {INSTANCE: report} if report else {}
        output = _read(folder / "stdout", _MOST_OUTPUT).decode(errors="replace")
        marked = (told(line) for line in _read(folder / "told", _MOST_OUTPUT).decode(errors="replace").split("\n"))
        lines = "".join(f"{line}\n" for line in marked if line)
        return Logs(lines + output, log, reports)

    def log_tail(self, job_name: str) -> str:
        """From the end of the files."""
        folder = self._folder(job_name)
        tail = _last(folder / "log.tail", LOG_END)
        if len(tail) < LOG_END:
            tail = (_read(folder / "log.head", LOG_HEAD) + tail)[-LOG_END:]
        if len(tail) == LOG_END:  # the first line is half a line
            tail = tail.partition(b"\n")[2]
        return tail.decode(errors="replace")

    def dashboard(self, job_name: str, instance: str) -> Door:
        """k6 has one port open, of which only the kernel knows: on another machine nobody finds it."""
        pids = _pids(self._folder(job_name))
        if pids and pids.machine == self._machine and instance == INSTANCE:
            with suppress(psutil.Error):
                open_ones = psutil.Process(pids.k6).net_connections(kind="tcp")
                for one in open_ones:
                    if one.status == psutil.CONN_LISTEN and one.laddr:
                        return Door(one.laddr.ip, one.laddr.port)
        raise RunnerError(N_("No open port of this generator is known here."), permanent=False)

    def stop(self, job_name: str) -> None:
        """Leaves word for the pulse, which sends SIGTERM and after `GRACE` SIGKILL, on whatever machine it is.

        Called again after that time it kills k6 itself where it can, in case the pulse is gone.
        """
        folder = self._folder(job_name)
        pids = _pids(folder)
        if pids is None or _exit_code(folder) is not None:
            return
        try:
            (folder / "stopping").touch(0o600, exist_ok=False)
        except FileExistsError:
            if _age(folder / "stopping") > GRACE and pids.machine == self._machine and _is_ours(pids.k6, folder):
                _signal(pids.k6, signal.SIGKILL)

    def cleanup(self, job_name: str) -> None:
        """Kills the whole group and removes the folder, for want of which the pulse kills k6 on another machine."""
        folder = self._folder(job_name)
        pids = _pids(folder)
        if pids and pids.machine == self._machine:
            if _is_ours(pids.wrapper, folder):
                with suppress(ProcessLookupError):
                    os.killpg(pids.wrapper, signal.SIGKILL)
            if _is_ours(pids.k6, folder):
                _signal(pids.k6, signal.SIGKILL)
        _reap()
        _pulses.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)

    def check(self, *, to_launch: bool = True) -> str:
        """k6's version; where it is, if not `to_launch`."""
        self._check_k6()
        if not to_launch:
            return self._k6
        try:
            done = subprocess.run([self._k6, "version"], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            message = N_("k6 could not be started: %(reason)s.")
            raise RunnerError(message, permanent=True, reason=type(error).__name__) from error
        return done.stdout.strip().splitlines()[0]

    def jobs(self) -> list[str]:
        """The folders there are."""
        return [folder.name for folder in self._jobs.iterdir()] if self._jobs.is_dir() else []

    def _folder(self, job_name: str) -> Path:
        return self._jobs / check_job_name(job_name)

    def _check_k6(self) -> None:
        if not self._k6:
            raise RunnerError(N_("There is no k6 on this machine."), permanent=True)
        if not (os.path.isfile(self._k6) and os.access(self._k6, os.X_OK)):
            raise RunnerError(N_("%(path)s is no program that can be run."), permanent=True, path=self._k6)

    def _start(self, folder: Path, spec: LaunchSpec) -> None:
        command = [self._k6, *spec.arguments, str(folder / spec.script_file)]
        sizes = (str(LOG_HEAD), str(LOG_TAIL), str(GRACE))
        keeper = (sys.executable, log_keeper.__file__)
        wrapper = ["/bin/sh", "-c", _WRAPPER, "mv-run", str(folder), *sizes, self._machine, *keeper, *command]
        _spawn(wrapper, folder, spec.environment)


def this_machine() -> str:
    """A word that is the same for processes that see each other, and only for them: the boot and the process namespace,
    so that two containers are two machines; the host's name where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node().replace(" ", "-") or "machine"


def _beats(folder: Path) -> bool:
    """Whether k6 lives on a machine that cannot be looked into. Clocks are not compared: the pulse has to stand still
    for `SILENCE` seconds under the eyes of this process."""
    try:
        pulse = (folder / "pulse").stat().st_mtime_ns
    except OSError:
        pulse = 0
    seen, since = _pulses.get(folder, (None, 0.0))
    if pulse != seen:
        _pulses[folder] = (pulse, time.monotonic())
        return True
    return time.monotonic() - since < SILENCE


def _finished(code: int | None, message: str, folder: Path) -> Progress:
    generators = (cpu.ended(INSTANCE, folder, code),)
    return Progress("finished", code, 1, 0, 0 if code in _FINE else 1, message, generators=generators)


def memory_limit() -> str:
    """Half of this machine's memory, or of this container's, as Go reads it: up to there k6 may be lazy about its
    garbage."""
    return str(min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *map(_number, _MEMORY_OF_CONTAINER)) // 2)


def _number(path: str) -> int:
    """What is in the file; endless where there is none, or it says "max"."""
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return sys.maxsize


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
            env={"PATH": os.defpath, **kept, "HOME": str(folder), "GOMEMLIMIT": memory_limit(), **environment},
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
        k6, wrapper, machine = (folder / "pids").read_text().split()
        return Pids(int(k6), int(wrapper), machine)
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


def _last(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most))
            return file.read(most)
    except OSError:
        return b""
