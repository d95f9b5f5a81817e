"""What becomes of pushes with one flipped bit: `python -m bench.flipped_pushes [TURNS]` (1,200 of each recorded run).

A push has no checksum, so some that are damaged are taken. Each turn flips a bit of a recorded push, on the wire or in
what it unpacks to, and asks what the address for pushes asks. Counted are those that are refused, that say what they
said before, that say something else, and of these the ones that change a count of the run (requests, failures,
iterations, dropped ones of a scenario), where they come in place of the real push or before it. No clock, no server;
8 CPU seconds.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Sequence

import cramjam

from tests.recorded import RecordedRun, recorded_run, recorded_steps


def main() -> None:
    """Prints the table."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metricvault.settings")
    import django

    django.setup()
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    chance = random.Random(2)
    print(f"{'recorded run':<24} {'refused':>9} {'the same':>9} {'another':>9} {'changes a count':>16}")
    for name, recorded in _RUNS.items():
        refused, same, another, changes = _shares(recorded, turns, chance)
        print(f"{name:<24} {refused:>9} {same:>9} {another:>9} {changes:>16}")


_RUNS = {"three scenarios": recorded_run(), "steps, checks, a rate": recorded_steps()}


def _shares(recorded: RecordedRun, turns: int, chance: random.Random) -> list[str]:
    from history import plausible
    from history.metrics.remote_write import BadPush, Snapshot, decode
    from history.metrics.timeline import Timeline
    from history.models import TestHistory

    def counts(snapshots: Sequence[Snapshot | None]) -> dict[str, tuple[int, ...]]:
        timeline = Timeline()
        for snapshot in filter(None, snapshots):
            timeline.feed(snapshot)
        cells = timeline.totals()
        return {tag: (one.requests, one.failures, one.iterations, one.dropped) for tag, one in cells.items()}

    real = [decode(body) for body in recorded.pushes]
    exact, run, said = counts(real), TestHistory(pk=1), Counter[str]()  # both were recorded as run 1
    first = next(filter(None, real)).moment
    for _turn in range(turns):
        at = chance.randrange(1, len(real) - 1)
        plausible._known[1] = plausible._Known(plausible.names_of(recorded.plan), 1, first, {"1"})
        try:
            snapshot = decode(_flipped(recorded.pushes[at], chance))
            if snapshot is not None:
                plausible.check(run, snapshot, first)
        except BadPush:
            said["refused"] += 1
            continue
        if snapshot is None or snapshot == real[at]:
            said["the same"] += 1
            continue
        said["another"] += 1
        instead, before = [*real[:at], snapshot, *real[at + 1 :]], [*real[:at], snapshot, *real[at:]]
        said["changes a count"] += counts(instead) != exact or counts(before) != exact
    return [f"{said[what] / turns:.1%}" for what in ("refused", "the same", "another", "changes a count")]


def _flipped(body: bytes, chance: random.Random) -> bytes:
    from history.metrics.write_request import unpacked

    def turned(data: bytes) -> bytes:
        at = chance.randrange(len(data) * 8)
        return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]

    return turned(body) if chance.random() < 0.5 else bytes(cramjam.snappy.compress_raw(turned(unpacked(body))))


if __name__ == "__main__":
    main()
