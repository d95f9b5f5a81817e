"""What an imported result may say: `metricvault-run/1`, every field with its kind and limits (docs/exports.md).

Strict: a number as text, a negative count, NaN or an unknown column is refused by name. What is not known here and
could not hurt (a field of a later version beside the known ones) is left out.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from history.models import Iterated, Measured
from history.reasons import SENTENCES, explain

FORMAT = "metricvault-run/1"
MOST_SCENARIOS, MOST_PARTS, MOST_STAGES, MOST_SECONDS, MOST_FAILURES = 500, 200, 1000, 200_000, 5000
MOST_LABELS = 50
_HALF = re.compile("[\ud800-\udfff]")
_HOST = re.compile(r"[\w.{}-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")
_PLACEHOLDER = re.compile(r"%\((\w{1,40})\)s")
_WHOLE = {column.name for column in Iterated._meta.fields if column.get_internal_type() == "BigIntegerField"}


def is_kept(text: str) -> bool:
    """Whether a database keeps a text: without NUL and halves of pairs."""
    return "\x00" not in text and not _HALF.search(text)


def _kept(text: str) -> str:
    if not is_kept(text):
        raise ValueError(_("This text has a character that cannot be kept: NUL, or half of a pair."))
    return text


_Kept = AfterValidator(_kept)
Title = Annotated[str, StringConstraints(strict=True, max_length=200), _Kept]
Word = Annotated[str, StringConstraints(strict=True, max_length=100), _Kept]
Long = Annotated[str, StringConstraints(strict=True, max_length=100_000), _Kept]
Request = Annotated[str, StringConstraints(strict=True, max_length=2050), _Kept]
Release = Annotated[str, StringConstraints(strict=True, max_length=60), _Kept]
Executor = Annotated[str, StringConstraints(strict=True, max_length=40), _Kept]
Why = Annotated[str, StringConstraints(strict=True, max_length=12), _Kept]
Cause = Annotated[str, StringConstraints(strict=True, max_length=20), _Kept]
HeaderName = Annotated[str, StringConstraints(strict=True, max_length=500), _Kept]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9_]{1,80}$")]
Number = Annotated[float, Field(strict=True, ge=0, le=1e15, allow_inf_nan=False)]
Duration = Annotated[float, Field(strict=True, ge=0, le=1e7, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**15)]
Percentile = Literal[50, 90, 95, 99]
Counts = Annotated[dict[Annotated[str, StringConstraints(pattern=r"^[0-9:]{1,20}$")], Count], Field(max_length=500)]
Kind = Literal["ramp-up", "steady", "ramp-down", ""]


class Part(BaseModel):
    """Anything of the document."""

    model_config = ConfigDict(extra="ignore")


def _columns(title: str, base: type[BaseModel], names: list[str]) -> Any:
    fields: dict[str, Any] = {name: (Count | None if name in _WHOLE else Number | None, None) for name in names}
    return create_model(title, __base__=base, **fields)


_USERS = ["min_vus", "avg_vus", "max_vus"]
MeasuredIn: Any = _columns("MeasuredIn", Part, [column.name for column in Measured._meta.fields])
IteratedIn: Any = _columns("IteratedIn", Part, [column.name for column in Iterated._meta.fields])
WithUsersIn: Any = _columns("WithUsersIn", IteratedIn, _USERS)


class Check(Part):
    key: Word
    kind: Word
    text: Long
    passed: Count | None = None
    failed: Count | None = None


class Stage(IteratedIn):
    duration: Duration
    target: Annotated[int, Field(strict=True, ge=0, le=10**9)]
    kind: Kind = ""


class Step(MeasuredIn):
    name: Title = ""
    request_name: Request = ""
    checks: Annotated[list[Check], Field(max_length=MOST_PARTS)] = []


class Phase(WithUsersIn):
    kind: Literal["ramp-up", "steady", "ramp-down"]


def _once(phases: list[Phase]) -> list[Phase]:
    if len({phase.kind for phase in phases}) < len(phases):
        raise ValueError(_("The same thing is there twice."))
    return phases


Phases = Annotated[list[Phase], AfterValidator(_once)]


class Scenario(IteratedIn):
    name: Title
    scenario_tag: Name
    request_name: Request = ""
    executor: Executor = ""
    think_time: Number = 0.0
    response_time_target: Number | None = None
    response_time_percentile: Percentile = 95
    error_rate_target: Number | None = None
    tps_target: Number | None = None
    answers: Counts = {}
    stages: Annotated[list[Stage], Field(max_length=MOST_PARTS)] = []
    steps: Annotated[list[Step], Field(max_length=MOST_PARTS)] = []
    phases: Phases = []


class Load(Part):
    """What a scenario was asked to send."""

    tag: Name
    name: Title = ""
    executor: Executor = ""
    think_time: Number | None = None
    stages: Annotated[list[Stage], Field(max_length=MOST_PARTS)] = []
    requests: Annotated[list[Request], Field(max_length=MOST_PARTS)] = []
    time_unit: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)] | None = None
    pre_allocated_vus: Count | None = None
    max_vus: Count | None = None
    iterations: Count | None = None
    start_time: Duration | None = None


def _sentence(given: dict[str, Any]) -> dict[str, Any]:
    """A reason that can be shown: its code is known, and its numbers make its sentence."""
    if not _harmless(given.get("params", {}), 0):
        raise ValueError(_("This value cannot be used."))
    code, good = given.get("code"), given.get("good")
    if code not in SENTENCES or not isinstance(good, bool):
        raise ValueError(_("“%(code)s” is no reason that is known here.") % {"code": str(code)[:40]})
    kept = {"code": code, "good": good, "params": given.get("params", {})}
    try:
        explain([kept])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ValueError(_("The numbers of “%(code)s” are not those of its sentence.") % {"code": code}) from None
    return kept


def _harmless(value: Any, depth: int) -> bool:
    """Texts, numbers and sentences of them; a sentence that fills a page with blanks ("%(a)999999s") is none."""
    if isinstance(value, Mapping):
        words = value.get("text")
        fills = isinstance(words, str) and "%" in _PLACEHOLDER.sub("", words)
        every = [*value, *value.values()]
        return depth < 4 and len(value) <= 40 and not fills and all(_harmless(one, depth + 1) for one in every)
    if isinstance(value, str):
        return len(value) <= 4000 and is_kept(value)
    return value is None or (isinstance(value, bool | int | float) and abs(value) < 1e15)


def _moment(given: Any) -> Any:
    if not isinstance(given, str) or not 2000 <= int(given[:4] if given[:4].isdecimal() else 0) <= 2100:
        raise ValueError(_("Write a date and time as 2026-11-24T14:02:10+00:00."))
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Reasons = Annotated[list[Annotated[dict[str, Any], AfterValidator(_sentence)]], Field(max_length=1000)]


def _hosts(text: str) -> str:
    """Names of hosts with commas between, as they stand in an address."""
    for host in text.split(", ") if text else ():
        if not _HOST.fullmatch(host):
            raise ValueError(_("This is no name of a host."))
    return text


class Run(WithUsersIn):
    title: Annotated[Title, Field(min_length=1)]
    description: Long = ""
    release: Release = ""
    status: Literal["completed", "failed", "stopped", "timed_out"] = "completed"
    outcome: Literal["passed", "targets_missed", "invalid", "error", ""] = ""
    stop_reason: Why = ""
    exit_code: Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)] | None = None
    tested_at: Moment
    completed_at: Moment | None = None
    target_tps: Number | None = None
    response_time_target: Number | None = None
    response_time_percentile: Percentile = 95
    error_rate_target: Number | None = None
    answers: Counts = {}
    reasons: Reasons = []
    labels: Annotated[list[Annotated[Release, Field(min_length=1)]], Field(max_length=MOST_LABELS)] = []
    host: Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(_hosts)] = ""
    generators: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    load: Annotated[list[Load], Field(max_length=MOST_SCENARIOS)] = []

    @model_validator(mode="after")
    def can_be_drawn(self) -> "Run":
        """A load of so many stages that its curve can be added up."""
        if sum(len(one.stages) for one in self.load) > MOST_STAGES:
            raise ValueError(_("At most %(limit)s stages in all.") % {"limit": MOST_STAGES})
        return self


def _numbers(values: list[Any]) -> list[Any]:
    """A column: numbers of zero and more, and None. Whole numbers stay whole."""
    for value in values:
        if value is not None and not (type(value) in (int, float) and 0 <= value <= 1e15):  # NaN is in no range
            raise ValueError(_("A column may hold numbers from 0 on, and null."))
    return values


def _as_long(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns of one length, with the seconds that they are of."""
    if not columns:
        return columns
    times = columns.get("t", [])
    odd = "t" not in columns or None in times or times != sorted(times) or max(times, default=0) > 1e7
    if odd or len({len(column) for column in columns.values()}) > 1:
        raise ValueError(_("All columns have to be as long as “t”, which has to rise."))
    return columns


