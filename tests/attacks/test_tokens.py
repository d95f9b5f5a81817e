"""Attacks on API tokens: guessing one, and using one that is over. Each succeeds where its guard is taken away."""

from collections.abc import Callable
from datetime import timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from projects import api_tokens
from projects.api_tokens import MARK, make_token
from projects.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def opens(text: str) -> bool:
    return bool(Client().get("/project", headers={"Authorization": f"Bearer {text}"}).status_code == 200)


def revoked(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())


def expired(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def of_somebody_inactive(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


ENDS = [revoked, expired, of_somebody_inactive]


@pytest.mark.parametrize("end", ENDS)
def test_a_token_that_is_over_opens_nothing(alice: User, end: Callable[[ApiToken], None]) -> None:
    token, text = make_token(alice, "build", "read")
    assert opens(text)
    end(token)
    assert not opens(text)


@pytest.mark.parametrize("end", ENDS[:2])
def test_without_its_guard_a_token_that_is_over_opens(alice: User, end: Callable[[ApiToken], None]) -> None:
    token, text = make_token(alice, "build", "read")
    end(token)

    def by_digest_alone(self: "QuerySet[ApiToken]", *args: object, **wanted: object) -> "QuerySet[ApiToken]":
        return plain(self, digest=wanted["digest"]) if "digest" in wanted else plain(self, *args, **wanted)

    plain = QuerySet.filter
    with mock.patch.object(QuerySet, "filter", by_digest_alone):
        assert opens(text)


def test_what_the_database_holds_is_no_token(alice: User) -> None:
    """Whoever reads a backup has the hashes and the first letters of all tokens."""
    token, _text = make_token(alice, "build", "read")
    assert not any(opens(text) for text in (token.digest, MARK + token.digest, token.begins))


def test_without_its_guard_what_the_database_holds_opens(alice: User) -> None:
    with mock.patch.object(api_tokens, "_digest", lambda text: text[:64]):
        token, _text = make_token(alice, "build", "read")
        assert opens(token.digest)


def test_a_token_has_too_many_possibilities_to_be_guessed(alice: User) -> None:
    texts = {make_token(alice, "build", "read")[1] for _ in range(20)}
    assert len(texts) == 20
    assert {len(text) for text in texts} == {len(MARK) + 43}  # 32 bytes in base64url: 2^256


def test_beginnings_and_near_misses_open_nothing(alice: User) -> None:
    _token, text = make_token(alice, "build", "read")
    last = "A" if text[-1] != "A" else "B"
    for guess in (text[:-1], text[:-1] + last, text + "A", text.upper(), text[:8], "%", "*", "' OR 1=1 --"):
        assert not opens(guess), guess


def test_a_token_is_compared_by_its_hash(alice: User) -> None:
    """The database compares hashes, of which nobody chooses the first letters: how long it takes tells nothing."""
    _token, text = make_token(alice, "build", "read")
    with mock.patch.object(api_tokens, "_digest", wraps=api_tokens._digest) as digest:
        opens(text)
    digest.assert_called_once_with(text)
    assert not ApiToken.objects.filter(digest__contains=text[3:20]).exists()
