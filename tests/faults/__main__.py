"""`python -m tests.faults [--quick] [--servers] [NAME …]`: runs the faults with real processes and prints the table.

`--quick` leaves out those of 60 seconds; `--servers` runs those of PostgreSQL, Redis and InfluxDB instead.
"""

import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.faults.faults import FAULTS, Fault, faketime_library, fill_disk, is_root, jump_clock, small_disk
from tests.faults.running import heading, line, run_fault
from tests.faults.server_faults import product_on_servers, server_faults
from tests.product import Product, running_product


def main() -> int:
    """Exit code 1 where a request was lost without a word."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if "--servers" in sys.argv:
            product, servers = stack.enter_context(product_on_servers(folder))
            return show(product, server_faults(servers))
        disk = stack.enter_context(small_disk(folder / "disk")) if is_root() else folder
        return show(stack.enter_context(running_product(disk / "copy")), FAULTS)


def show(product: Product, faults: Iterable[Fault]) -> int:
    """Runs those that were asked for; the number of bad ones, at most 1."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    bad = 0
    print(heading(), flush=True)
    for fault in faults:
        if (names and fault.name not in names) or ("--quick" in sys.argv and not fault.quick):
            continue
        if fault.strike is fill_disk and not is_root():
            print(f"{fault.name:<22} not tried: it needs root for a file system of its own")
        elif fault.strike is jump_clock and not faketime_library():
            print(f"{fault.name:<22} not tried: it needs the package faketime")
        else:
            result = run_fault(product, fault)
            bad += not result.good
            print(line(result), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
