"""Whether load may go to an address: the rules of its project, and where clouds keep the keys of their machines.

A rule that names a host is compared with the host as it is written. A network lets a name through where each of its
addresses lies in an allowed network; those addresses are pinned into the script, so that no second look-up says
otherwise. k6 itself refuses the addresses of clouds (`blacklistIPs` in its script), whatever a name leads to by then.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _

from loadtests.k6.plan import ReachPlan, RunPlan, Text
from loadtests.resolving import addresses_of, look_up_all
from metricvault.lib.errors import Detail
from metricvault.lib.targets import EVERYTHING, Network, Target, is_allowed, networks, plain_rules, target_of
from projects.addresses import is_never_read

# Where clouds answer every program on a machine with its keys, by name. Their addresses: projects.addresses.
_METADATA_NAMES = frozenset({
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
    "metadata.tencentyun.com", "metadata.platformequinix.com", "metadata.packet.net", "metadata.azure.internal",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class HostRefused(Detail):
    """A problem with a host. `host`: the rule to ask an administrator for, "" where none could be given."""

    host: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem`: why no request may go to a target, as a sentence; "" where it may. `askable`: the rule that an
    administrator could add. `addresses`: those that were judged, where a network let the name through."""

    problem: str = ""
    askable: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(slots=True)
class Reach:
    """The hosts that one project may load. `rules`: of `metricvault.lib.targets`. `thorough`: names that are allowed as
    they are written are looked up, too: whether they lead to where clouds keep their keys."""

    rules: tuple[str, ...]
    project_id: int
    thorough: bool = False
    _pinned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _known: dict[str, Verdict] = field(default_factory=dict)

    def prepare(self, addresses: Iterable[Text]) -> None:
        """Looks up at once what will have to be looked up."""
        hosts = []
        for address in {_origin(literal_of(one)) for one in addresses}:
            try:
                target = target_of(address)
            except ValueError:
                continue
            if target.ip is None and not is_metadata(target) and self._asks_for_addresses(target):
                hosts.append(target.host)
        look_up_all(hosts)

    def judge(self, address: Text) -> Verdict:
        """What holds for an address; most steps of a plan go to the same host."""
        literal = literal_of(address)
        origin = _origin(literal)
        if origin not in self._known:
            self._known[origin] = self._judged(literal)
        return self._known[origin]

    def plan(self, plan: RunPlan) -> ReachPlan | None:
        """What the script has to keep to, once all addresses of the plan were judged; None where everything may be
        loaded."""
        if EVERYTHING in plain_rules(self.rules):
            return None
        named = [rule for rule in self.rules if not networks([rule])]
        used = (target_of(literal_of(step.request.url)) for one in plan.scenarios for step in one.steps)
        by_network = {target.host for target in used if not is_allowed(target, named)}
        hosts = {f"[{host}]" if ":" in host else host for host in by_network}
        return ReachPlan(tuple(sorted({*plain_rules(self.rules), *hosts})), tuple(sorted(self._pinned.items())))

    def _asks_for_addresses(self, target: Target) -> bool:
        return self.thorough if is_allowed(target, self.rules) else bool(networks(self.rules))

    def _judged(self, literal: str) -> Verdict:
        try:
            target = target_of(literal)
        except ValueError:
            message = _("It cannot be told which host “%(address)s” is. Write the host itself into the base URL.")
            return Verdict(message % {"address": literal[:80]})
        if is_metadata(target):
            message = _("%(host)s is never loaded: clouds keep the keys of their machines there.")
            return Verdict(message % {"host": target.text})
        allowed = is_allowed(target, self.rules)
        found: tuple[str, ...] = ()
        if target.ip is None and self._asks_for_addresses(target):
            found = addresses_of(target.host)
        if any(is_never_read(address) for address in found):
            message = _("%(host)s is never loaded: it leads to where clouds keep the keys of their machines.")
            return Verdict(message % {"host": target.text})
        if allowed:
            return Verdict()
        return self._by_network(target, found)

    def _by_network(self, target: Target, found: tuple[str, ...]) -> Verdict:
        """A name that no rule names: each of its addresses has to be allowed."""
        within = networks(self.rules)
        if found and all(any(_lies_in(address, network) for network in within) for address in found):
            if target.rooted:  # k6 would look it up by itself
                message = _("Write %(host)s without the dot at its end: it is allowed by its address.")
                return Verdict(message % {"host": target.text})
            self._pinned[target.host] = found
            return Verdict(addresses=found)
        values = {"host": target.text, "page": reverse("targets", args=[self.project_id])}
        if target.ip is None and within and not found:
            message = _(
                "%(host)s may not be loaded in this project: its address was not found, so no allowed network lets it "
                "through. Check the name, or ask an administrator for approval at %(page)s."
            )
        else:
            message = _("%(host)s may not be loaded in this project. Ask an administrator for approval at %(page)s.")
        return Verdict(message % values, askable=target.text)


def askable(problems: Iterable[Detail]) -> list[str]:
    """The hosts among the problems that an administrator could allow, as rules to ask for, each once."""
    return list(dict.fromkeys(one.host for one in problems if isinstance(one, HostRefused) and one.host))


def literal_of(address: Text) -> str:
    """What an address begins with whatever is filled in later; "" where that could still change its host."""
    if isinstance(address, str):
        return address
    literal = ""
    for part in address:
        if not isinstance(part, str):
            break
        literal += part
    _scheme, _mark, rest = literal.partition("://")
    return literal if any(sign in rest for sign in "/?#") else ""


def is_metadata(target: Target) -> bool:
    """Whether clouds keep the keys of their machines there, as far as the address itself tells."""
    return target.host in _METADATA_NAMES or (target.ip is not None and is_never_read(target.host))


def _origin(literal: str) -> str:
    return "/".join(literal.split("/", 3)[:3])


def _lies_in(address: str, network: Network) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.version == network.version and ip in network
