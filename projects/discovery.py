"""From an address to a document: the document itself, or the page that shows it. Nothing of Django."""

import time
from collections.abc import Callable
from typing import TypeVar

from projects.fetching import MAX_SECONDS, Fetched, FetchError, Progress, SecretHeaders, fetch
from projects.openapi import DocumentError
from projects.openapi.read import decode
from projects.openapi.viewers import linked_documents

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
        seen = {page.url}
        waiting = list(_links(page))
        for _ in range(MOST_LOOKS):
            waiting = [link for link in waiting if link not in seen]
            if not waiting or time.monotonic() >= self._deadline:
                return None
            link = waiting.pop(0)
            seen.add(link)
            try:
                answer = self._get(link)
                return answer, read(answer)
            except FetchError:
                continue
            except DocumentError:
                waiting = [*_links(answer), *waiting]
        return None


def _may_show_one(answer: Fetched) -> bool:
    start = answer.data[:400].lstrip().lower()
    return b"html" in answer.content_type.lower().encode() or start.startswith((b"<!doctype html", b"<html"))


def _links(answer: Fetched) -> tuple[str, ...]:
    try:
        return linked_documents(decode(answer.data, answer.charset), answer.url)
    except DocumentError:
        return ()
