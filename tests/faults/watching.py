"""A page in the eyes of a test: it reads the seconds so far, listens, and opens its stream again when that breaks."""

import contextlib
import json
import socket
import threading
import time

import httpx

RETRY = 1.0


class PageWatcher:
    """Merges timeseries and live messages by second, as static/js/live.js and charts.js do."""

    def __init__(self, url: str, run: int) -> None:
        self.seconds: dict[int, int] = {}
        self.twice: list[int] = []
        self._heard: set[int] = set()
        self.last_message = 0.0
        self._url, self._run = url, run
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._client = httpx.Client(base_url=url, timeout=httpx.Timeout(5, read=25))
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except (httpx.HTTPError, ValueError):
                self._ended.wait(RETRY)

    def _listen(self) -> None:
        params = {"test_history_id": str(self._run)}
        with self._client.stream("GET", "/sse/k6-data", params=params) as response:
            response.raise_for_status()
            self._socket = response.extensions["network_stream"].get_extra_info("socket")
            self._load()
            for line in response.iter_lines():
                if self._ended.is_set():
                    return
                if line.startswith("data:") and line.strip() != "data:":
                    self._take(json.loads(line.removeprefix("data:")))

    def _take(self, message: dict) -> None:
        self.last_message = time.time()
        t = message.get("t")
        if t is None:
            return
        gap = t > max(self.seconds, default=-1) + 1
        if t in self._heard:
            self.twice.append(t)
        self._heard.add(t)
        self.seconds[t] = message["requests"]
        if gap:
            self._load()

    def _load(self) -> None:
        answer = httpx.get(f"{self._url}/test-history/{self._run}/timeseries", timeout=5)
        answer.raise_for_status()
        series = answer.json()
        self.seconds.update(zip(series["t"], series["requests"], strict=True))

    @property
    def complete(self) -> bool:
        """No second is missing between the first and the last."""
        return bool(self.seconds) and sorted(self.seconds) == list(range(len(self.seconds)))

    def close(self) -> None:
        """Stops watching at once, in the middle of waiting for the next message."""
        self._ended.set()
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._client.close()
