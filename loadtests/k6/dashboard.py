"""k6's own web dashboard: how it is asked for, what it serves, and what its texts tell.

Source: k6's documentation, "Web dashboard"; seen with k6 1.1.0. `/ui/` is the page with its files, `/events` a stream
of server-sent events, `/report` the report so far. The stream's last event is `stop`; then k6 writes the report and
waits, without having printed its summary, until nobody holds the stream any more.
"""

import base64
import binascii
import gzip
import re
from math import ceil
from pathlib import PurePosixPath

from loadtests.k6.curves import duration
from loadtests.k6.plan import RunPlan

PORT = 5665  # of a pod, k6's own default; on one machine k6 takes a free one
REPORT_FILE = "report.html"
MOST_POINTS = 100  # of a chart; for each one k6 sorts all response times so far (bench/dashboard.py)
EVENTS = "events"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILE = re.compile(r"ui/(?:assets/)?[A-Za-z0-9_-]+\.(?:js|css|svg)")
_SCRIPT_FOLDER = re.compile(rb'("scriptPath":")file://[^"]*/')
_DATA = re.compile(r'(<script id="data"[^>]*>)([A-Za-z0-9+/=\s]*)(</script>)')


def dashboard_environment(plan: RunPlan, *, pod: bool) -> dict[str, str]:
    """The K6_ variables for a plan that asks for the dashboard, {} for others.

    A pod listens where the cluster reaches it and writes its report to its log; on one machine k6 listens on loopback,
    at a free port, and writes a file into the folder it runs in.
    """
    if not plan.k6_dashboard:
        return {}
    where, port, report = ("0.0.0.0", PORT, "/dev/stdout") if pod else ("127.0.0.1", 0, REPORT_FILE)  # noqa: S104  # nosec B104  # inside of a pod
    return {
        "K6_WEB_DASHBOARD": "true",
        "K6_WEB_DASHBOARD_HOST": where,
        "K6_WEB_DASHBOARD_PORT": str(port),
        "K6_WEB_DASHBOARD_PERIOD": f"{period(duration(plan))}s",
        "K6_WEB_DASHBOARD_EXPORT": report,
    }


def period(seconds: float) -> int:
    """Seconds between two points of a chart of so long a run: whole ones, at least 1."""
    return max(1, ceil(seconds / MOST_POINTS))


def content_type(path: str) -> str:
    """What is at a path of the dashboard (`ui/`, `report`, `ui/assets/index-1.js`); "" where it has no such path."""
    if path in ("ui/", "report"):
        return TYPES[".html"]
    return TYPES[PurePosixPath(path).suffix] if _FILE.fullmatch(path) else ""


def is_stop(event: bytes) -> bool:
    """Whether an event of the stream is its last one."""
    return any(line.strip() == b"event: stop" for line in event.splitlines())


def without_folder(event: bytes) -> bytes:
    """The event with the script's name alone: where it lies is nothing to show."""
    return _SCRIPT_FOLDER.sub(rb"\1", event)


def shown_report(report: str) -> str:
    """The same for a report, whose events stand packed (gzip, base64) in a script element; "" for half a report."""
    found = _DATA.search(report)
    if found is None or "</html>" not in report[-100:].lower():
        return ""
    try:
        events = gzip.decompress(base64.b64decode(found[2]))
    except (OSError, EOFError, binascii.Error):
        return ""
    packed = base64.b64encode(gzip.compress(without_folder(events), mtime=0)).decode()
    return f"{report[: found.start(2)]}{packed}{report[found.end(2) :]}"
