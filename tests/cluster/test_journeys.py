"""What the builder can ask for, made by three pods of a real cluster through the whole product: a rate, a journey whose
values come from answers and from a CSV, access tokens that expire, the end for a missed target, one try before."""

import json
import math
import time
from base64 import b64encode
from statistics import mean
from typing import Any

import pytest

from tests.cluster import Cluster
from tests.cluster.on_cluster import endpoints_for_pods, left_in
from tests.product import Product

pytestmark = pytest.mark.needs("cluster", "k6", "redis-server")

PODS, STEPS = 3, 5
RAMP, HOLD, RATE = 2.0, 10.0, 12  # seconds, seconds, iterations a second
EXPIRES_IN = 4.0  # seconds; the product asks for a new token after four fifths of it
CLIENT_SECRET = "secret-pods"  # of client "pods", as the shop has it
ROWS = 600
LOGIN, ORDERS, ORDER, PRICES = "POST /login", "POST /orders", "GET /orders/{order_id}", "GET /partner/prices"
CANCEL = "DELETE /orders/{order_id}"


@pytest.fixture(scope="module")
def endpoints(on_pods: Product, cluster: Cluster) -> dict[str, dict[str, Any]]:
    return endpoints_for_pods(on_pods, cluster, "Shop")


@pytest.fixture(scope="module")
def project(on_pods: Product, endpoints: dict[str, dict[str, Any]]) -> int:
    """With a CSV of users."""
    found = next(one["id"] for one in on_pods.api.get("/project").json()["items"] if one["title"] == "Shop")
    lines = ["email,password", *(f"buyer{number}@example.com,pw-buyer{number}" for number in range(ROWS))]
    sent = {"file": ("users.csv", "\n".join(lines).encode())}
    answer = on_pods.api.post("/data-file", data={"project_id": found, "name": "users"}, files=sent)
    assert answer.status_code == 201, answer.text
    return int(found)


def environment(product: Product, project: int, name: str, token_url: str) -> int:
    login = {
        "scheme": "oauth2Client",
        "grant": "client_credentials",
        "token_url": f"{token_url}/oauth/token",
        "client_id": "pods",
        "client_secret": CLIENT_SECRET,
    }
    asked = {"project_id": project, "name": name, "credentials": [login]}
    answer = product.api.post("/environment", json=asked)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def journey(endpoints: dict[str, dict[str, Any]], **load: Any) -> dict[str, Any]:
    """Log in as a row of the CSV, place an order, look at it, cancel it; prices are for who has a token."""
    user = {"email": "{{users.email}}", "password": "{{users.password}}"}
    order = {"product_id": 7, "quantity": 2, "recipient": "{{users.email}}", "address": "{{token}}"}
    this_one = {"parameters": {"path": {"order_id": "{{order_id}}"}}}
    checks = [
        {"kind": "json", "target": "$.recipient", "value": "{{users.email}}"},
        {"kind": "header", "target": "ETag"},
    ]
    steps = [
        {"endpoint_id": endpoints[LOGIN]["id"], "body": user, "extracts": [{"name": "token", "expression": "$.token"}]},
        {
            "endpoint_id": endpoints[ORDERS]["id"],
            "body": order,
            "statuses": ["201"],
            "extracts": [{"name": "order_id", "kind": "json", "expression": "$.id"}],
        },
        {"endpoint_id": endpoints[ORDER]["id"], **this_one, "checks": checks},
        {"endpoint_id": endpoints[CANCEL]["id"], **this_one, "statuses": ["204"]},
        {"endpoint_id": endpoints[PRICES]["id"]},
    ]
    return {"name": "Order", "steps": steps, **load}


def received(product: Product, endpoint: str) -> list[dict[str, Any]]:
    asked = {"endpoint": endpoint, "limit": 20_000}
    found: list[dict[str, Any]] = product.demo.get("/__requests", params=asked).json()["items"]
    return found


