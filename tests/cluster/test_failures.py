"""What goes wrong on a cluster, provoked for real on the whole product: seen within 60 s, said in words, ended well.

The quick half of them; `python -m bench.cluster_failures` provokes all, and prints a table with times.
"""

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.provoking import FAILURES, Failure, provoke

pytestmark = pytest.mark.needs("cluster", "k6", "redis-server")


CHOSEN = [one for one in FAILURES if one.in_tests]


@pytest.mark.parametrize("failure", CHOSEN, ids=[one.name for one in CHOSEN])
def test_it_is_said_in_words_within_a_minute(
    cluster: Cluster, namespace: str, tmp_path: Path, failure: Failure
) -> None:
    seen = provoke(cluster, namespace, tmp_path, failure)
    assert failure.code in seen.codes, seen
    assert seen.seconds < 60, seen
    assert (seen.status, seen.outcome) in failure.ends, seen
    assert seen.all_counted, seen
