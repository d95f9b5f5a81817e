"""How k6 is called: arguments (seen by everybody in the process list) and environment (secrets)."""

PUSH_INTERVAL = "1s"


def local_command(run: str, instance: str, push_url: str, token: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments after the binary, without the script, and the K6_ variables of one load generator.

    `push_url` takes Prometheus remote writes; `token` is sent there as a bearer token and stands in the
    environment only. The runner adds what belongs to the machine (PATH, HOME) and the script's path.
    """
    return (*_arguments(run, instance), "--address", ""), push_environment(push_url, token)


def pod_command(run: str, push_url: str, token: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The same for one of several load generators. The runner puts its number for `{instance}`, from 0 on.

    k6 waits, paused, to be started with the others through its REST API.
    """
    apart = ("--paused", "--address", "0.0.0.0:6565", "--env", "GENERATOR={instance}")
    return (*_arguments(run, "{instance}"), *apart), push_environment(push_url, token)


def _arguments(run: str, instance: str) -> tuple[str, ...]:
    return (
        "run",
        "--quiet",
        "--no-color",
        "--no-usage-report",
        "--include-system-env-vars=false",  # the script sees nothing of this machine, nor the token
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
