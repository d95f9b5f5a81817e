"""One InfluxDB server and database, by its 1.x API: the only module that imports the client."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError, InfluxDBServerError
from requests.exceptions import RequestException, Timeout

from history.metrics.stores.base import StoreError

logger = logging.getLogger(__name__)
T = TypeVar("T")
# Asking again with the same words gets the same answer: malformed, no login, not allowed, too large.
_PERMANENT = {400, 401, 403, 413}
_REFUSED = (InfluxDBClientError, InfluxDBServerError)
_NO_USERS = "create admin user first"
_CONNECTIONS = 40  # kept open; as many threads as a web process has


@dataclass(frozen=True, slots=True)
class InfluxOptions:
    """Where the server is, and how many days it keeps what (0: for ever). `connect` and `answer`: seconds to wait
    at most."""

    host: str
    port: int
    database: str
    user: str = ""
    password: str = ""
    ssl: bool = False
    snapshot_days: int = 14
    second_days: int = 730
    connect: float = 2.0
    answer: float = 5.0


class InfluxServer:
    """Writes, reads and prepares one database; every failure is a `StoreError`.

    `policies`: retention policies by name, with the days they keep (0: for ever).
    """

    def __init__(self, options: InfluxOptions, policies: Mapping[str, int]) -> None:
        self._options = options
        self._policies = policies
        self._prepared = False
        self._lock = threading.Lock()
        self._client = InfluxDBClient(
            options.host,
            options.port,
            options.user or None,
            options.password or None,
            options.database,
            ssl=options.ssl,
            verify_ssl=options.ssl,
            timeout=(options.connect, options.answer),
            retries=1,
            pool_size=_CONNECTIONS,
        )

    def write(self, lines: list[str], policy: str) -> None:
        """Writes points in line protocol, their times in nanoseconds."""
        target = {"db": self._options.database, "rp": policy, "precision": "ns"}
        with self._told("take the points"):
            self._prepared_for(lambda: self._client.write(lines, target, protocol="line"))

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """The rows of a SELECT by column; `time` in nanoseconds. Floating point comes to the last digit (msgpack)."""
        with self._told("give the points"):
            found = self._prepared_for(lambda: self._ask(query))
        for series in found.get("series", []):
            for values in series["values"]:
                yield dict(zip(series["columns"], values, strict=True))

    def command(self, statement: str) -> None:
        """A statement that changes something."""
        with self._told("do as it was told"):
            self._prepared_for(lambda: self._do(statement))

    def prepare(self) -> None:
        """Makes the database and the retention policies where they are missing; once more changes nothing."""
        with self._told("get ready"), self._lock:
            self._prepare()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, query: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.query(query, epoch="ns").raw
        return found

    def _do(self, statement: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.query(statement, method="POST").raw
        return found

    def _prepared_for(self, call: Callable[[], T]) -> T:
        """`call` with everything there: somebody may have dropped the database, or the server came up empty."""
        if not self._prepared:
            with self._lock:
                if not self._prepared:
                    self._prepare()
        try:
            return call()
        except _REFUSED as error:
            if "not found" not in str(error):
                raise
        with self._lock:
            self._prepare()
        return call()

    def _prepare(self) -> None:
        database = f'"{self._options.database}"'
        known = self._known_policies(database)
        if known is None:
            self._do(f"CREATE DATABASE {database}")
            known = {}
        for name, days in self._policies.items():
            length, shown = (f"{days}d", f"{days * 24}h0m0s") if days else ("INF", "0s")
            if name not in known:
                self._do(f'CREATE RETENTION POLICY "{name}" ON {database} DURATION {length} REPLICATION 1')
            elif known[name] != shown:
                self._alter(f'ALTER RETENTION POLICY "{name}" ON {database} DURATION {length}')
        self._prepared = True

    def _known_policies(self, database: str) -> dict[str, str] | None:
        """Retention policies and their lengths; None where there is no such database. A server that wants logins and
        has no users yet gets ours, as its administrator: nobody else is there to make one."""
        try:
            found = self._ask(f"SHOW RETENTION POLICIES ON {database}")
        except InfluxDBClientError as error:
            if "not found" in str(error):
                return None
            if not (_NO_USERS in str(error) and self._options.user):
                raise
            self._client.create_user(self._options.user, self._options.password, admin=True)
            return self._known_policies(database)
        rows = (row for series in found.get("series", []) for row in series.get("values", []))
        return {row[0]: row[1] for row in rows}

    def _alter(self, statement: str) -> None:
        """A policy of another length works as well, so this is no reason to stop."""
        try:
            self._do(statement)
        except _REFUSED as error:
            logger.warning("InfluxDB refused %s: %s", statement, error)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Failures in words that an administrator understands, without anything secret."""
        where = f"InfluxDB at {self._options.host}:{self._options.port} did not {what}"
        try:
            yield
        except InfluxDBClientError as error:
            raise StoreError(f"{where}: {error}", permanent=error.code in _PERMANENT) from error
        except InfluxDBServerError as error:
            raise StoreError(f"{where}: {error}") from error
        except Timeout as error:
            raise StoreError(f"{where} in time.") from error
        except (RequestException, OSError, ValueError) as error:
            raise StoreError(f"{where}: it cannot be reached ({type(error).__name__}).") from error
