"""Reads a document from an address that a user names, without becoming a tool against the inner network.

The host name is resolved here, every address is checked, and the connection goes to the address that was
checked (a second look-up might answer otherwise). The same holds after each redirect. Nothing of Django.
"""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from projects.openapi import MAX_BYTES
from projects.openapi.read import too_large
from projects.openapi.wording import Sentence, gettext_noop, quote

MAX_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 3
_ACCEPT = "application/json, application/yaml, application/vnd.oai.openapi, text/yaml, */*;q=0.5"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered: `url` is the last one after redirects."""

    data: bytes
    charset: str
    content_type: str
    url: str


class FetchError(Exception):
    """The address did not give a document. `sentence` says why and what to do."""

    def __init__(self, template: str, **values: object) -> None:
        kept = {name: value if isinstance(value, int) else quote(value) for name, value in values.items()}
        self.sentence = Sentence(template, kept)
        super().__init__(str(self.sentence))


class AddressRefused(FetchError):
    """The address is not one this server may read."""


def fetch(url: str, *, allow_private: bool, resolve: Resolver | None = None, seconds: float = MAX_SECONDS) -> Fetched:
    """GETs `url`: at most `MAX_BYTES`, `seconds` in all, `MAX_REDIRECTS` redirects.

    Raises `AddressRefused`, `FetchError`, or `DocumentTooLarge` from the reader.
    """
    backend = _CheckedBackend(allow_private, resolve or _resolve, time.monotonic() + seconds)
    transport = _Transport(backend)
    address = checked_url(url)
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=CONNECT_SECONDS) as client:
            for _ in range(MAX_REDIRECTS + 1):
                answer = _get(client, address, backend.deadline)
                if isinstance(answer, Fetched):
                    return answer
                address = answer
    except (httpcore.TimeoutException, TimeoutError):
        raise FetchError(
            gettext_noop(
                "The document could not be read: %(host)s did not answer in time. "
                "Check the address, or upload the file."
            ),
            host=address.host,
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError) as error:
        raise _no_connection(error, address) from None
    raise FetchError(
        gettext_noop(
            "The document could not be read: %(host)s redirects more than %(count)d times. Import the last address."
        ),
        host=address.host,
        count=MAX_REDIRECTS,
    )


def checked_url(url: str) -> httpx.URL:
    """`url` as an http or https address with a host, or `AddressRefused`."""
    try:
        address = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise AddressRefused(
            gettext_noop("“%(url)s” is not an address that can be read. Write it with http:// or https:// in front."),
            url=url,
        )
    return address.copy_with(fragment=None)


def _get(client: httpx.Client, address: httpx.URL, deadline: float) -> Fetched | httpx.URL:
    with client.stream("GET", address, headers={"Accept": _ACCEPT, "User-Agent": "MetricVault"}) as response:
        if response.is_redirect and "location" in response.headers:
            return checked_url(str(address.join(response.headers["location"])))
        if response.status_code != 200:
            raise _wrong_status(response.status_code, address)
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > MAX_BYTES:
                raise too_large()
            if time.monotonic() > deadline:
                raise TimeoutError
        shown = address.copy_with(username=None, password=None)
        content_type = response.headers.get("content-type", "")
        return Fetched(bytes(data), response.charset_encoding or "", content_type, str(shown))


def _wrong_status(status: int, address: httpx.URL) -> FetchError:
    if status in (401, 403):
        return FetchError(
            gettext_noop(
                "The document could not be read: %(host)s asks for a login (status %(status)d). "
                "Upload the file instead."
            ),
            host=address.host,
            status=status,
        )
    return FetchError(
        gettext_noop(
            "The document could not be read: %(host)s answered with status %(status)d. "
            "Check the address, or upload the file."
        ),
        host=address.host,
        status=status,
    )


def _no_connection(error: Exception, address: httpx.URL) -> FetchError:
    host = address.netloc.decode("ascii", "replace").rpartition("@")[2]
    if isinstance(error, socket.gaierror):
        return FetchError(
            gettext_noop(
                "The document could not be read: no server is called %(host)s. Check the address, or upload the file."
            ),
            host=host,
        )
    reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
    if reason == "Connection refused":
        return FetchError(
            gettext_noop(
                "The document could not be read: nothing answers at %(host)s. "
                "Check the address and whether the server runs, or upload the file."
            ),
            host=host,
        )
    return FetchError(
        gettext_noop(
            "The document could not be read: no connection to %(host)s (%(reason)s). "
            "Check the address, or upload the file."
        ),
        host=host,
        reason=reason,
    )


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not loopback, private, link-local (where clouds keep
    their metadata), shared, reserved or multicast, also when wrapped in an IPv6 address."""
    ip: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class _CheckedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only, and lets none outlive the deadline."""

    def __init__(self, allow_private: bool, resolve: Resolver, deadline: float) -> None:
        self._inner = httpcore.SyncBackend()
        self._allow_private = allow_private
        self._resolve = resolve
        self.deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise AddressRefused(
                gettext_noop(
                    "%(host)s is an address of this machine or of an inner network. This server does not read such "
                    "addresses: upload the file, or ask the administrator to set METRICVAULT_IMPORT_PRIVATE."
                ),
                host=host,
            )
        problem: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                left = _left(self.deadline, timeout)
                return _Stream(
                    self._inner.connect_tcp(address, port, left, local_address, socket_options), self.deadline
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends before the deadline: a server that drips bytes holds nobody up."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left if timeout is None else min(left, timeout)


class _Transport(httpx.BaseTransport):
    """httpx over a connection pool with our backend; httpx's own transport lets no backend be chosen."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
