"""How long the page of a long audit takes: `python -m bench.audit [ENTRIES] [FOLDER]` prints one table.

200,000 entries of 40 people in 20 projects, in a database of their own (of `DATABASE_URL` where that is given; else in
a new folder, or in FOLDER, which is kept). Each page is asked for as an administrator would, 9 times, through the whole
of Django in this process: the median in milliseconds of the clock and of the processor (on a busy machine the clock
counts the others, too), queries, kilobytes of the answer; the CSV once.
"""

import logging
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from bench.filled import measured

ENTRIES, TIMES = 200_000, 9
MOST_MS, MOST_QUERIES = 500, 15


def main() -> int:
    """Prints the table; 1 where a page takes longer, or asks the database more often, than it may."""

    def exists() -> bool:
        from projects.models import AuditEntry

        return AuditEntry.objects.exists()

    return measured("entries", ENTRIES, exists, make, measure)


def make(count: int) -> None:
    """Fills an empty database; the same each time."""
    from django.contrib.auth.models import User

    from projects.models import AuditEntry, Project

    User.objects.create_superuser("administrator")
    people = [User.objects.create_user(f"person{number}") for number in range(40)]
    projects = [Project.objects.create(title=f"Project {number}", owner=people[number]) for number in range(20)]
    entries = _entries(count, people, projects)
    while part := list(islice(entries, 2_000)):
        AuditEntry.objects.bulk_create(part)


def _entries(count: int, people: list[Any], projects: list[Any]) -> Iterator[Any]:
    from django.utils import timezone

    from projects.models import AuditEntry

    seeded, now = random.Random(7), timezone.now()
    actions, ways = AuditEntry.Action.values, AuditEntry.Way.values
    for number in range(count):
        person, project = seeded.choice(people), seeded.choice(projects)
        yield AuditEntry(
            at=now - timedelta(seconds=150 * (count - number)),
            action=seeded.choice(actions),
            way=seeded.choice(ways),
            actor=person,
            actor_name=person.username,
            address=f"10.0.{number % 7}.{number % 250}",
            request_id=f"{number:012x}",
            kind=seeded.choice(("plan", "testhistory", "environment", "project")),
            object_id=str(number % 3_000),
            object_name=f"Object {number % 3_000}",
            project=project,
            project_title=project.title,
            before={"title": f"Evening {number}", "scenario 7: stages": "30s at 5"},
            after={"title": f"Evening {number + 1}", "scenario 7: stages": "30s at 50"},
            detail="in the builder, since 14:02:11 UTC",
        )


def measure() -> int:
    """The table."""
    from django.contrib.auth.models import User
    from django.test import Client

    from projects.models import AuditEntry, Project

    logging.disable(logging.WARNING)
    page, owner = Client(headers={"host": "localhost"}), Client(headers={"host": "localhost"})
    project = Project.objects.order_by("pk")[0]
    page.force_login(User.objects.get(username="administrator"))
    owner.force_login(User.objects.get(pk=project.owner_id))
    oldest = AuditEntry.objects.order_by("pk").values_list("pk", flat=True)[0]
    since = f"{AuditEntry.objects.get(pk=oldest + 100).at:%Y-%m-%d}"
    asked = {
        "newest": (page, "/audit/"),
        "oldest": (page, f"/audit/?before={oldest + 60}"),
        "person and action": (page, "/audit/?person=person7&action=exported"),
        "nobody's": (page, "/audit/?person=nobody"),
        "a word that is rare": (page, "/audit/?q=00000000002a"),
        "words that are nowhere": (page, "/audit/?q=nothing+like+it"),
        "an old day": (page, f"/audit/?until={since}"),
        "of a project": (owner, f"/projects/{project.pk}/audit"),
        "by the API": (page, "/audit?limit=50&offset=1000"),
    }
    print(f"{'page':<24}{'ms':>8}{'processor':>11}{'queries':>9}{'kB':>7}")
    slow = [name for name, (client, address) in asked.items() if not _measured(name, client, address)]
    began, worked = time.perf_counter(), time.process_time()
    answer: Any = page.get("/audit/audit.csv")
    size = sum(len(part) for part in answer.streaming_content)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    print(f"\nCSV of everything: {took:.1f} s ({worked:.1f} of the processor), {size / 1e6:.0f} MB")
    return 1 if slow else 0


def _measured(name: str, client: Any, address: str) -> bool:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times = []
    with CaptureQueriesContext(connection) as seen:
        size = len(client.get(address, headers={"accept": "text/html"}).content)
        queries = len(seen)
    for _time in range(TIMES):
        began, worked = time.perf_counter(), time.process_time()
        client.get(address, headers={"accept": "text/html"})
        times.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
    clock, processor = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{name:<24}{clock:>8.0f}{processor:>11.0f}{queries:>9}{size / 1000:>7.0f}")
    return min(clock, processor) <= MOST_MS and queries <= MOST_QUERIES


if __name__ == "__main__":
    sys.exit(main())
