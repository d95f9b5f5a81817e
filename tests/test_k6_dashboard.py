"""k6's own dashboard through the running product: an open page never keeps k6 alive."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from tests.product import Product
from tests.test_end_to_end import scenario

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.cluster import Cluster

pytestmark = [pytest.mark.needs("k6", "redis-server"), pytest.mark.thorough]
SECONDS = 6


def started(product: Product, title: str, seconds: int = SECONDS) -> int:
    """A run with the dashboard, that sends load."""
    endpoints = product.imported_demo(title)
    run = product.start(title, [scenario(endpoints["GET /products"], 2, seconds, think_time=0.05)], k6_dashboard=True)
    product.wait(run, lambda one: one["status"] == "running")
    return run


def stream_of(product: Product, run: int, instance: str = "1") -> str:
    """The address of its stream, with a ticket."""
    answer = product.api.get(f"/runs/{run}/k6-dashboard/{instance}/")
    assert answer.status_code == 302, answer.text
    return urljoin(answer.headers["Location"], "../events")


def test_a_run_ends_in_time_while_its_dashboard_is_looked_at(product: Product) -> None:
    run = started(product, "Dashboard")
    address = stream_of(product, run)
    with product.api.stream("GET", address, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"}) as viewer:
        told = b"".join(viewer.iter_bytes())  # to the end of the stream, which is k6's `stop`
    assert told.rstrip().rpartition(b"\n\n")[2].count(b"event: stop") == 1
    found = product.wait(run)
    assert (found["status"], found["outcome"]) == ("completed", "passed"), found["message"]
    assert found["test_duration"] < SECONDS + 2
    assert [one["code"] for one in found["reasons"] if one["code"] == "counts_agree"]
    (report,) = found["k6_reports"]
    assert report["instance"] == "1"
    page = product.api.get(report["url"])
    assert page.text.rstrip().endswith("</html>")
    assert str(product.data_dir) not in page.text
    assert product.api.get(address).status_code == 409


def test_a_stopped_run_keeps_its_summary_while_its_dashboard_is_looked_at(product: Product) -> None:
    run = started(product, "Stopped dashboard", 60)
    with product.api.stream("GET", stream_of(product, run)) as viewer:
        told = viewer.iter_bytes()
        assert any(b"event: snapshot" in part for part in told)
        assert product.api.post(f"/test-history/{run}/stop").status_code == 202
        b"".join(told)  # it ends: by k6's `stop`, or because the run is no longer running, whichever is seen first
    found = product.wait(run, within=20)
    assert found["status"] == "stopped"
    assert found["total_requests"] > 0
    assert [one["code"] for one in found["reasons"] if one["code"] == "counts_agree"]


def test_several_runs_at_once_have_a_dashboard_each(product: Product) -> None:
    runs = [started(product, f"Dashboard {number}", 8) for number in range(2)]
    ways = [stream_of(product, run) for run in runs]
    pages = [product.api.get(urljoin(way, "ui/")) for way in ways]
    assert [page.status_code for page in pages] == [200, 200]
    assert product.api.get(ways[0].replace(f"/runs/{runs[0]}/", f"/runs/{runs[1]}/")).status_code == 403
    for run in runs:
        assert len(product.wait(run)["k6_reports"]) == 1


def test_without_it_there_is_neither_dashboard_nor_report(product: Product) -> None:
    endpoints = product.imported_demo("No dashboard")
    run = product.start("No dashboard", [scenario(endpoints["GET /products"], 1, 3)])
    product.wait(run, lambda one: one["status"] == "running")
    assert product.api.get(f"/runs/{run}/k6-dashboard/1/").status_code == 409
    assert product.wait(run)["k6_reports"] == []


@pytest.mark.needs("chromium", "uplot")
def test_the_dashboard_works_in_its_sandbox_and_touches_nothing(product: Product, page: "Page") -> None:
    run = started(product, "Sandbox", 20)
    page.goto(f"{product.url}/runs/{run}/")
    with page.expect_popup() as opened:
        page.click("[data-k6-dashboards] a")
    dashboard = opened.value
    dashboard.get_by_text("HTTP Request Rate").first.wait_for()
    dashboard.wait_for_function("document.querySelectorAll('canvas').length > 3")
    assert dashboard.evaluate("self.origin") == "null"
    reading = "fetch('/test-history/simple').then(() => 'read', () => 'refused')"
    assert dashboard.evaluate(reading) == "refused"
    with dashboard.expect_popup() as more:
        dashboard.get_by_role("button", name="Report").click()
    more.value.get_by_text("Overview").first.wait_for()
    assert more.value.evaluate("self.origin") == "null"
    product.api.post(f"/test-history/{run}/stop")
    assert product.wait(run, within=20)["status"] == "stopped"
    # The page loads itself again once the run is over, and then has the report.
    page.locator("[data-k6-reports] a").first.wait_for(timeout=30_000)
    with page.expect_popup() as kept:
        page.click("[data-k6-reports] a")
    kept.value.get_by_text("HTTP Performance overview").first.wait_for()


@pytest.mark.needs("cluster")
@pytest.mark.parametrize("access", ["proxy", "direct"])
def test_a_job_ends_in_time_while_the_dashboards_of_its_pods_are_looked_at(
    cluster: "Cluster", namespace: str, tmp_path: Path, access: str
) -> None:
    from tests.cluster.on_cluster import endpoints_for_pods, product_on

    with product_on(cluster, namespace, tmp_path / "copy", METRICVAULT_POD_ACCESS=access) as product:
        load = scenario(endpoints_for_pods(product, cluster, "Pods")["GET /products"], 4, 8, think_time=0.05)
        run = product.start("Pods", [load], generators=2, k6_dashboard=True)
        product.wait(run, lambda one: one["status"] == "running", within=120)
        ways = [stream_of(product, run, instance) for instance in ("0", "1")]
        with ExitStack() as open_ones:
            viewers = [open_ones.enter_context(product.api.stream("GET", way, timeout=60)) for way in ways]
            assert [b"event: stop" in b"".join(viewer.iter_bytes()) for viewer in viewers] == [True, True]
        found = product.wait(run, within=90)
        assert (found["status"], found["outcome"]) == ("completed", "passed"), found["message"]
        assert [one["exit_code"] for one in found["generators"]] == [0, 0]
        assert [one["instance"] for one in found["k6_reports"]] == ["0", "1"]
        for one in found["k6_reports"]:
            assert product.api.get(one["url"]).text.rstrip().endswith("</html>")
