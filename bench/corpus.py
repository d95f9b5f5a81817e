"""What becomes of published documents: `python -m bench.corpus [FILE ...]` prints one row for each.

Without files: those of ../shared/specs. For each operation one scenario, with the values that the import gave it, and
all of its parameters: k6 inspects the script and sends each request once to a stub on loopback, where it is judged by
the document. Values are judged by JSON Schema with formats; schemas that contradict themselves count as not satisfied.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import django


def main() -> None:
    """Goes through the documents."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
    with tempfile.TemporaryDirectory(prefix="metricvault-bench-") as folder:
        os.environ["METRICVAULT_DATA_DIR"] = folder
        django.setup()
        measure(Path(folder))


def measure(folder: Path) -> None:
    """One row after the other, and their sums."""
    from loadtests.runners import find_k6
    from loadtests.tests.published import Document, example_faults, inspected, requests_of, wire_faults
    from loadtests.tests.wire import Stub
    from projects.tests.documents import published_documents

    k6, stub = find_k6(), Stub()
    assert k6, "k6 is needed"
    sums = [0] * 6
    print(f"{'document':36} {'operations':>10} {'scenarios':>10} {'examples':>16} {'requests':>14} {'seconds':>8}")
    for path in [Path(name) for name in sys.argv[1:]] or published_documents():
        start = time.monotonic()
        document = Document.read(path.name, path.read_bytes())
        plan, problems = requests_of(document, "https://api.example.com", with_optional=False)
        scenarios = len(inspected(plan, k6, folder)["scenarios"])
        judged, faults = example_faults(document)
        sent, wrong = wire_faults(document, stub, k6, folder)
        good = sent - len({fault.partition(":")[0] for fault in wrong})
        row = [len(document.api.endpoints), scenarios, judged - len(faults), judged, good, sent]
        sums = [one + other for one, other in zip(sums, row, strict=True)]
        print_row(path.name, row, time.monotonic() - start)
        for line in [*problems, *faults, *wrong][:5]:
            print(f"    {line[:180]}")
    print_row("all", sums, 0)
    stub.close()


def print_row(name: str, row: list[int], seconds: float) -> None:
    """One document."""
    operations, scenarios, good, judged, allowed, sent = row
    shares = f"{f'{good} of {judged}':>16} {f'{allowed} of {sent}':>14}"
    print(f"{name:36} {operations:>10} {scenarios:>10} {shares} {seconds:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
