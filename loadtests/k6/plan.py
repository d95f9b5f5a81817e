"""What a run asks of k6, by value: frozen, free of Django, kept with the run as JSON.

Seconds, virtual users, iterations per time unit, milliseconds (response time targets) and percent 0-100 (error rate
targets). No secret stands in a plan: it names the variable of k6's environment that holds it.
"""

import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any, Literal

Executor = Literal[
    "constant-vus",
    "ramping-vus",
    "constant-arrival-rate",
    "ramping-arrival-rate",
    "shared-iterations",
    "per-vu-iterations",
]
CONSTANT: Executor = "constant-vus"
RAMPING: Executor = "ramping-vus"
CONSTANT_RATE: Executor = "constant-arrival-rate"
RAMPING_RATE: Executor = "ramping-arrival-rate"
SHARED: Executor = "shared-iterations"
PER_VU: Executor = "per-vu-iterations"
EXECUTORS: tuple[Executor, ...] = (CONSTANT, RAMPING, CONSTANT_RATE, RAMPING_RATE, SHARED, PER_VU)
RATES = frozenset({CONSTANT_RATE, RAMPING_RATE})  # whose targets are iterations per time unit
COUNTED = frozenset({SHARED, PER_VU})  # that do a number of iterations, within their one stage
LEVEL = frozenset({CONSTANT, CONSTANT_RATE, SHARED, PER_VU})  # that hold each target instead of leading to it

# How a value becomes part of its surroundings: as it is, percent-encoded, inside of a JSON string, as a JSON value,
# in a form body, as text of XML, in a header (no line breaks).
Encoding = Literal["raw", "url", "json", "value", "form", "xml", "header"]
_SLUG_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Take:
    """The value of a variable: taken from an answer, of the environment, or `table.column` of a data file."""

    take: str
    how: Encoding = "raw"


@dataclass(frozen=True, slots=True)
class Make:
    """A value made anew each time: uuid(), int(low, high), float(low, high, digits), timestamp() (milliseconds since
    1970), isodate(), email(), choice(text, ...)."""

    make: str
    args: tuple[str | float, ...] = ()
    how: Encoding = "raw"


@dataclass(frozen=True, slots=True)
class Secret:
    """The value of a variable of k6's environment."""

    secret: str
    how: Encoding = "raw"


@dataclass(frozen=True, slots=True)
class Token:
    """The access token of a `TokenPlan`."""

    token: str
    how: Encoding = "raw"


Part = str | Take | Make | Secret | Token
Text = str | tuple[Part, ...]  # a tuple where anything is filled in, else plain


@dataclass(frozen=True, slots=True)
class StagePlan:
    """`target` users, or iterations per time unit: held for `duration` seconds (`LEVEL`), or reached at its end."""

    duration: float
    target: int


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """One request. `url` is absolute and percent-encoded; `name` is `METHOD /path/{template}`."""

    method: str
    url: Text
    name: str
    headers: tuple[tuple[str, Text], ...]
    body: Text | None


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What an answer has to be; a request that fails one counts as failed. `kind`: "contains" (`value` in the body),
    "json" (the value at `path` equals `value`), "header" (`target` is there, and contains `value` where there is one),
    "size" (at most `value` bytes), "time" (at most `value` milliseconds). `text`: as a person reads it."""

    kind: str
    target: str
    value: Text
    text: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractPlan:
    """A value taken from an answer into variable `name`. `kind`: "json" (at `path`), "header", "cookie", "regex" (the
    first group, else the whole match). Nothing found: the request counts as failed, and the variable is empty."""

    name: str
    kind: str
    expression: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One request of a scenario. `statuses`: ranges that are no failure, () for k6's own, 200 to 399. `once`: only in
    the first iteration of each user, what it takes is kept for all of them."""

    name: str
    request: RequestPlan
    statuses: tuple[tuple[int, int], ...] = ()
    checks: tuple[CheckPlan, ...] = ()
    extracts: tuple[ExtractPlan, ...] = ()
    once: bool = False


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What an executor takes besides stages; seconds. `iterations`: of all users together (shared-iterations) or of
    each (per-vu-iterations). `pre_allocated_vus`, `max_vus`: for rates. `batch`: all steps of an iteration at once."""

    time_unit: float = 1.0
    pre_allocated_vus: int | None = None
    max_vus: int | None = None
    iterations: int | None = None
    start_time: float = 0.0
    graceful_stop: float = 30.0
    graceful_ramp_down: float = 30.0
    batch: bool = False


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """One group of virtual users. `tag` ([a-z0-9_], unique in the run) is k6's identifier and `scenario_tag`."""

    tag: str
    name: str
    executor: str
    stages: tuple[StagePlan, ...]
    think_time: float
    steps: tuple[StepPlan, ...]
    response_time_target: float | None = None
    error_rate_target: float | None = None
    response_time_percentile: int = 95
    tps_target: float | None = None
    load: LoadPlan = LoadPlan()


