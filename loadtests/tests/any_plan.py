"""Any plan that planning lets through, for tests that hold for all of them (hypothesis)."""

from typing import Any

from hypothesis import strategies as st

from loadtests.k6.plan import (
    COUNTED,
    EXECUTORS,
    RATES,
    CheckPlan,
    ExtractPlan,
    LoadPlan,
    Make,
    OptionsPlan,
    RequestPlan,
    RunPlan,
    ScenarioPlan,
    Secret,
    SecretPlan,
    StagePlan,
    StepPlan,
    TablePlan,
    Take,
    TargetsPlan,
    Text,
    Token,
    TokenPlan,
    scenario_tag,
)
from loadtests.k6.templates import joined

HOSTILE = [
    "quotes ' \" and \\ backslashes \\",
    "`${process.exit(1)}` ${PLAN}",
    "</script><script>alert(1)</script><!-- x -->",
    "line\u2028and\u2029paragraph\r\n\ttab",
    "nul \x00 bell \x07 del \x7f bom \ufeff",
    "right \u202eto left\u2069",
    "*/ }; throw new Error('out'); /*PLAN*/ const PLAN = 1; //",
    "__proto__",
    "constructor",
    "한국어 テスト 🚀",
    "half \ud83d a pair",
    "x" * 10_000,
]
HOWS = ("raw", "url", "json", "value", "form", "xml", "header")
TABLES = (
    TablePlan("users", ("name", "이름", "a.b"), "unique", 3, "users.json"),
    TablePlan("cities", ("__proto__",), "sequential", 1, "data-0a.json"),
    TablePlan("more", ("x",), "user", 0, "more.json"),
)
TOKENS = (TokenPlan("t1", "client_credentials", "http://127.0.0.1:9/", "id", (Secret("MV_1"),)),)

words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))
short = st.floats(0.1, 5, allow_nan=False).map(lambda seconds: round(seconds, 3))
hows = st.sampled_from(HOWS)
makes = st.one_of(
    st.builds(Make, st.sampled_from(["uuid", "timestamp", "isodate", "email"]), st.just(()), hows),
    st.builds(Make, st.just("int"), st.tuples(st.integers(-5, 0), st.integers(1, 9)), hows),
    st.builds(Make, st.just("float"), st.tuples(st.floats(0, 1), st.floats(1, 2), st.integers(0, 15)), hows),
    st.builds(Make, st.just("choice"), st.lists(words, min_size=1, max_size=3).map(tuple), hows),
)
takes = st.builds(
    Take,
    st.one_of(st.sampled_from(["users.name", "users.이름", "users.a.b", "cities.__proto__", "more.x"]), words),
    hows,
)
parts = st.one_of(
    words,
    makes,
    takes,
    st.builds(Secret, st.sampled_from(["MV_1", "MV_2"]), hows),
    st.builds(Token, st.just("t1"), hows),
)
texts: st.SearchStrategy[Text] = st.one_of(words, st.lists(parts, max_size=4).map(joined))
paths = st.lists(st.one_of(words, st.integers(-3, 3)), max_size=3).map(tuple)
checks = st.one_of(
    st.builds(CheckPlan, st.sampled_from(["contains", "header"]), words, texts, words),
    st.builds(CheckPlan, st.just("json"), words, texts, words, paths),
    st.builds(CheckPlan, st.sampled_from(["size", "time"]), st.just(""), st.integers(0, 9999).map(str), words),
)
extracts = st.one_of(
    st.builds(ExtractPlan, words, st.sampled_from(["header", "cookie", "regex"]), words),
    st.builds(ExtractPlan, words, st.just("json"), words, paths),
)
requests = st.builds(
    RequestPlan,
    st.sampled_from(["GET", "POST", "DELETE"]),
    texts.map(lambda text: joined(["http://127.0.0.1:9/", text])),
    words,
    st.lists(st.tuples(words, texts), max_size=2).map(tuple),
    st.one_of(st.none(), texts),
)
steps = st.builds(
    StepPlan,
    words,
    requests,
    st.lists(st.tuples(st.integers(100, 300), st.integers(300, 599)), max_size=2).map(tuple),
    st.lists(checks, max_size=2).map(tuple),
    st.lists(extracts, max_size=2).map(tuple),
    st.booleans(),
)


@st.composite
def loads(draw: st.DrawFn, executor: str) -> dict[str, Any]:
    """Stages and load of an executor that ask for something."""
    one = executor in COUNTED
    stages = draw(st.lists(st.builds(StagePlan, short, st.integers(0, 50)), max_size=0 if one else 4))
    stages.append(StagePlan(draw(short), draw(st.integers(1, 50))))
    before = draw(st.integers(1, 20)) if executor in RATES else None
    load = LoadPlan(
        time_unit=draw(st.sampled_from([1.0, 60.0, 0.5])) if executor in RATES else 1.0,
        pre_allocated_vus=before,
        max_vus=before + draw(st.integers(0, 20)) if before else None,
        iterations=draw(st.integers(1, 100)) if one else None,
        start_time=draw(st.sampled_from([0.0, 0.5, 10.0])),
        graceful_stop=draw(st.sampled_from([30.0, 0.0, 1.5])),
        graceful_ramp_down=draw(st.sampled_from([30.0, 0.0])),
        batch=draw(st.booleans()),
    )
    return {"stages": tuple(stages), "load": load}


@st.composite
def scenarios(draw: st.DrawFn, position: int) -> ScenarioPlan:
    """A scenario at its place in the plan."""
    name, executor = draw(words), draw(st.sampled_from(EXECUTORS))
    return ScenarioPlan(
        tag=scenario_tag(position, name),
        name=name,
        executor=executor,
        think_time=draw(st.sampled_from([0.0, 0.25])),
        steps=tuple(draw(st.lists(steps, min_size=1, max_size=3))),
        response_time_target=draw(st.one_of(st.none(), st.floats(0.001, 90_000))),
        error_rate_target=draw(st.one_of(st.none(), st.floats(0, 100))),
        response_time_percentile=draw(st.sampled_from([50, 90, 95, 99])),
        tps_target=draw(st.one_of(st.none(), st.floats(0.1, 100_000))),
        **draw(loads(executor)),
    )


@st.composite
def plans(draw: st.DrawFn, most: int = 4) -> RunPlan:
    """A whole plan of at most so many scenarios."""
    count = draw(st.integers(1, most))
    return RunPlan(
        run=draw(st.sampled_from(["", "7"])),
        title=draw(words),
        scenarios=tuple(draw(scenarios(position)) for position in range(count)),
        generators=draw(st.sampled_from([1, 1, 3])),
        targets=draw(
            st.builds(
                TargetsPlan,
                st.one_of(st.none(), st.floats(0.1, 10_000)),
                st.one_of(st.none(), st.floats(0.1, 10_000)),
                st.sampled_from([50, 95]),
                st.one_of(st.none(), st.floats(0, 100)),
            )
        ),
        options=draw(
            st.builds(
                OptionsPlan,
                st.integers(0, 20),
                short,
                st.booleans(),
                st.booleans(),
                st.sampled_from(["keep", "iteration", "request"]),
                st.sampled_from(["iteration", "user", "none"]),
                st.integers(1, 50),
            )
        ),
        tables=TABLES,
        tokens=TOKENS,
        secrets=(SecretPlan("MV_1", "a"), SecretPlan("MV_2", "b")),
        environment=draw(st.sampled_from([None, 3])),
        profile=draw(st.sampled_from(["", "breakpoint"])),
    )
