"""How k6 is called on one machine: arguments (seen by everybody in the process list) and environment (secrets)."""

PUSH_INTERVAL = "1s"


def local_command(run: str, instance: str, push_url: str, token: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments after the binary, without the script, and the K6_ variables of one load generator.

    `push_url` takes Prometheus remote writes; `token` is sent there as a bearer token and stands in the
    environment only. The runner adds what belongs to the machine (PATH, HOME) and the script's path.
    """
    arguments = (
        "run",
        "--quiet",
        "--no-color",
        "--no-usage-report",
        "--include-system-env-vars=false",  # the script sees nothing of this machine, nor the token
        "--address",
        "",
        "--out",
        "experimental-prometheus-rw",
        "--tag",
        f"run={run}",
        "--tag",
        f"instance={instance}",
    )
    return arguments, push_environment(push_url, token)


def push_environment(push_url: str, token: str) -> dict[str, str]:
    """Where and how k6 pushes: cumulative counters and native histograms, once a second (DESIGN.md, 2)."""
    return {
        "K6_PROMETHEUS_RW_SERVER_URL": push_url,
        "K6_PROMETHEUS_RW_BEARER_TOKEN": token,
        "K6_PROMETHEUS_RW_PUSH_INTERVAL": PUSH_INTERVAL,
        "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM": "true",
        "K6_PROMETHEUS_RW_STALE_MARKERS": "true",  # the closing push names every series: no count stays away
        "K6_AUTO_EXTENSION_RESOLUTION": "false",
    }