@dataclass(frozen=True, slots=True)
class TargetsPlan:
    """What the run as a whole has to keep. `abort_after`: seconds in a row that a target (of the run or of a scenario)
    may be missed before the run is stopped; None: it is never stopped for that."""

    tps: float | None = None
    response_time: float | None = None
    response_time_percentile: int = 95
    error_rate: float | None = None
    abort_after: float | None = None


@dataclass(frozen=True, slots=True)
class OptionsPlan:
    """HTTP as k6 speaks it. `reuse` of connections: "keep", "iteration" (new for each), "request" (new for each).
    `cookies`: "iteration" (forgotten after each), "user" (kept), "none". `batch`: requests at once, where a scenario
    sends its steps so."""

    max_redirects: int = 10
    timeout: float = 60.0
    verify_tls: bool = True
    http2: bool = True
    reuse: str = "keep"
    cookies: str = "iteration"
    batch: int = 20


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A data file whose columns are taken as `name.column`. `mode`: "sequential" (round and round), "random", "unique"
    (each row once in the run, over all load generators), "user" (each virtual user keeps one). `file`: the name of the
    JSON beside the script, a list of rows; `key` that of `projects.models.DataFile`."""

    name: str
    columns: tuple[str, ...]
    mode: str
    rows: int
    file: str
    key: int = 0


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """OAuth 2: `grant` is "client_credentials" or "password" (RFC 6749, 4.3 and 4.4). `in_body`: how the client says
    who it is (2.3.1), in the body instead of by HTTP basic. Fetched once a run, renewed before it expires."""

    key: str
    grant: str
    url: str
    client_id: Text
    client_secret: Text
    scope: str = ""
    username: Text = ""
    password: Text = ""
    in_body: bool = False


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """`variable` of k6's environment holds what the environment of the project keeps as `reference`."""

    variable: str
    reference: str


@dataclass(frozen=True, slots=True)
class ReachPlan:
    """Where requests may go, where that is not everywhere. `follow`: hosts to which a redirect is followed, as in
    `metricvault.lib.targets.plain_rules`. `pinned`: names with their addresses, which k6 does not look up again."""

    follow: tuple[str, ...]
    pinned: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything the script of one run is made of. `run` is the run's id, or "" while there is none. `generators`:
    how many k6 share the load, each an equal part (an execution segment) of every scenario. `k6_dashboard`: whether
    each of them keeps a web dashboard of its own, and a report from it. `environment`: the key of the project's
    environment. `variables`: its public ones, by name; the secret ones are parts of the texts. `reach`: None where
    every host may be loaded."""

    run: str
    title: str
    scenarios: tuple[ScenarioPlan, ...]
    generators: int = 1
    k6_dashboard: bool = False
    targets: TargetsPlan = TargetsPlan()
    options: OptionsPlan = OptionsPlan()
    tables: tuple[TablePlan, ...] = ()
    tokens: tuple[TokenPlan, ...] = ()
    secrets: tuple[SecretPlan, ...] = ()
    environment: int | None = None
    profile: str = ""
    reach: ReachPlan | None = None


def scenario_tag(position: int, name: str) -> str:
    """`s01_browse_products` for the first scenario (position 0); `s01` where nothing of the name is ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_SLUG_LENGTH].rstrip("_")
    return f"s{position + 1:02}_{slug}" if slug else f"s{position + 1:02}"


def to_json(plan: RunPlan) -> dict[str, Any]:
    """The plan as plain JSON data; `from_json` reads it back to an equal plan."""
    return asdict(plan)