def test_a_try_runs_in_a_pod_with_values_rows_and_a_token(
    on_pods: Product, cluster: Cluster, endpoints: dict[str, dict[str, Any]], project: int
) -> None:
    shop = on_pods.demo_url.replace("127.0.0.1", cluster.host_address)
    tried = {
        "title": "Try",
        "environment_id": environment(on_pods, project, "from a pod", shop),
        "data": {"users": "unique"},
        "scenarios": [journey(endpoints, stages=[{"duration": 10, "target": 5}])],
        "generators": PODS,
    }
    answer = on_pods.api.post("/load-testing/try", json=tried)
    assert answer.status_code == 202, answer.text
    end, found = time.monotonic() + 60, answer.json()
    while found["state"] in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.2)
        found = on_pods.api.get(f"/load-testing/try/{answer.json()['id']}").json()
    assert found["state"] == "passed", (found["message"], found["log"])
    assert [one["response"]["status"] for one in found["steps"]] == [200, 201, 200, 204, 200]
    assert "buyer0@example.com" in found["steps"][0]["request"]["body"]
    assert CLIENT_SECRET not in json.dumps(found)


def test_a_journey_at_a_rate_with_rows_and_tokens(
    on_pods: Product, cluster: Cluster, own_namespace: str, endpoints: dict[str, dict[str, Any]], project: int
) -> None:
    on_pods.demo.post("/__counts/reset")
    on_pods.demo.post("/__record", params={"on": "true"})
    on_pods.demo.post("/__tokens", params={"expires_in": EXPIRES_IN})
    stages = [{"duration": RAMP, "target": RATE}, {"duration": HOLD, "target": RATE}]
    users = 45 * PODS  # enough for a machine that stands still for ten seconds: it does other things besides
    room = {"pre_allocated_vus": users, "max_vus": users}
    scenario = journey(endpoints, executor="ramping-arrival-rate", stages=stages, error_rate_target=1, **room)
    run = on_pods.start(
        "Journey",
        [scenario],
        environment_id=environment(on_pods, project, "staging", on_pods.demo_url),
        data={"users": "unique"},
        generators=PODS,
    )
    on_pods.wait(run, lambda one: one["status"] == "running", within=60)
    the_cluster_is_told_no_password(cluster, own_namespace)
    found = on_pods.wait(run, within=120)
    assert (found["status"], found["outcome"]) == ("completed", "passed"), found["reasons"]
    assert [one["phase"] for one in found["generators"]] == ["finished"] * PODS
    what_was_counted_is_what_arrived(on_pods, run, found)
    no_row_came_twice(on_pods)
    tokens_were_renewed_for_all_at_once(on_pods)
    the_rate_was_reached(on_pods, found)


def the_cluster_is_told_no_password(cluster: Cluster, namespace: str) -> None:
    """What tokens are fetched with stays in the product; rows of data files lie in the ConfigMap."""
    kept = cluster.kubectl("-n", namespace, "get", "jobs,pods,configmaps,secrets", "-o", "json")
    assert CLIENT_SECRET not in kept
    assert b64encode(CLIENT_SECRET.encode()).decode() not in kept
    assert f"buyer{ROWS - 1}@example.com" in cluster.kubectl("-n", namespace, "get", "configmaps", "-o", "json")


def what_was_counted_is_what_arrived(product: Product, run: int, found: dict[str, Any]) -> None:
    arrived = product.demo.get("/__counts").json()["endpoints"]
    arrived.pop("POST /oauth/token")  # is no load
    (scenario,) = found["scenarios"]
    assert {step["request"]: step["total_requests"] for step in scenario["steps"]} == {
        endpoint: count["total"] for endpoint, count in arrived.items()
    }
    assert found["total_requests"] == sum(count["total"] for count in arrived.values())
    assert found["total_requests"] == sum(product.api.get(f"/test-history/{run}/timeseries").json()["requests"])
    assert [one["code"] for one in found["reasons"] if one["code"].startswith("counts")] == ["counts_agree"]
    assert found["total_requests"] == STEPS * scenario["iterations"]
    assert not scenario["dropped_iterations"]
    checks = [check for step in scenario["steps"] for check in step["checks"]]
    assert {(check["passed"], check["failed"]) for check in checks} == {(scenario["iterations"], 0)}
    assert {one["status"] for one in received(product, CANCEL)} == {204}


