"""The token by which k6 brings its numbers does not lie open in the database."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings

from history.ingest import take
from history.models import TestHistory
from history.models.run import make_token
from history.models.sealed import SealedToken
from history.states import Status
from history.tests.recorded_history import recorded_rows


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice, Status.STARTING, pushes=0)


def in_database(run: TestHistory) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_token FROM test_history WHERE id = %s", [run.pk])
        return str(cursor.fetchone()[0])


def kept(run: TestHistory) -> str:
    return TestHistory.objects.get(pk=run.pk).ingest_token


def test_it_is_sealed_in_the_database_and_plain_for_who_launches_k6(run: TestHistory) -> None:
    assert kept(run) == run.ingest_token
    assert run.ingest_token not in in_database(run)
    assert len(in_database(run)) <= 64


def test_a_copy_of_the_database_lets_nobody_push(run: TestHistory) -> None:
    assert take(run.pk, f"Bearer {in_database(run)}", b"")[0] == 401
    assert take(run.pk, f"Bearer {run.ingest_token}", b"")[0] != 401


def test_a_run_outlives_a_new_key(run: TestHistory) -> None:
    with override_settings(METRICVAULT_ENCRYPTION_KEY="new"):
        assert kept(run) == run.ingest_token
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["insecure: for one machine and for tests only"]):
        assert kept(run) == run.ingest_token


def test_without_its_key_nobody_has_the_token(run: TestHistory) -> None:
    with override_settings(SECRET_KEY="another"):
        assert kept(run) not in {"", run.ingest_token}
        for token in ("", in_database(run), run.ingest_token):
            assert take(run.pk, f"Bearer {token}", b"")[0] == 401


def test_what_was_kept_before_there_was_a_seal_is_read_as_it_is(run: TestHistory) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_history SET ingest_token = %s WHERE id = %s", ["older-token", run.pk])
    assert kept(run) == "older-token"


def test_a_token_that_would_not_fit_is_refused_before_it_is_cut(run: TestHistory) -> None:
    assert len(make_token()) == SealedToken.MOST_BYTES
    run.ingest_token = "x" * 20
    with pytest.raises(ValueError, match="19 bytes"):
        run.save()
