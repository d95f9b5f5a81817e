"""The seam to whatever runs k6: this machine, or a cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal, Protocol

from history.reasons import Reason

Phase = Literal["absent", "waiting", "ready", "running", "finished"]
GeneratorPhase = Literal["waiting", "ready", "running", "finished", "lost"]

LOG_HEAD = 64 * 1024
LOG_TAIL = 192 * 1024
LOG_END = 32 * 1024  # of what is looked at while it is written
_JOB_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """One load to make. `arguments` are k6's, after the binary; the runner appends the script's path.

    `script_file` is a bare file name, and so are those of `files`, texts that the script reads from beside it.
    `environment` holds the K6_ variables, secrets among them; the runner adds what belongs to the machine.
    `generators`: how many k6 share the load. `longest`: seconds after which nothing of the job may live, whatever
    became of everybody else. `placement`: what a project asks of its pods (see
    `loadtests.runners.manifests.Placement`), {} for what is set for all.
    """

    job_name: str
    script_file: str
    script: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    run: str = ""
    generators: int = 1
    longest: float = 4 * 3600.0
    placement: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_files(self) -> dict[str, str]:
        """The script and what lies beside it, by name."""
        return {**self.files, self.script_file: self.script}


@dataclass(frozen=True, slots=True)
class Generator:
    """One load generator. `instance`: as in its pushes. `trouble`: what is wrong with it. `cpu` in cores, `memory` in
    bytes, of `cpu_limit` cores; None where nobody measures them. `event`: what the cluster itself says, in its words.
    Instead of `cpu` there may be `cpu_seconds`, used since it began, at `clock` (seconds, since whenever).
    """

    instance: str
    name: str
    phase: GeneratorPhase
    node: str = ""
    restarts: int = 0
    exit_code: int | None = None
    trouble: Reason | None = None
    event: str = ""
    cpu: float | None = None
    cpu_limit: float | None = None
    memory: int | None = None
    cpu_seconds: float | None = None
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `wanted`, `ready`, `failed` count load generators.

    "ready": all of them wait for `begin`. `exit_code` is set where `phase` is "finished" and somebody saw k6 end; None
    there means that nobody did (the machine restarted), and `message` says so. `trouble`: why it does not go on.
    """

    phase: Phase
    exit_code: int | None
    wanted: int
    ready: int
    failed: int
    message: str
    trouble: Reason | None = None
    generators: tuple[Generator, ...] = ()

    @property
    def lost(self) -> Generator | None:
        """A generator that ended before its time, while others may still send load."""
        return next((one for one in self.generators if one.phase == "lost"), None)


@dataclass(frozen=True, slots=True)
class Logs:
    """`output`: marked lines, which are the summary of each generator, failed requests and the steps of a try. `log`:
    k6's own log, its first 64 KB and its last 192 KB. `reports`: k6's own HTML report by instance."""

    output: str
    log: str
    reports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a generator's web dashboard is reached: by HTTP/1.1 at `host`:`port`, its paths behind `prefix`, which ends
    with a slash. `headers` are secret: they open the door. `tls`: None for plain HTTP."""

    host: str
    port: int
    prefix: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: SSLContext | None = None


class RunnerError(Exception):
    """Something about a job failed. Only who raises knows whether a retry helps: `permanent` says that none does.

    `message` is English, its `values` stand in it as `%(name)s`; `detail` has both, for who translates it later.
    """

    def __init__(self, message: str, *, permanent: bool, **values: object) -> None:
        super().__init__(message % values if values else message)
        self.permanent = permanent
        self.detail = {"text": message, "values": {name: str(value) for name, value in values.items()}}


class Runner(Protocol):
    """Every method may be called twice, by another process, and after a restart of the caller.

    All raise `RunnerError`; a job name that is not `[a-z0-9-]`, at most 63 characters, is a permanent one.
    """

    def launch(self, spec: LaunchSpec) -> None:
        """Starts the load and returns at once. A second launch of a job never starts a second load."""

    def poll(self, job_name: str) -> Progress:
        """How far the job is: "absent" where it was never launched, or is cleaned up."""

    def begin(self, job_name: str) -> None:
        """Lets the load begin in all generators at once, where `poll` said "ready". Again: changes nothing."""

    def logs(self, job_name: str) -> Logs:
        """What k6 wrote so far; empty texts where there is nothing."""

    def log_tail(self, job_name: str) -> str:
        """The end of k6's own log as it is now, `LOG_END` characters at most; for who looks every second or two."""

    def dashboard(self, job_name: str, instance: str) -> Door:
        """The way to the web dashboard of a generator that runs, where its plan asks for one; else a `RunnerError`."""

    def stop(self, job_name: str) -> None:
        """Asks k6 to end and to print its summary, and returns at once; after 8 s it is killed. Absent or
        finished jobs are left alone."""

    def cleanup(self, job_name: str) -> None:
        """Kills what still lives and forgets the job."""

    def check(self, *, to_launch: bool = True) -> str:
        """What load is made with, in a few words; RunnerError where none can be made now. Not `to_launch`: where a
        process that only looks cannot see it; cheap enough for every health check."""

    def jobs(self) -> list[str]:
        """The names of all jobs that are not forgotten, those of other copies of the product perhaps among them."""


def check_job_name(job_name: str) -> str:
    """The name, which is safe as part of a path and as a Kubernetes name; a permanent RunnerError for others."""
    if not _JOB_NAME.fullmatch(job_name):
        raise RunnerError(f"{job_name!r} is not a job name: [a-z0-9-], at most 63 characters.", permanent=True)
    return job_name
