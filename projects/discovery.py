"""From an address to a document: the document itself, or the page that shows it. Nothing of Django."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from projects.embedded import embedded_documents
from projects.fetching import MAX_SECONDS, Fetched, FetchError, Progress, fetch
from projects.openapi import DocumentError
from projects.openapi.read import decode
from projects.openapi.viewers import linked_documents
from projects.secret_headers import SecretHeaders

MOST_LOOKS = 6
Document = TypeVar("Document")


class Discovery:
    """Looks for the document behind an address within `MAX_SECONDS` in all.

    `read` makes a document of what an address answered, or raises `DocumentError`. `secret` goes to the host that it
    is for and to no other, whatever a page links to.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        secret: SecretHeaders | None = None,
        progress: Progress | None = None,
        get: Callable[..., Fetched] | None = None,
    ) -> None:
        self._deadline = time.monotonic() + MAX_SECONDS
        self._allow_private = allow_private
        self._secret = secret
        self._progress = progress
        self._fetch = get or fetch

    def find(self, url: str, read: Callable[[Fetched], Document]) -> tuple[Fetched, Document]:
        """The document at `url`, or the one that the page at `url` shows, and what was read of it.

        Raises what `fetch` and `read` raise for `url` itself: what a page links to and is of no use is passed over.
        """
        answer = self._get(url)
        try:
            return answer, read(answer)
        except DocumentError as error:
            found = self._shown_by(answer, read) if _may_show_one(answer) else None
            if found is None:
                raise error
            return found

    def _get(self, url: str) -> Fetched:
        left = max(0.0, self._deadline - time.monotonic())
        return self._fetch(
            url, allow_private=self._allow_private, secret=self._secret, seconds=left, progress=self._progress
        )

    def _shown_by(self, page: Fetched, read: Callable[[Fetched], Document]) -> tuple[Fetched, Document] | None:
        found = _within(page, read)
        seen = {page.url}
        waiting = list(_links(page))
        for _ in range(MOST_LOOKS):
            waiting = [link for link in waiting if link not in seen]
            if found or not waiting or time.monotonic() >= self._deadline:
                break
            link = waiting.pop(0)
            seen.add(link)
            try:
                answer = self._get(link)
                return answer, read(answer)
            except FetchError:
                continue
            except DocumentError:
                found = _within(answer, read)
                waiting = [*_links(answer), *waiting]
        return found


def _within(answer: Fetched, read: Callable[[Fetched], Document]) -> tuple[Fetched, Document] | None:
    """The document that a page or a script holds itself."""
    for text in embedded_documents(_text(answer)):
        inner = replace(answer, data=text.encode("utf-8", "replace"), charset="utf-8")
        try:
            return inner, read(inner)
        except DocumentError:
            continue
    return None


def _may_show_one(answer: Fetched) -> bool:
    start = answer.data[:400].lstrip().lower()
    kind = answer.content_type.lower()
    return "html" in kind or "javascript" in kind or start.startswith((b"<!doctype html", b"<html"))


def _text(answer: Fetched) -> str:
    try:
        return decode(answer.data, answer.charset)
    except DocumentError:
        return ""


def _links(answer: Fetched) -> tuple[str, ...]:
    return linked_documents(_text(answer), answer.url)
