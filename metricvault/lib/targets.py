"""Hosts that load may go to, as an administrator writes them. Pure: names are compared, never looked up here.

A rule is `api.example.com` (any port), `api.example.com:8443`, `*.example.com` (what is below it, not itself),
`10.0.0.0/8` (a network: `loadtests.reaching` looks names up for it), `[fd00::1]:8080`, or `*` for everything. In the
list of a project `+` stands for all that is set for everybody.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

EVERYTHING = "*"
INHERITED = "+"
_ADDRESS = re.compile(
    r"(https?)://(?:[^@/?#\\\s]*@)?(\[[^\]/?#@\s]*\]|[^:/?#@\\\s\[\]]+)(?::(\d{0,5}))?(?:[/?#]|\Z)", re.I
)
_PLAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_RULE = re.compile(r"(\[[^\]]*\]|[^:\[\]]+|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*)(?::(\d{1,5}))?", re.I)
_PORTS = {"http": 80, "https": 443}
# Letters that the old and the new rules of international names (IDNA 2003, which Python has, and 2008, which k6 has)
# write in different ways: which host is meant could not be told for sure.
_TWO_WAYS = re.compile("[\xdf\u1e9e\u03c2\u200c\u200d]")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: a name in ASCII and lower case, or an address in its shortest form; `port` is never 0.
    `text`: as it stands in an address, without a port that goes without saying. `rooted`: the name was written with a
    dot at its end, as a name server has it."""

    host: str
    port: int
    text: str
    rooted: bool = False

    @property
    def ip(self) -> IpAddress | None:
        """The host where it is an address."""
        return _ip(self.host)


@dataclass(frozen=True, slots=True)
class _Rule:
    host: str = ""  # ".example.com" for what is below it
    port: int | None = None
    network: Network | None = None


def target_of(address: str) -> Target:
    """The target of an absolute http or https address. ValueError where its host cannot be told for sure: the one who
    sends the request must not read another host out of it."""
    found = _ADDRESS.match(address)
    if found is None:
        raise ValueError(address)
    scheme, host, port = found.groups()
    usual = _PORTS[scheme.lower()]
    name, number = _host(host), int(port or usual)
    if not 0 < number < 65_536:
        raise ValueError(address)
    shown = f"[{name}]" if ":" in name else name
    return Target(name, number, shown if number == usual else f"{shown}:{number}", host.endswith("."))


def is_allowed(target: Target, rules: Iterable[str]) -> bool:
    """Whether a rule allows it; what is no rule allows nothing."""
    return any(_matches(rule, target) for rule in _known(rules))


def networks(rules: Iterable[str]) -> tuple[Network, ...]:
    """The networks among the rules."""
    return tuple(rule.network for rule in _known(rules) if rule.network is not None)


def plain_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """The rules that are no networks, for a script that knows nothing of notations: a host in the form that is
    compared, or `.example.com` for what is below it, with `:port` where it has one; sorted, each once."""
    found = {
        (f"[{rule.host}]" if ":" in rule.host else rule.host) + (f":{rule.port}" if rule.port else "")
        for rule in _known(rules)
        if rule.network is None
    }
    return tuple(sorted(found))


def asked_rule(text: str) -> str:
    """What a person asks for as a rule, in the form that is compared: an address stands for its host. ValueError where
    it is no host: neither a network nor everything can be asked for."""
    text = text.strip()
    if "://" in text:
        return target_of(text).text
    rule = _rule(text)
    if rule.network is not None or rule.host == EVERYTHING:
        raise ValueError(text)
    (plain,) = plain_rules([text])
    return f"*{plain}" if plain.startswith(".") else plain


def _known(rules: Iterable[str]) -> Iterator[_Rule]:
    """Those that are rules; what is none allows nothing."""
    for text in rules:
        try:
            yield _rule(text)
        except ValueError:
            continue


def check_rule(text: str) -> None:
    """ValueError where it is no rule."""
    _rule(text)


def _matches(rule: _Rule, target: Target) -> bool:
    if rule.port not in (None, target.port):
        return False
    if rule.network is not None:
        ip = target.ip
        return ip is not None and ip.version == rule.network.version and ip in rule.network
    if rule.host.startswith("."):
        return target.host.endswith(rule.host)
    return rule.host in (EVERYTHING, target.host)


@lru_cache(maxsize=1000)
def _rule(text: str) -> _Rule:
    text = text.strip()
    if text == EVERYTHING:
        return _Rule(EVERYTHING)
    if "/" in text:
        return _Rule(network=ipaddress.ip_network(text.replace("[", "").replace("]", ""), strict=False))
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    host, port = found[1], int(found[2]) if found[2] else None
    if port is not None and not 0 < port < 65_536:
        raise ValueError(text)
    if host.startswith("*."):
        return _Rule(f".{_host(host[2:])}", port)
    return _Rule(_host(f"[{host}]" if ":" in host and not host.startswith("[") else host), port)


def _host(text: str) -> str:
    """A host in the one form that is compared: numbers in any notation as an address, other scripts as `xn--`."""
    if text.startswith("["):
        return str(ipaddress.IPv6Address(text[1:-1].partition("%")[0]))
    if _TWO_WAYS.search(text):
        raise ValueError(text)
    name = text.lower() if text.isascii() else text.encode("idna").decode("ascii").lower()
    name = name.removesuffix(".")
    if not _PLAIN.fullmatch(name) or ".." in name:
        raise ValueError(text)
    try:
        # 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 to the C library.
        return str(ipaddress.IPv4Address(socket.inet_aton(name)))
    except OSError:
        return name


def _ip(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
