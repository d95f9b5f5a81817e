"""What the shop received second by second. One thread, one event loop: plain integers are exact."""

from dataclasses import dataclass, field
from typing import Any

MOST_SECONDS = 4 * 3600  # the oldest are forgotten
MOST_CONNECTIONS = 100_000  # distinct ones that are told apart within a second


@dataclass(slots=True)
class Second:
    """`concurrent`: the most requests that were being answered at one moment. `connections`: how many sent a request;
    k6 gives each virtual user its own, so these are the users at work."""

    requests: dict[str, int] = field(default_factory=dict)
    concurrent: int = 0
    connections: int = 0


class Seconds:
    """`concurrent`: requests that are being answered now; a reset keeps those, and forgets everything else."""

    def __init__(self) -> None:
        self.concurrent = 0
        self.reset()

    def reset(self) -> None:
        self.highest = self.concurrent
        self._seconds: dict[int, Second] = {}
        self._number = 0
        self._second = Second()
        self._connections: set[Any] = set()

    def arrived(self, key: str, connection: object, now: float) -> None:
        """`key`: METHOD /path/{template}; `connection`: where the caller's end of it is; `now`: since 1970."""
        if int(now) != self._number:
            self._begin(int(now))
        second = self._second
        second.requests[key] = second.requests.get(key, 0) + 1
        self.concurrent += 1
        if self.concurrent > second.concurrent:
            second.concurrent = self.concurrent
            if self.concurrent > self.highest:
                self.highest = self.concurrent
        if len(self._connections) < MOST_CONNECTIONS:
            self._connections.add(connection)

    def left(self, now: float) -> None:
        if int(now) != self._number:
            self._begin(int(now))
        self.concurrent -= 1

    def _begin(self, number: int) -> None:
        """A second begins with the requests that the one before left unanswered, also one in which nothing happens."""
        self._second.connections = len(self._connections)
        self._connections.clear()
        first = max(self._number + 1, number - MOST_SECONDS) if self._seconds and self.concurrent else number
        for quiet in range(min(first, number), number):
            self._seconds[quiet] = Second(concurrent=self.concurrent)
        self._number = number
        # A clock that was set back goes on with the second that is there.
        self._second = self._seconds.setdefault(number, Second())
        self._second.concurrent = max(self._second.concurrent, self.concurrent)
        while len(self._seconds) > MOST_SECONDS:
            del self._seconds[next(iter(self._seconds))]

    def as_dict(self) -> dict[str, Any]:
        """Columns over the seconds in which something happened: `seconds` since 1970, and one value for each."""
        self._second.connections = max(self._second.connections, len(self._connections))
        keys = {key for second in self._seconds.values() for key in second.requests}
        rows = sorted(self._seconds.items())
        return {
            "seconds": [number for number, _second in rows],
            "requests": {key: [second.requests.get(key, 0) for _number, second in rows] for key in sorted(keys)},
            "concurrent": [second.concurrent for _number, second in rows],
            "connections": [second.connections for _number, second in rows],
            "highest_concurrent": self.highest,
        }
