"""The last requests as they arrived, where somebody asked to have them kept."""

from collections import deque
from collections.abc import Callable
from typing import Any

MOST_REQUESTS = 20_000
MOST_BYTES = 64 * 1024 * 1024  # of all of them together
BODY = 2048
_LONGEST = 8192  # of a path, a query, or the value of a header


class Recording:
    """Off until it is started. The oldest requests make room for new ones."""

    def __init__(self) -> None:
        self.on = False
        self.most, self.body = MOST_REQUESTS, BODY
        self.reset()

    def reset(self) -> None:
        self.requests: deque[tuple[int, dict[str, Any]]] = deque()
        self.seen = 0
        self._bytes = 0

    def keep(self, scope: Any, key: str, status: int, body: bytes, now: float) -> None:
        """`key`: METHOD /path/{template}; `now`: when it arrived, in seconds since 1970."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            named, text = name.decode("latin-1"), value[:_LONGEST].decode("latin-1")
            headers[named] = f"{headers[named]}, {text}" if named in headers else text
        client = scope.get("client")
        entry = {
            "t": round(now, 6),
            "method": scope["method"],
            "path": scope["path"][:_LONGEST],
            "query": scope["query_string"][:_LONGEST].decode("latin-1"),
            "endpoint": key,
            "status": status,
            "headers": headers,
            "connection": f"{client[0]}:{client[1]}" if client else "",
            "body": body[: self.body].decode("utf-8", "replace"),
            "body_bytes": len(body),
        }
        size = 1024 + sum(map(len, headers.values())) + len(entry["body"]) + len(entry["path"]) + len(entry["query"])
        self.requests.append((size, entry))
        self.seen += 1
        self._bytes += size
        while len(self.requests) > self.most or self._bytes > MOST_BYTES:
            self._bytes -= self.requests.popleft()[0]

    def found(self, wanted: Callable[[dict[str, Any]], bool], first: int, most: int) -> dict[str, Any]:
        """Requests in the order in which they arrived. `count`: all that are `wanted`; `forgotten`: those that had to
        make room, whatever they were."""
        entries = [entry for _size, entry in self.requests if wanted(entry)]
        return {
            "recording": self.on,
            "count": len(entries),
            "forgotten": self.seen - len(self.requests),
            "items": entries[first : first + most],
        }
