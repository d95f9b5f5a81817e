"""How much machine it takes: `python -m bench.sizing [SECONDS]` prints three tables, of a copy of its own on loopback.

Memory of each process at rest and under load; what k6 takes for its users; what a run leaves in the database. CPU is
counted by process, so who else uses the machine shows in times only, of which there are none here. Many live pages are
`bench.viewers`' matter.
"""

import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.product import Product, running_product

WORDS = {"web": "uvicorn", "worker": "celery", "beat": "beat", "redis": "redis-server"}
MB = 2**20


def memory(product: Product) -> dict[str, float]:
    """MB by program; of pages that processes share each has its part (PSS)."""
    found = {}
    for name, word in WORDS.items():
        processes = product.processes(word)
        if name == "worker":
            processes = [one for one in processes if "worker" in one.cmdline()]
        if name == "beat":
            processes = [one for one in processes if "beat" in one.cmdline()]
        found[name] = sum(one.memory_full_info().pss for one in processes) / MB
    return found


class K6(threading.Thread):
    """The k6 of a run, looked at until it ends: its most memory in MB, its CPU seconds."""

    def __init__(self, product: Product) -> None:
        super().__init__(daemon=True)
        self.product, self.over = product, threading.Event()
        self.memory, self.cpu = 0.0, 0.0

    def run(self) -> None:
        while not self.over.wait(0.2):
            for process in self.product.processes("k6"):
                try:
                    if Path(process.exe()).name == "k6":
                        self.memory = max(self.memory, process.memory_info().rss / MB)
                        self.cpu = max(self.cpu, sum(process.cpu_times()[:2]))
                except psutil.Error:
                    continue


@contextmanager
def watched(product: Product) -> Iterator[K6]:
    watcher = K6(product)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.over.set()
        watcher.join()


def scenario(endpoint: dict[str, Any], users: int, seconds: float, think: float) -> dict[str, Any]:
    return {
        "name": f"{endpoint['method']} {endpoint['path']}",
        "endpoint_id": endpoint["id"],
        "executor": "constant-vus",
        "think_time": think,
        "stages": [{"duration": seconds, "target": users}],
    }


def stored(product: Product) -> tuple[int, int]:
    """Bytes of the database, and of the raw pushes in it, which go after METRICVAULT_SNAPSHOT_DAYS."""
    with closing(sqlite3.connect(product.data_dir / "metricvault.sqlite3")) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, size, free = (
            opened.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size", "freelist_count")
        )
        columns = [row[1] for row in opened.execute("PRAGMA table_info(metric_snapshot)")]
        lengths = " + ".join(f"coalesce(length({name}), 0)" for name in columns)
        raw = opened.execute(f"SELECT coalesce(sum({lengths}), 0) FROM metric_snapshot").fetchone()[0]
    return (pages - free) * size, int(raw)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row in (head, tuple("---" for _ in head), *rows):
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def main() -> None:
    """Prints the tables."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder) / "data") as product:
        endpoints = product.imported_demo("Sizing")
        page = endpoints["GET /products"]
        time.sleep(5)
        rest = memory(product)
        rows = []
        for users, think in ((10, 0.0), (100, 1.0), (400, 1.0), (1000, 2.0)):
            with watched(product) as k6:
                found = product.wait(product.start(f"{users}", [scenario(page, users, 15, think)]), within=90)
            requests = found["total_requests"]
            per_core = requests / k6.cpu if k6.cpu else 0.0
            rows.append((f"{users}", f"{think:g} s", f"{requests / 15:.0f}", f"{per_core:.0f}", f"{k6.memory:.0f} MB"))
        before = stored(product)
        three = [endpoints[name] for name in ("GET /products", "GET /products/{product_id}", "GET /orders")]
        with watched(product):
            run = product.start("Growth", [scenario(one, 3, seconds, 0.5) for one in three])
            time.sleep(seconds / 2)
            busy = memory(product)
            product.wait(run, within=seconds + 90)
        after = stored(product)
        hourly = [(now - then) * 3600 / seconds / MB for now, then in zip(after, before, strict=True)]
    head = ("process", "at rest", "in a run")
    table(head, [(name, f"{rest[name]:.0f} MB", f"{busy[name]:.0f} MB") for name in WORDS])
    table(("users", "think time", "requests/s", "requests for each CPU second of k6", "k6's memory"), rows)
    print(f"A run of {seconds:g} s with 3 scenarios: {hourly[0]:.1f} MB an hour, {hourly[1]:.1f} MB of it raw pushes.")


if __name__ == "__main__":
    main()
