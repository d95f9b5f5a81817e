"""`python -m tests.faults [--quick] [NAME …]`: runs the faults with real processes and prints the table."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.faults.faults import FAULTS, faketime_library, fill_disk, is_root, jump_clock, small_disk
from tests.faults.running import heading, line, run_fault
from tests.product import running_product


def main() -> int:
    """Exit code 1 where a request was lost without a word."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    chosen = [
        fault for fault in FAULTS if (fault.quick or "--quick" not in sys.argv) and (not names or fault.name in names)
    ]
    bad = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        disk = stack.enter_context(small_disk(folder / "disk")) if is_root() else folder
        product = stack.enter_context(running_product(disk / "copy"))
        print(heading(), flush=True)
        for fault in chosen:
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
