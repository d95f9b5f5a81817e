"""The quick half of the faults; `python -m tests.faults` runs all of them and prints the table."""

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS, Fault, fill_disk, is_root, small_disk
from tests.faults.running import Result, run_fault
from tests.product import Product, running_product

pytestmark = pytest.mark.needs("k6", "redis-server")
CHOSEN = {fault.name: fault for fault in FAULTS if fault.in_tests}


@pytest.fixture(scope="module")
def own_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A copy of its own: what is broken here must not break the tests of others."""
    folder = tmp_path_factory.mktemp("faults")
    if not is_root():
        with running_product(folder / "copy") as product:
            yield product
        return
    with small_disk(folder / "disk") as disk, running_product(disk / "copy") as product:
        yield product


def check(result: Result) -> None:
    assert result.status == "completed", result
    assert result.sent == result.stored == result.timeline, result
    assert result.page_complete, result
    assert not result.twice, result


@pytest.mark.parametrize("fault", CHOSEN.values(), ids=CHOSEN.keys())
def test_every_request_is_counted_and_the_page_is_whole_again(own_product: Product, fault: Fault) -> None:
    if fault.strike is fill_disk and not is_root():
        pytest.skip("a file system of its own needs root")
    check(run_fault(own_product, fault))
