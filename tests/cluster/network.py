"""The pods' network: a bridge of this machine, and the rules that lead from it to loopback and nowhere else.

A pod reaches whatever listens on 127.0.0.1 of this machine under the bridge's address, at the same port. Packets are
not forwarded: a pod reaches other pods, this machine's loopback, the API server, and nothing outside.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICE_ADDRESS = "10.96.0.1"  # the API server's own ClusterIP, the first of the range
SERVICE_RANGE = "10.96.0.0/24"


@dataclass(frozen=True, slots=True)
class Network:
    """The network of cluster `number`; clusters side by side do not meet."""

    number: int
    api_port: int

    @property
    def bridge(self) -> str:
        return bridge_name(self.number)

    @property
    def subnet(self) -> str:
        return f"10.88.{self.number}.0/24"

    @property
    def host_address(self) -> str:
        return f"10.88.{self.number}.1"

    def make(self) -> None:
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("address", "add", f"{self.host_address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        # Lets packets from the bridge reach 127.0.0.1, and its answers leave.
        Path(f"/proc/sys/net/ipv4/conf/{self.bridge}/route_localnet").write_text("1")
        for rule in self._rules():
            _iptables("--append", rule)

    def end(self) -> None:
        """Twice is once, and half-made is ended too."""
        for rule in self._rules():
            while _iptables("--delete", rule, check=False):
                pass
        if Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "delete", self.bridge)

    def _rules(self) -> list[list[str]]:
        """Table, chain and rule each."""
        from_pods = ["nat", "PREROUTING", "--in-interface", self.bridge, "--protocol", "tcp", "--destination"]
        to_loopback = ["--jump", "DNAT", "--to-destination"]
        to_api_server = [SERVICE_ADDRESS, "--dport", "443", *to_loopback, f"127.0.0.1:{self.api_port}"]
        away = ["filter", "FORWARD", "--in-interface", self.bridge, "!", "--out-interface", self.bridge]
        return [
            [*from_pods, self.host_address, *to_loopback, "127.0.0.1"],
            [*from_pods, *to_api_server],
            [*away, "--jump", "REJECT"],
        ]

    def plugins(self, data: str) -> dict[str, Any]:
        """What containerd hands to the CNI plugins; `data` is a folder for who has which address."""
        ipam = {
            "type": "host-local",
            "dataDir": data,
            "ranges": [[{"subnet": self.subnet, "gateway": self.host_address}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {"type": "bridge", "bridge": self.bridge, "isGateway": False, "ipMasq": False, "ipam": ipam}
        return {"cniVersion": "0.4.0", "name": "metricvault", "plugins": [bridge]}

    def plugins_file(self, folder: Path, data: str) -> None:
        folder.mkdir(parents=True)
        (folder / "10-bridge.conflist").write_text(json.dumps(self.plugins(data)))


def bridge_name(number: int) -> str:
    return f"mv-cluster{number}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _iptables(action: str, rule: list[str], *, check: bool = True) -> bool:
    table, chain, *rest = rule
    command = ["iptables", "--wait", "10", "--table", table, action, chain, *rest]
    return subprocess.run(command, check=check, capture_output=True, text=True).returncode == 0
