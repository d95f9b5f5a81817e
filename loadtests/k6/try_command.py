"""How k6 is called to try a plan once: nothing is measured, each step is printed."""

from loadtests.k6.command import Command, plan_arguments, plan_environment
from loadtests.k6.plan import RunPlan


def try_command(plan: RunPlan, *, pod: bool) -> Command:
    """Arguments after the binary, without the script, and the variables of its environment but the secrets.

    The script prints by console.log, which k6 takes for its log: all of that goes to standard output, a line each,
    without times and levels. (--console-output opens standard output once more, and writes over its beginning.)
    """
    arguments = (
        "run",
        "--quiet",
        "--no-color",
        "--no-usage-report",
        "--no-thresholds",
        *plan_arguments(plan),
        "--log-output=stdout",
        "--log-format=raw",
    )
    apart = ("--paused", "--address", "0.0.0.0:6565", "--env", "GENERATOR={instance}") if pod else ("--address", "")
    return (*arguments, *apart), {"K6_AUTO_EXTENSION_RESOLUTION": "false", **plan_environment(plan)}