Column = Annotated[list[Any], Field(max_length=MOST_SECONDS), AfterValidator(_numbers)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Columns = Annotated[dict[ColumnName, Column], Field(max_length=100), AfterValidator(_as_long)]
Edge = Annotated[list[Number], Field(min_length=2, max_length=2)]


class Heatmap(Part):
    """As `history.heatmap` makes it."""

    step: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]
    start: Duration = 0.0
    end: Duration = 0.0
    rows: Annotated[list[Edge], Field(max_length=1000)]
    counts: Annotated[list[Annotated[list[Count], Field(max_length=1000)]], Field(max_length=2000)]

    @model_validator(mode="after")
    def fits(self) -> "Heatmap":
        """One count for each row, and rows that rise."""
        edges = [edge for row in self.rows for edge in row]
        if edges != sorted(edges) or any(len(column) != len(self.rows) for column in self.counts):
            raise ValueError(_("Each column of a heatmap has one count for each row, and the rows rise."))
        return self


class Overview(Part):
    """The seconds in stretches of `step` seconds, as `history.overview` makes them."""

    step: Annotated[int, Field(strict=True, ge=1, le=10**6)]
    columns: Columns


class Timeline(Part):
    scenario_tag: Name | None = None
    columns: Columns = {}
    overview: Overview | Annotated[dict[str, Any], Field(max_length=0)] = {}
    heatmap: Heatmap | Annotated[dict[str, Any], Field(max_length=0)] = {}


