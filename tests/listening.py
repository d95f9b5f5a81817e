"""A plain listener to `/sse/k6-data`, as an EventSource would be."""

import contextlib
import json
import socket
import threading
import time
from typing import Any

import httpx


class Listener:
    """Collects the messages of a stream in a thread; `messages` are (time of arrival, message)."""

    def __init__(self, url: str, run: int | None = None) -> None:
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self.was_ended = False  # by the product, in order
        self._client = httpx.Client(base_url=url, timeout=httpx.Timeout(10, read=30))
        self._params = {"test_history_id": str(run)} if run is not None else {}
        self._opened = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._opened.wait(10), "the stream did not open"

    def _listen(self) -> None:
        try:
            with self._client.stream("GET", "/sse/k6-data", params=self._params) as response:
                event = ""
                self._socket = response.extensions["network_stream"].get_extra_info("socket")
                for line in response.iter_lines():
                    self._opened.set()
                    if line.startswith("event:"):
                        event = line.removeprefix("event:").strip()
                    elif line.startswith("data:") and event in {"", "message"}:
                        self.messages.append((time.time(), json.loads(line.removeprefix("data:"))))
            self.was_ended = True
        except httpx.HTTPError:
            return  # closed, by us or by the product's end

    def seconds(self, run: int) -> list[dict[str, Any]]:
        """The messages of a run that tell a second."""
        return [one for _at, one in self.messages if one["test_history_id"] == run and one["t"] is not None]

    def wait_for_status(self, runs: list[int], status: str, within: float = 10) -> None:
        """Until each of the runs was said to have that status."""
        end = time.monotonic() + within
        while not set(runs) <= {one["test_history_id"] for _at, one in self.messages if one["status"] == status}:
            assert time.monotonic() < end, f"not heard of: {status}"
            time.sleep(0.05)

    def wait_for_end(self) -> None:
        """Until the stream is over, whoever ended it."""
        self._thread.join(20)
        assert not self._thread.is_alive(), "the stream goes on"

    def close(self) -> None:
        """Ends the stream at once, in the middle of waiting for the next message."""
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._client.close()
