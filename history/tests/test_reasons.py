"""A run stores codes and numbers; the sentence is made for the reader, with numbers as on every page."""

import pytest
from django.utils import translation

from history.reasons import SENTENCES, explain, reason

GAP = "\u00a0"


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        (
            reason("p95_missed", request="POST /orders", value=799.4, target=500.0),
            f"POST /orders: p95 is 799{GAP}ms, target 500{GAP}ms.",
        ),
        (
            reason("errors_missed", request="GET /a", value=1.3158, target=1.0),
            f"GET /a: 1.32{GAP}% of requests fail, target at most 1{GAP}%.",
        ),
        (
            reason("counts_differ", k6=269887, stored=269000, share=0.3287),
            f"k6 counted 269,887 requests, 269,000 are stored: 0.33{GAP}% differ.",
        ),
        (reason("k6_failed", exit_code=42), None),
    ],
)
def test_the_sentence_has_the_numbers(stored: dict, sentence: str | None) -> None:
    with translation.override("en"):
        (found,) = explain([stored])
    assert "%(" not in found["message"]
    assert sentence is None or found["message"] == sentence


def test_an_unknown_code_is_never_stored() -> None:
    with pytest.raises(KeyError):
        reason("no_such_code")


def test_what_an_older_version_stored_is_left_out_rather_than_failing() -> None:
    assert explain([{"code": "gone", "good": False, "params": {}}]) == []


def test_every_sentence_ends_as_one() -> None:
    assert all(sentence.endswith((".", ")s")) for sentence in SENTENCES.values())  # or with what is said elsewhere


def test_a_sentence_from_the_worker_is_said_in_the_readers_language() -> None:
    detail = {"text": "%(path)s is no program that can be run.", "values": {"path": "/opt/100%/k6"}}
    stored = [reason("k6_missing", detail=detail), reason("k6_missing", detail="Whatever the machine says.")]
    with translation.override("ko"):
        ours, foreign = (one["message"] for one in explain(stored))
    assert "/opt/100%/k6 파일은 실행할 수 있는 프로그램이 아닙니다." in ours
    assert "Whatever the machine says." in foreign
