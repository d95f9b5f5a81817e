"""How k6 is called to try a plan once: nothing is measured, each step is printed."""


def try_command(*, pod: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments after the binary, without the script, and the K6_ variables.

    The script prints by console.log, which k6 takes for its log: all of that goes to standard output, a line each,
    without times and levels. (--console-output opens standard output once more, and writes over its beginning.)
    Secrets are in the environment, which the script may read here: no token for pushes stands there.
    """
    arguments = (
        "run",
        "--quiet",
        "--no-color",
        "--no-usage-report",
        "--no-thresholds",
        "--log-output=stdout",
        "--log-format=raw",
    )
    apart = ("--paused", "--address", "0.0.0.0:6565", "--env", "GENERATOR={instance}") if pod else ("--address", "")
    return (*arguments, *apart), {"K6_AUTO_EXTENSION_RESOLUTION": "false"}
