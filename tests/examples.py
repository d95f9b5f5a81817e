"""How many examples hypothesis tries of what holds for anything: some each day, many in `make test-long`."""

import os

LONGER = 20


def examples(each_day: int) -> int:
    return each_day * LONGER if os.environ.get("METRICVAULT_LONG") == "1" else each_day
