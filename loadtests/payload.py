"""The body of `POST /load-testing`, field by field. A saved plan says the same, and its file, too."""

import re
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from history.labelling import LONGEST_LABEL, LONGEST_RELEASE, MOST_LABELS
from loadtests import stage_text
from loadtests.fields import Duration, Key, Whole
from loadtests.k6.paths import read_path
from loadtests.k6.plan import LoadPlan

MOST_SCENARIOS, MOST_STAGES, MOST_STEPS = 50, 100, 30
MOST_CHECKS = MOST_EXTRACTS = 20
LONGEST_NAME = 200
MARKS = frozenset({"labels", "release"})  # of one run: a plan and its file do not keep them
LOAD_FIELDS = tuple(LoadPlan.__dataclass_fields__)
STEP_FIELDS = ("endpoint_id", "parameters", "body", "content_type", "headers", "statuses", "checks", "extracts", "once")
_NAME = re.compile(r"[^\W\d]\w{0,59}")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")  # a token of RFC 9110, 5.6.2
_STATUS = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?")

Values = dict[str, Any]
Percentile = Annotated[Literal[50, 90, 95, 99], Field(description="Of which the response time target speaks.")]
Target = Annotated[float, Field(gt=0, le=86_400_000, description="Milliseconds.")]
Rate = Annotated[float, Field(ge=0, le=100, description="Percent.")]
Label = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]
Throughput = Annotated[float, Field(ge=0, le=10_000_000, description="Requests per second.")]


class Asked(BaseModel):
    """What is not known is let through, for newer callers, and named in a warning."""

    model_config = ConfigDict(strict=True, extra="allow", str_strip_whitespace=True, allow_inf_nan=False)


class StageIn(Asked):
    """`target` users, or iterations per time unit, held for `duration` or reached at its end (ramping-…)."""

    duration: Duration
    target: Annotated[Whole, Field(ge=0, le=2_000_000_000, description="Users, or iterations per time unit.")]


class ParametersIn(Asked):
    """Values by place and name. Of those left out, required ones come from the document; others are not sent."""

    path: Values = {}
    query: Values = {}
    header: Values = {}
    cookie: Values = {}


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(_("Write a name of letters, digits and _, such as order_id."))
    return name


def _status(value: Any) -> Any:
    text = str(value).replace(" ", "") if isinstance(value, int | str) else ""
    found = _STATUS.fullmatch(text)
    if not found or (found[2] and found[2] < found[1]):
        raise ValueError(_("Write statuses such as 200, 404 or 200-299."))
    return text