Headers = dict[HeaderName, Long] | list[tuple[HeaderName, Long]]


class Message(Part):
    """A request or an answer as it was kept."""

    method: Word | None = None
    url: Long | None = None
    headers: Headers | None = None
    body: Long | None = None
    status: Annotated[int, Field(strict=True, ge=0, le=10**6)] | None = None
    status_text: Word | None = None


class Failure(Part):
    scenario_tag: Name
    step: Annotated[int, Field(strict=True, ge=0, le=MOST_PARTS)]
    kind: Cause
    t: Number | None = None
    request: Message = Message()
    response: Message | None = None
    error: Long = ""
    checks: Annotated[list[Long], Field(max_length=MOST_PARTS)] = []


class Document(Part):
    """The whole. Scenarios have tags of their own; timelines and failures name those."""

    format: Literal["metricvault-run/1"]
    run: Run
    phases: Phases = []
    scenarios: Annotated[list[Scenario], Field(max_length=MOST_SCENARIOS)] = []
    failures: Annotated[list[Failure], Field(max_length=MOST_FAILURES)] = []
    timelines: Annotated[list[Timeline], Field(max_length=MOST_SCENARIOS + 1)] = []

    @model_validator(mode="after")
    def belongs_together(self) -> "Document":
        """Nothing twice, nothing of a scenario or a step that is not there."""
        steps = {one.scenario_tag: len(one.steps) for one in self.scenarios}
        tags = [one.scenario_tag for one in self.timelines]
        if len(steps) < len(self.scenarios) or len(set(tags)) < len(tags):
            raise ValueError(_("Two scenarios or two timelines have the same scenario_tag."))
        strangers = {tag for tag in tags if tag is not None and tag not in steps}
        strangers |= {one.scenario_tag for one in self.failures if one.step >= steps.get(one.scenario_tag, 0)}
        if strangers:
            names = ", ".join(sorted(strangers)[:5])
            raise ValueError(_("There is no such scenario or step: %(names)s.") % {"names": names})
        return self
