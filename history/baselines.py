"""Which run others are held against: the baseline of a plan, or, for runs without one, of a set of endpoints."""

import hashlib
from collections.abc import Iterable


def endpoint_set(requests: Iterable[str]) -> str:
    """The same text for the same requests ("METHOD /path/{template}") whatever their order; 40 hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(set(requests))).encode()).hexdigest()[:40]
