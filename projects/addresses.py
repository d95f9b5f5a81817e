"""Which addresses this server may read: names are resolved here, and every address is judged. No clients."""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_USERINFO = re.compile(r"//[^/?#]*@")
# Where clouds answer every program on a machine with its keys: AWS, Google and Azure (link-local), Alibaba, Oracle,
# Azure's wire server. Nobody keeps an API document there, whatever the settings allow.
_METADATA = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200/32", "192.0.0.192/32",
        "168.63.129.16/32",
    )
)  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host name, each once. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def look_up_before(seconds: float, resolve: Resolver, host: str, port: int) -> list[str]:
    """What `resolve` finds. It cannot be told when to end, so it is waited for no longer than there is time; raises
    TimeoutError then."""
    found: list[list[str] | BaseException] = []

    def ask() -> None:
        try:
            found.append(resolve(host, port))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not loopback, private, link-local (where clouds keep
    their metadata), shared, reserved or multicast, also when wrapped in an IPv6 address."""
    ip = _unwrapped(address)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not _is_metadata(ip)


def is_never_read(address: str) -> bool:
    """Whether an IP address is one where clouds keep the keys of their machines, or where nothing can be read."""
    ip = _unwrapped(address)
    return _is_metadata(ip) or ip.is_multicast or (ip.is_reserved and not ip.is_loopback)


def _is_metadata(ip: Address) -> bool:
    return any(ip in network for network in _METADATA if network.version == ip.version)


def _unwrapped(address: str) -> Address:
    ip: Address = ipaddress.ip_address(address.partition("%")[0])
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if ip in _NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):  # the latter is IPv4-compatible, long out of use
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner if inner is not None else ip


def without_login(url: str) -> str:
    """The address as it may be shown and kept: without a user name and password."""
    return _USERINFO.sub("//", url.strip())
