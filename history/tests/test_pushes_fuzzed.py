"""Whatever comes to the address for pushes: no 5xx, bounded memory, and the run's numbers are those of its real pushes.

A push has no checksum (the format has none; TCP and TLS do). A bit that turned over and leaves a push that could be one
is taken for one; how seldom that is, and that nothing worse comes of it, is tested too.
"""

import random
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator

import cramjam
import pytest
from django.contrib.auth.models import User
from google.protobuf.message import DecodeError

from history import plausible
from history.ingest import take
from history.live import feed
from history.metrics import write_request
from history.metrics.remote_write import MAX_PUSH, BadPush, Snapshot, decode
from history.metrics.stores import open_store
from history.metrics.timeline import Timeline
from history.metrics.write_request import WRITE_REQUEST, unpacked
from history.models import TestHistory
from history.states import Status
from history.tests.recorded_history import recorded_rows
from tests.recorded import of_run, recorded_steps

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database_store")]
CENTURY = 3_155_760_000_000  # ms
MB = 1024 * 1024


@pytest.fixture
def run(alice: User) -> Iterator[TestHistory]:
    feed._feeds.clear()
    yield recorded_rows(alice, Status.RUNNING, 0, recorded_steps())
    feed._feeds.clear()


def push(run: TestHistory, body: bytes) -> int:
    return take(run.pk, f"Bearer {run.ingest_token}", body)[0]


def packed(raw: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(raw))


def real(run: TestHistory) -> list[bytes]:
    return [of_run(body, run.pk) for body in recorded_steps().pushes]


def totals(run: TestHistory) -> dict[str, tuple[int, ...]]:
    timeline = Timeline()
    for _cursor, snapshot in open_store().read(run.pk):
        timeline.feed(snapshot)
    cells = timeline.totals()
    return {tag: (cell.requests, cell.failures, cell.iterations, cell.dropped) for tag, cell in cells.items()}


def exact(run: TestHistory) -> dict[str, tuple[int, ...]]:
    timeline = Timeline()
    for body in real(run):
        snapshot = decode(body)
        if snapshot is not None:
            timeline.feed(snapshot)
    cells = timeline.totals()
    return {tag: (cell.requests, cell.failures, cell.iterations, cell.dropped) for tag, cell in cells.items()}


def changed(body: bytes, change: Callable[[object], None]) -> bytes:
    """The push with every series changed."""
    request = WRITE_REQUEST.FromString(unpacked(body))
    for series in request.timeseries:  # type: ignore[attr-defined]
        change(series)
    return packed(request.SerializeToString())


def many(count: int, *, apart: bool) -> bytes:
    """A push with so many labels: in one series, or in as many series."""
    request = WRITE_REQUEST()
    series = None
    for number in range(count):
        if series is None or apart:
            series = request.timeseries.add()  # type: ignore[attr-defined]
        series.labels.add(name=f"l{number}", value="x")
    return packed(request.SerializeToString())


def one_label(value: str) -> bytes:
    request = WRITE_REQUEST()
    request.timeseries.add().labels.add(name="name", value=value)  # type: ignore[attr-defined]
    return packed(request.SerializeToString())


def label(name: str, value: str) -> Callable[..., None]:
    def change(series: object) -> None:
        for one in series.labels:  # type: ignore[attr-defined]
            if one.name == name:
                one.value = value

    return change


def number(value: float) -> Callable[..., None]:
    def change(series: object) -> None:
        for sample in series.samples:  # type: ignore[attr-defined]
            sample.value = value

    return change


def shifted(by: int) -> Callable[..., None]:
    def change(series: object) -> None:
        for point in (*series.samples, *series.histograms):  # type: ignore[attr-defined]
            point.timestamp += by

    return change


def histograms(**values: float) -> Callable[..., None]:
    def change(series: object) -> None:
        for histogram in series.histograms:  # type: ignore[attr-defined]
            for name, value in values.items():
                setattr(histogram, name, value)

    return change