def no_row_came_twice(product: Product) -> None:
    logins = received(product, LOGIN)
    emails = [json.loads(one["body"])["email"] for one in logins]
    assert len(set(emails)) == len(emails) > 0
    by_pod: dict[str, set[int]] = {}
    for one, email in zip(logins, emails, strict=True):
        pod = one["connection"].rpartition(":")[0]
        by_pod.setdefault(pod, set()).add(int(email.partition("@")[0].removeprefix("buyer")) % PODS)
    assert sorted(map(tuple, by_pod.values())) == [(0,), (1,), (2,)]  # each has its own third of the file


def tokens_were_renewed_for_all_at_once(product: Product) -> None:
    asked, used = received(product, "POST /oauth/token"), received(product, PRICES)
    assert {one["status"] for one in used} == {200}
    assert {one["connection"].rpartition(":")[0] for one in asked} == {"127.0.0.1"}  # no pod asks for one
    lasted = used[-1]["t"] - used[0]["t"]
    print(f"{len(asked)} tokens in {lasted:.1f} s, each of {EXPIRES_IN:g} s, for {len(used)} requests")
    assert math.ceil(lasted / EXPIRES_IN) <= len(asked) <= 1 + math.ceil(lasted / (0.8 * EXPIRES_IN))
    assert len({one["headers"]["authorization"] for one in used}) == len(asked)


def the_rate_was_reached(product: Product, found: dict[str, Any]) -> None:
    """k6 begins as many iterations as asked for, to within one for each pod; a second of this machine has its noise."""
    asked = RAMP * RATE / 2 + HOLD * RATE
    iterations = found["scenarios"][0]["iterations"]
    logins = [one["t"] for one in received(product, LOGIN)]
    seconds = product.demo.get("/__counts/seconds").json()
    held = [
        count
        for second, count in zip(seconds["seconds"], seconds["requests"][LOGIN], strict=True)
        if logins[0] + RAMP <= second and second + 1 <= logins[-1]
    ]
    off = mean(held) / RATE - 1
    print(f"{iterations} of {asked:g} iterations; {held} a second, {RATE} asked for: {off:+.1%} on average")
    assert abs(iterations - asked) <= PODS
    assert len(held) >= HOLD / 2
    assert abs(off) <= 0.15


def test_a_target_that_is_missed_for_too_long_ends_the_load_in_every_pod(
    on_pods: Product, endpoints: dict[str, dict[str, Any]]
) -> None:
    on_pods.demo.post("/__counts/reset")
    slow = endpoints["GET /reports/sales"]  # takes 300 ms and more
    scenario = {"endpoint_id": slow["id"], "stages": [{"duration": 90, "target": 6}], "response_time_target": 100}
    run = on_pods.start("Too slow", [scenario], generators=PODS, abort_after=2)
    found = on_pods.wait(run, within=60)
    assert (found["status"], found["outcome"]) == ("completed", "targets_missed"), found["reasons"]
    assert "ended_over_target" in [one["code"] for one in found["reasons"]]
    assert [one["phase"] for one in found["generators"]] == ["finished"] * PODS
    assert found["test_duration"] < 30
    print(f"ended after {found['test_duration']} s: {found['reasons'][0]['message']}")
    time.sleep(1)  # each user would ask twice more
    arrived = on_pods.demo.get("/__counts").json()["total"]
    assert 0 <= arrived - found["total_requests"] <= 6  # what was under way in its users


def test_nothing_of_them_is_left(cluster: Cluster, on_pods: Product, own_namespace: str) -> None:
    assert left_in(cluster, own_namespace) == []
