"""Whether a request was made by a page of another web site. Pure.

A browser says so by itself: `Sec-Fetch-Site`, `-Mode` and `-Dest` (Fetch Metadata, W3C), but only to https addresses
and to this machine, and not if it is an old one; `Origin` with all that is not a plain GET; else `Referer`, where
nobody keeps it from that. A program says none of them.
"""

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})  # "none": typed, a bookmark; no page can bring it about
_WHOLE_TAB = frozenset({"", "document"})  # else it is shown inside of another page
Header = Callable[[str], str]  # the value of a header by its lower-case name, "" where it is not there


def is_foreign(method: str, header: Header, host: str, trusted: Collection[str] = (), *, tls: bool = False) -> bool:
    """Whether to refuse it: all that another site's page sends, but for links that lead here. `host`: our own, with its
    port; `trusted`: origins that count as ours; `tls`: whether ours are https only."""
    origin, site = header("origin"), header("sec-fetch-site")
    if origin and not _is_ours(origin, host, trusted, tls=tls):
        return True
    if site:
        return site not in _OURS and not _is_link(method, header)
    referer = header("referer")
    if origin or not referer or _is_ours(referer, host, trusted, tls=tls):
        return False
    # No Fetch Metadata: what asks for a page is a link, what asks for anything else is a script or a picture.
    return method not in SAFE or "text/html" not in header("accept")


def is_proven(header: Header) -> bool:
    """Whether a body that any page's form could have is from a page of ours, or from a program: a browser that does not
    say where it comes from is not believed. No page can take the browser's name out of what it sends unasked."""
    if header("sec-fetch-site") in _OURS or header("authorization"):
        return True
    if header("origin"):
        return not header("sec-fetch-site")  # `is_foreign` has looked at it
    return not header("user-agent").startswith("Mozilla/")


def _is_link(method: str, header: Header) -> bool:
    return method in SAFE and header("sec-fetch-mode") == "navigate" and header("sec-fetch-dest") in _WHOLE_TAB


def _is_ours(address: str, host: str, trusted: Collection[str], *, tls: bool) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if f"{parts.scheme}://{parts.netloc}" in trusted:
        return True
    return parts.netloc == host and parts.scheme in ({"https"} if tls else {"http", "https"})
