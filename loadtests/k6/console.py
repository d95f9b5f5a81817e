"""Lines that the script has k6 write into its log, among those that k6 writes itself. Pure.

Source: k6 1.1.0 logs by logrus's text formatter, `time="…" level=info msg="…" source=console`, the message quoted as
Go's %q does it. The script writes ASCII without controls: of that %q escapes the quote and the backslash alone, as JSON
does. k6's own lines quote whatever they show, so none of them can begin like this.
"""

import json
import re

FAILED_MARK = "METRICVAULT-FAILED "

_LINE = re.compile(r'time="[^"\n]{0,40}" level=info msg=("METRICVAULT-FAILED \{[\x20-\x7e]*\}") source=console\s*')


def told(line: str) -> str | None:
    """The marked line that a line of k6's log holds; None for every other one."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        return str(json.loads(found[1]))
    except ValueError:
        return None