# Packed when they are thrown: every process imports this module.
BOMBS: dict[str, Callable[[], bytes]] = {
    "16 MB of nothing": lambda: packed(b"\0" * 16 * MB),
    "17 MB": lambda: packed(b"\0" * 17 * MB),
    "eight million empty series": lambda: packed(b"\x0a\0" * 8 * MB),
    "a series of labels": lambda: packed(b"\x0a\x80\x80\x80\x04" + b"\x0a\0" * 4 * MB),
    "states 4 GB": lambda: b"\xff\xff\xff\xff\x0f" + b"\0" * 100,
    "states 16 MB and has two bytes": lambda: b"\x80\x80\x80\x07\0\0",
    "states less than it has": lambda: b"\x05" + packed(b"\0" * MB)[3:],
    "100,000 labels": lambda: many(100_000, apart=False),
    "100,000 series": lambda: many(100_000, apart=True),
    "a large body": lambda: b"\0" * (MAX_PUSH + 1),
    "a label of 100 kB": lambda: one_label("x" * 100_000),
}
LIES = {
    "of another run": label("run", "4711"),
    "of no scenario of the run": label("scenario_tag", "s99_other"),
    "of a request that is not sent": label("name", "GET /evil"),
    "of one more load generator": label("instance", "2"),
    "of a load generator without a name": label("instance", "\u202e" * 10),
    "with a status that is none": label("status", "<script>"),
    "infinite": number(float("inf")),
    "less than nothing": number(-1.0),
    "more than can be": number(1e300),
    "a part of one": number(0.5),
    "a century ago": shifted(-CENTURY),
    "in a century": shifted(CENTURY),
    "in ten hours": shifted(36_000_000),
    "before all time": shifted(-(2**62)),
    "counted otherwise than its buckets": histograms(count_int=10**6),
    "counted without an end": histograms(count_int=2**63),
    "a sum that is none": histograms(sum=float("nan")),
    "a sum beyond its buckets": histograms(sum=1e9),
    "a schema of another world": histograms(schema=-(2**31)),
    "a schema as fine as nothing": histograms(schema=2**31 - 1),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(run: TestHistory, what: str) -> None:
    bomb = BOMBS[what]()
    push(run, b"")  # what is made once, is made
    tracemalloc.start()
    status = push(run, bomb)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status in (400, 413)
    assert most < 40 * MB  # at most 16 MB unpacked, and as much to look at it
    assert list(open_store().read(run.pk)) == []


@pytest.mark.parametrize("what", LIES)
def test_what_cannot_be_is_refused(run: TestHistory, what: str) -> None:
    bodies = real(run)
    assert [push(run, body) for body in bodies[:3]] == [204] * 3
    assert push(run, changed(bodies[3], LIES[what])) == 400
    assert [push(run, body) for body in bodies[3:]] == [204] * len(bodies[3:])
    assert totals(run) == exact(run)


def test_nan_is_the_word_for_no_longer_there(run: TestHistory) -> None:
    assert push(run, changed(real(run)[3], number(float("nan")))) == 204


def test_truncated_pushes_change_nothing(run: TestHistory) -> None:
    chance = random.Random(1)
    for body in real(run):
        raw = unpacked(body)
        for _turn in range(20):
            assert push(run, body[: chance.randrange(len(body))]) == 400
            cut = packed(raw[: chance.randrange(1, len(raw))])
            if _parses(cut):  # it was cut between two series: a push that says less
                continue
            assert push(run, cut) == 400
        assert push(run, body) == 204
    assert totals(run) == exact(run)


def _parses(body: bytes) -> bool:
    try:
        return bool(WRITE_REQUEST.FromString(unpacked(body)))
    except (DecodeError, BadPush):
        return False


def test_noise_changes_nothing(run: TestHistory) -> None:
    chance = random.Random(2)
    for body in real(run):
        for _turn in range(10):
            noise = chance.randbytes(chance.randrange(2000))
            assert push(run, noise) == 400
            # A body of noise may be packed well, and may even be of fields that nobody asks for.
            assert push(run, packed(noise)) in (204, 400)
        assert push(run, body) == 204
    assert totals(run) == exact(run)


def flipped(body: bytes, chance: random.Random) -> bytes:
    """With one bit turned over: of what is on the wire, or of what it unpacks to."""

    def turned(data: bytes) -> bytes:
        at = chance.randrange(len(data) * 8)
        return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]

    return turned(body) if chance.random() < 0.5 else packed(turned(unpacked(body)))


def test_flipped_bits_are_no_5xx_and_seldom_change_a_number(run: TestHistory) -> None:
    """A push with such a bit is refused, or says what it said before, or what could have been. k6's own summary is the
    second witness for that: where it differs from what was stored, the result says so."""
    chance, said = random.Random(3), Counter[str]()
    bodies = real(run)
    known = [decode(body) for body in bodies]
    for body in bodies[:3]:
        assert push(run, body) == 204
    for _turn in range(400):
        at = chance.randrange(3, len(bodies) - 1)
        body = flipped(bodies[at], chance)
        snapshot = _taken(run, body)
        said["refused" if snapshot is None else "the same" if snapshot == known[at] else "another"] += 1
    assert said["another"] <= 0.08 * said.total(), said
    assert said["refused"] >= 0.3 * said.total(), said
    for _turn in range(30):  # and through the whole way in
        assert push(run, flipped(bodies[chance.randrange(3, len(bodies) - 1)], chance)) in (204, 400)


def _taken(run: TestHistory, body: bytes) -> Snapshot | None:
    try:
        snapshot = decode(body)
        if snapshot is not None:
            plausible.check(run, snapshot, snapshot.moment)
    except BadPush:
        return None
    return snapshot


# The attacks once more, with their guards taken away: then they succeed.


def test_without_its_guard_a_bomb_is_unpacked(run: TestHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_request, "MAX_UNPACKED", 2**40)
    tracemalloc.start()
    push(run, packed(b"\x0a\0" * 20 * MB))
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most > 40 * MB


def test_without_its_guard_any_number_of_series_is_taken(run: TestHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    body = many(25_000, apart=True)
    assert push(run, body) == 400
    monkeypatch.setattr(write_request, "MAX_SERIES", 10**9)
    assert push(run, body) == 204


def test_without_its_guard_another_run_is_believed(run: TestHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plausible, "check", lambda *asked: None)
    bodies = real(run)
    lie = changed(bodies[3], label("instance", "2"))
    assert [push(run, body) for body in (*bodies[:4], lie, *bodies[4:])] == [204] * (len(bodies) + 1)
    assert totals(run) != exact(run)
