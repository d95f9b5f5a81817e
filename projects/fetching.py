"""Reads a document from an address that a user names, without becoming a tool against the inner network.

The host name is resolved here, every address is checked, and the connection goes to the address that was
checked (a second look-up might answer otherwise). The same holds after each redirect. Nothing of Django.
"""

import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from projects.addresses import Resolver, is_never_read, is_public, look_up, look_up_before, without_login
from projects.openapi import MAX_BYTES
from projects.openapi.read import too_large
from projects.openapi.wording import Sentence, gettext_noop, quote
from projects.secret_headers import SecretHeaders

MAX_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 3
MOST_ANSWER = 256 * 1024  # of a POST
_ACCEPT = "application/json, application/yaml, application/vnd.oai.openapi, text/yaml, */*;q=0.5"
_CHUNK = 64 * 1024

Progress = Callable[[int], None]  # is told how many bytes are there


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


def fetch(
    url: str,
    *,
    allow_private: bool,
    secret: SecretHeaders | None = None,
    resolve: Resolver | None = None,
    seconds: float = MAX_SECONDS,
    progress: Progress | None = None,
) -> Fetched:
    """GETs `url`: at most `MAX_BYTES`, `seconds` in all, `MAX_REDIRECTS` redirects.

    Raises `AddressRefused`, `FetchError`, or `DocumentTooLarge` from the reader.
    """
    backend = _CheckedBackend(allow_private, resolve or look_up, time.monotonic() + seconds)
    transport = _Transport(backend)
    address = checked_url(url)
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=CONNECT_SECONDS) as client:
            for _ in range(MAX_REDIRECTS + 1):
                answer = _get(client, address, backend.deadline, secret, progress)
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


def post_form(
    url: str,
    form: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    seconds: float,
    verify: bool = True,
    resolve: Resolver | None = None,
) -> tuple[int, bytes]:
    """POSTs a form to `url` and answers status and body, without following a redirect: for what a load test needs
    besides its load, so inner networks are fine, the addresses at which clouds keep keys are not. `verify`: the
    certificate; `resolve`: who knows where the name leads. Raises `AddressRefused`, or `FetchError` whose words are
    those of `fetch`; nothing quotes the form."""
    address = checked_url(url)
    transport = _Transport(_CheckedBackend(True, resolve or look_up, time.monotonic() + seconds), verify)
    try:
        with (
            httpx.Client(transport=transport, trust_env=False, timeout=seconds) as client,
            client.stream("POST", address, data=dict(form), headers=dict(headers)) as response,
        ):
            data = bytearray()
            for chunk in _unpacked(response):
                data += chunk
                if len(data) > MOST_ANSWER:
                    break
            return response.status_code, bytes(data)
    except (httpcore.TimeoutException, TimeoutError):
        raise FetchError(gettext_noop("%(host)s did not answer in time."), host=address.host) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError):
        raise FetchError(gettext_noop("There is no connection to %(host)s."), host=address.host) from None


def checked_url(url: str) -> httpx.URL:
    """`url` as an http or https address with a host, or `AddressRefused`."""
    try:
        address = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise AddressRefused(
            gettext_noop("“%(url)s” is not an address that can be read. Write it with http:// or https:// in front."),
            url=without_login(url),
        )
    return address.copy_with(fragment=None)


def _origin(address: httpx.URL) -> str:
    port = address.port or {"http": 80, "https": 443}.get(address.scheme, 0)
    return f"{address.scheme}://{address.host.strip('[]').lower()}:{port}"


def _origin_before_https(address: httpx.URL) -> str:
    """Where a server sends people from when it answers by https only."""
    if address.scheme != "https" or address.port is not None:
        return ""
    return _origin(address.copy_with(scheme="http"))


def _get(
    client: httpx.Client,
    address: httpx.URL,
    deadline: float,
    secret: SecretHeaders | None,
    progress: Progress | None,
) -> Fetched | httpx.URL:
    own = secret.for_origins(_origin(address), _origin_before_https(address)) if secret else []
    headers = [("Accept", _ACCEPT), ("User-Agent", "MetricVault"), ("Accept-Encoding", "gzip, deflate")]
    names = {name.lower() for name, _value in own}
    headers = [pair for pair in headers if pair[0].lower() not in names] + own
    with client.stream("GET", address, headers=headers) as response:
        if response.is_redirect and "location" in response.headers:
            return checked_url(str(address.join(response.headers["location"])))
        if response.status_code != 200:
            raise _wrong_status(response.status_code, address)
        data = bytearray()
        for chunk in _unpacked(response):
            data += chunk
            if len(data) > MAX_BYTES:
                raise too_large()
            if time.monotonic() > deadline:
                raise TimeoutError
            if progress:
                progress(len(data))
        shown = address.copy_with(username=None, password=None)
        content_type = response.headers.get("content-type", "")
        return Fetched(bytes(data), response.charset_encoding or "", content_type, str(shown))


def _unpacked(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces of a known size. httpx unpacks a piece whole, and pieces of packed pieces: 64 KB become GB."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_raw(_CHUNK)
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(
            gettext_noop(
                "The document could not be read: %(host)s packs it in a way that was not asked for (%(kind)s). "
                "Upload the file instead."
            ),
            host=response.url.host,
            kind=encoding,
        )
    unpacking = zlib.decompressobj(47 if "gzip" in encoding else zlib.MAX_WBITS)
    try:
        for raw in response.iter_raw(_CHUNK):
            rest = raw
            while rest and not unpacking.eof:
                yield unpacking.decompress(rest, _CHUNK)
                rest = unpacking.unconsumed_tail
        yield unpacking.flush()
    except zlib.error:
        raise FetchError(
            gettext_noop("The document could not be read: what %(host)s sends is not packed as it says."),
            host=response.url.host,
        ) from None


def _wrong_status(status: int, address: httpx.URL) -> FetchError:
    if status in (401, 403):
        return FetchError(
            gettext_noop(
                "The document could not be read: %(host)s asks for a login (status %(status)d). "
                "Give the request headers that it wants, or upload the file."
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
        addresses = look_up_before(_left(self.deadline, CONNECT_SECONDS), self._resolve, host, port)
        if any(is_never_read(address) for address in addresses):
            raise AddressRefused(
                gettext_noop(
                    "%(host)s is an address at which clouds keep the keys of their machines. It is never read: "
                    "upload the file."
                ),
                host=host,
            )
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

    def __init__(self, backend: httpcore.NetworkBackend, verify: bool = True) -> None:
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.read(),
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
