"""`python -m bench.cluster_failures [NAME …]`: what a cluster can do to a run, provoked one after another on the test
cluster (`make cluster`), and what the product says of it: sentence, state, seconds until it can be read."""

import secrets
import sys
import tempfile
from pathlib import Path

from tests.cluster import attach
from tests.cluster.provoking import FAILURES, provoke


def main() -> int:
    """1 where something was not said, or a request not counted."""
    cluster = attach()
    if cluster is None:
        print("No cluster runs here: make cluster")
        return 2
    wanted = sys.argv[1:]
    bad = 0
    print(f"{'failure':<28} {'said after':>10}  {'end':<18} {'sent':>6} {'stored':>6}  sentence")
    for failure in FAILURES:
        if wanted and not any(word in failure.name for word in wanted):
            continue
        namespace = cluster.new_namespace(f"failures-{secrets.token_hex(3)}")
        with tempfile.TemporaryDirectory() as folder:
            seen = provoke(cluster, namespace, Path(folder), failure)
        cluster.repair()
        cluster.delete_namespace(namespace)
        good = failure.code in seen.codes and (seen.status, seen.outcome) in failure.ends and seen.all_counted
        bad += not good
        end = f"{seen.status}, {seen.outcome or '-'}"
        counts = f"{seen.sent:>6} {seen.stored:>6}"
        said = seen.sentence or f"NOT SAID: {seen.codes}"
        print(f"{seen.name:<28} {seen.seconds:>8.1f} s  {end:<18} {counts}  {said}")
        print(f"{'':<28} {seen.event[:200]}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