class CheckIn(Asked):
    """What an answer has to be; a request that fails one counts as failed. `target`: JSON path or name of the header;
    `value`: the text contained, the value that it equals, bytes at most, milliseconds at most."""

    kind: Literal["contains", "json", "header", "size", "time"]
    target: Annotated[str, Field(max_length=500, validate_default=True)] = ""
    value: Annotated[
        str,
        BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value),
        Field(max_length=10_000, validate_default=True),
    ] = ""

    @field_validator("target")
    @classmethod
    def _target(cls, text: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind == "json":
            _path(text)
        elif kind == "header" and not HEADER.fullmatch(text):
            raise ValueError(_("Write the name of a header, such as Content-Type."))
        return text

    @field_validator("value")
    @classmethod
    def _value(cls, text: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind == "contains" and not text:
            raise ValueError(_("Write the text that the answer contains."))
        if kind in ("size", "time") and not re.fullmatch(r"\d{1,10}(\.\d{1,3})?", text):
            raise ValueError(_("Write the most that is allowed, as a number."))
        return text


class ExtractIn(Asked):
    """A value taken from the answer, for later steps as `{{name}}`. `expression`: a JSON path, the name of a header or
    a cookie, or a regular expression (its first group, where it has one)."""

    name: Annotated[str, AfterValidator(_variable)]
    kind: Literal["json", "header", "cookie", "regex"] = "json"
    expression: Annotated[str, Field(min_length=1, max_length=500)]

    @field_validator("expression")
    @classmethod
    def _expression(cls, text: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind == "json":
            _path(text)
        elif kind == "header" and not HEADER.fullmatch(text):
            raise ValueError(_("Write the name of a header, such as Content-Type."))
        elif kind == "regex":
            try:
                re.compile(text)
            except (re.error, RecursionError, OverflowError):
                raise ValueError(_("This is no regular expression.")) from None
        return text


def _path(text: str) -> None:
    try:
        read_path(text)
    except ValueError:
        raise ValueError(_("Write a JSON path, such as $.items[0].id.")) from None


def _pairs(value: Any) -> Any:
    """Rows of {"name", "value"} as an object: that is how the builder keeps them, in their order."""
    if not isinstance(value, list):
        return value
    found: dict[str, Any] = {}
    for number, row in enumerate(value, 1):
        name = row.get("name") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise ValueError(_("Header %(number)s has no name.") % {"number": number})
        if name.strip().lower() in {known.lower() for known in found}:
            raise ValueError(_("Header %(name)s stands there twice.") % {"name": name.strip()})
        found[name.strip()] = row.get("value", "")
    return found


def _stages(value: Any) -> Any:
    """Stages that were written as one line of text."""
    if not isinstance(value, str):
        return value
    return [{"duration": row.duration, "target": row.target} for row in stage_text.parse(value).rows]


class _Request(Asked):
    """What one step sends, and what it looks at. Texts may hold `{{name}}`."""

    parameters: ParametersIn | None = None
    body: Annotated[Any, Field(description="Text as it is sent, or JSON. Left out: the document's example.")] = None
    content_type: Annotated[str, Field(max_length=200)] | None = None
    headers: Annotated[dict[str, str], BeforeValidator(_pairs)] | None = None
    statuses: Annotated[
        list[Annotated[str, BeforeValidator(_status)]],
        Field(max_length=20, description="Statuses that are no failure, such as 200-299. Left out: 200-399."),
    ] = []
    checks: Annotated[list[CheckIn], Field(max_length=MOST_CHECKS)] = []
    extracts: Annotated[list[ExtractIn], Field(max_length=MOST_EXTRACTS)] = []
    once: Annotated[bool, Field(description="Only in the first iteration of each user.")] = False


class StepIn(_Request):
    """One request of a scenario."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    endpoint_id: Key


class ScenarioIn(_Request):
    """What one group of users does: its steps in order, or the one request that stands in its own fields."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    endpoint_id: Key | None = None
    steps: Annotated[list[StepIn], Field(min_length=1, max_length=MOST_STEPS)] | None = None
    executor: Literal[
        "constant-vus",
        "ramping-vus",
        "constant-arrival-rate",
        "ramping-arrival-rate",
        "shared-iterations",
        "per-vu-iterations",
    ] = "constant-vus"
    think_time: Annotated[Duration, Field(description="Seconds between the iterations of one user.")] = 0.0
    stages: Annotated[
        list[StageIn],
        BeforeValidator(_stages),
        Field(min_length=1, max_length=MOST_STAGES, description="Or text: 2m to 50, hold 10m, 30s to 0."),
    ]
    time_unit: Annotated[Duration, Field(description="Of the rates; 1 s where left out.")] = 1.0
    pre_allocated_vus: Annotated[Whole, Field(ge=1, le=2_000_000_000)] | None = None
    max_vus: Annotated[Whole, Field(ge=1, le=2_000_000_000)] | None = None
    iterations: Annotated[Whole, Field(ge=1, le=2_000_000_000)] | None = None
    start_time: Duration = 0.0
    graceful_stop: Duration = 30.0
    graceful_ramp_down: Duration = 30.0
    batch: Annotated[bool, Field(description="All steps of an iteration at once.")] = False
    response_time_target: Target | None = None
    response_time_percentile: Percentile = 95
    error_rate_target: Rate | None = None
    tps_target: Throughput | None = None

    @model_validator(mode="after")
    def _has_a_request(self) -> Self:
        if self.steps is None and self.endpoint_id is None:
            raise ValueError(_("Choose an endpoint, or write steps."))
        if self.steps is not None and self.endpoint_id is not None:
            raise ValueError(_("Write either endpoint_id or steps."))
        return self

    def all_steps(self) -> list[tuple[str, StepIn]]:
        """The steps, each with where it stands below the scenario: `steps.0.`, or "" in the short form."""
        if self.steps is not None:
            return [(f"steps.{at}.", step) for at, step in enumerate(self.steps)]
        fields = {name: getattr(self, name) for name in STEP_FIELDS}
        return [("", StepIn.model_construct(name="", **fields))]

    def load(self) -> LoadPlan:
        """What the executor takes besides stages."""
        return LoadPlan(**{name: getattr(self, name) for name in LOAD_FIELDS})


class OptionsIn(Asked):
    """HTTP as k6 speaks it."""

    max_redirects: Annotated[Whole, Field(ge=0, le=100)] = 10
    timeout: Annotated[Duration, Field(description="After which a request has failed.")] = 60.0
    verify_tls: bool = True
    http2: bool = True
    reuse: Annotated[Literal["keep", "iteration", "request"], Field(description="Of connections.")] = "keep"
    cookies: Annotated[Literal["iteration", "user", "none"], Field(description="How long they are kept.")] = "iteration"
    batch: Annotated[Whole, Field(ge=1, le=1000, description="Requests at once, of a scenario with batch.")] = 20


class LoadTestIn(Asked):
    """The body of `POST /load-testing`; a saved plan says the same."""

    title: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    description: Annotated[str, Field(max_length=10_000)] | None = None
    target_tps: Throughput | None = None
    response_time_target: Target | None = None
    response_time_percentile: Percentile = 95
    error_rate_target: Rate | None = None
    abort_after: Annotated[Duration, Field(gt=0, description="Stop after a target is missed that long.")] | None = None
    k6_dashboard: Annotated[bool, Field(description="Keep k6's own report. Left out: as set for all.")] | None = None
    project_id: Key | None = None
    environment_id: Key | None = None
    environment: Annotated[str, Field(max_length=100, description="Its name, instead of environment_id.")] | None = None
    profile: Annotated[str, Field(max_length=20)] | None = None
    options: OptionsIn | None = None
    data: Annotated[
        dict[str, Literal["sequential", "random", "unique", "user"]],
        Field(description="How rows of a data file are chosen, by its name."),
    ] = {}
    generators: (
        Annotated[Whole, Field(ge=1, le=1000, description="Load generators (pods). Left out: as many as needed.")]
        | None
    ) = None
    labels: Annotated[list[Label], Field(max_length=MOST_LABELS, description="Of the run, to find it by.")] = []
    release: Annotated[str, Field(max_length=LONGEST_RELEASE, description="Of what is tested.")] | None = None
    scenarios: Annotated[list[ScenarioIn], Field(min_length=1, max_length=MOST_SCENARIOS)]
