"""From an address to a document: the document itself, or the page that shows it. Nothing of Django."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from projects.fetching import MAX_SECONDS, Fetched, FetchError, fetch
from projects.openapi import DocumentError, ReadDocument, read_document
from projects.openapi.read import decode
from projects.openapi.viewers import linked_documents

MOST_LOOKS = 6


@dataclass(frozen=True, slots=True)
class Found:
    """A document and the address it was read from."""

    document: ReadDocument
    url: str


def find_document(url: str, *, allow_private: bool, get: Callable[..., Fetched] | None = None) -> Found:
    """Reads the document at `url`, or the one that the page at `url` shows, within `MAX_SECONDS` in all.

    Raises what `fetch` and `read_document` raise for `url` itself: what a page links to and is of no use is
    passed over.
    """
    deadline = time.monotonic() + MAX_SECONDS
    get = get or fetch
    answer = get(url, allow_private=allow_private)
    try:
        return Found(read_document(answer.data, answer.charset), answer.url)
    except DocumentError as error:
        found = _shown_by(answer, deadline, allow_private, get) if _may_show_one(answer) else None
        if found is None:
            raise error
        return found


def _may_show_one(answer: Fetched) -> bool:
    start = answer.data[:400].lstrip().lower()
    return b"html" in answer.content_type.lower().encode() or start.startswith((b"<!doctype html", b"<html"))


def _shown_by(page: Fetched, deadline: float, allow_private: bool, get: Callable[..., Fetched]) -> Found | None:
    seen = {page.url}
    waiting = list(_links(page))
    for _ in range(MOST_LOOKS):
        waiting = [link for link in waiting if link not in seen]
        left = deadline - time.monotonic()
        if not waiting or left <= 0:
            return None
        link = waiting.pop(0)
        seen.add(link)
        try:
            answer = get(link, allow_private=allow_private, seconds=left)
            return Found(read_document(answer.data, answer.charset), answer.url)
        except FetchError:
            continue
        except DocumentError:
            waiting = [*_links(answer), *waiting]
    return None


def _links(answer: Fetched) -> tuple[str, ...]:
    try:
        return linked_documents(decode(answer.data, answer.charset), answer.url)
    except DocumentError:
        return ()
