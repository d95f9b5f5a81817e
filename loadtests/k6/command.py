"""How k6 is called: arguments (seen by everybody in the process list) and environment (secrets)."""

from loadtests.k6.plan import RunPlan

PUSH_INTERVAL = "1s"


Command = tuple[tuple[str, ...], dict[str, str]]


def local_command(run: str, instance: str, push_url: str, token: str, plan: RunPlan | None = None) -> Command:
    """Arguments after the binary, without the script, and the variables of one load generator.

    `push_url` takes Prometheus remote writes; `token` is sent there as a bearer token and stands in the environment
    only. `plan`: what is run, for what it asks of k6 besides its script. The runner adds what belongs to the machine
    (PATH, HOME) and the script's path.
    """
    arguments = (*_arguments(run, instance), *plan_arguments(plan), "--address", "")
    return arguments, {**push_environment(push_url, token), **plan_environment(plan)}


def pod_command(run: str, push_url: str, token: str, plan: RunPlan | None = None) -> Command:
    """The same for one of several load generators. The runner puts its number for `{instance}`, from 0 on.

    k6 waits, paused, to be started with the others through its REST API.
    """
    apart = ("--paused", "--address", "0.0.0.0:6565", "--env", "GENERATOR={instance}")
    arguments = (*_arguments(run, "{instance}"), *plan_arguments(plan), *apart)
    return arguments, {**push_environment(push_url, token), **plan_environment(plan)}


def plan_arguments(plan: RunPlan | None) -> tuple[str, ...]:
    """Whether the script sees k6's environment: only where secrets have to reach it that way.

    k6 1.1.0 knows all of it or nothing: `--env NAME` without a value sets an empty one, and `--env NAME=value` would
    show it in the process list. The script reads no names but those of its secrets (`MV_…`), and runners give k6 an
    environment of its own, in which there is little else.
    """
    needed = plan is not None and bool(plan.secrets or plan.tokens)
    return ("--include-system-env-vars=true" if needed else "--include-system-env-vars=false",)


def plan_environment(plan: RunPlan | None) -> dict[str, str]:
    """What a script cannot say of HTTP: k6 speaks HTTP/1.1 alone where Go's own client would."""
    return {"GODEBUG": "http2client=0"} if plan is not None and not plan.options.http2 else {}


def _arguments(run: str, instance: str) -> tuple[str, ...]:
    return (
        "run",
        "--quiet",
        "--no-color",
        "--no-usage-report",
        "--out",
        "experimental-prometheus-rw",
        "--tag",
        f"run={run}",
        "--tag",
        f"instance={instance}",
    )


def push_environment(push_url: str, token: str) -> dict[str, str]:
    """Where and how k6 pushes: cumulative counters and native histograms, once a second (DESIGN.md, 2)."""
    return {
        "K6_PROMETHEUS_RW_SERVER_URL": push_url,
        "K6_PROMETHEUS_RW_BEARER_TOKEN": token,
        "K6_PROMETHEUS_RW_PUSH_INTERVAL": PUSH_INTERVAL,
        "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM": "true",
        "K6_PROMETHEUS_RW_STALE_MARKERS": "true",  # the closing push names every series: no count stays away
        "K6_AUTO_EXTENSION_RESOLUTION": "false",
        # k6's memory holds little and turns over much: with Go's default a tenth of its time is garbage collection
        # (`bench.overhead`). The runner sets GOMEMLIMIT, past which the collector is as eager as it must be.
        "GOGC": "400",
    }
