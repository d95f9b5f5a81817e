"""Addresses of machines."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether `address`, an IP address or a name, is this machine as only itself reaches it."""
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address.lower().rstrip(".") == "localhost"
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback
