"""Where the load itself may not go: attacks with the real k6 on addresses of this machine, each with its guard and
without it.

Nothing here answers at the addresses of clouds, so 127.0.0.3 stands in for them: it takes the place of their first
network in the script.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.k6.plan import OptionsPlan, ReachPlan, RequestPlan, RunPlan, StepPlan, to_json
from loadtests.k6.plan_json import from_json
from loadtests.k6.script import build_script
from loadtests.reaching import Reach
from loadtests.tests.conftest import run_plan
from loadtests.tests.scripted import Api, run
from loadtests.tests.test_k6_journeys import once_each
from projects.addresses import _METADATA, is_never_read

CLOUD = '"169.254.0.0/16"'


@pytest.fixture
def servers() -> Iterator[tuple[Api, Api]]:
    """One that may be loaded, and one that may not."""
    allowed = Api()
    other = Api("127.0.0.3", allowed.server_address[1])
    yield allowed, other
    for server in (allowed, other):
        server.shutdown()
        server.server_close()


def step(url: str, method: str = "GET", body: str | None = None, **headers: str) -> StepPlan:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return StepPlan("", RequestPlan(method, url, "GET /", pairs, body))


def plan(*steps: StepPlan, follow: tuple[str, ...] | None = None, **pinned: tuple[str, ...]) -> RunPlan:
    reach = (
        None
        if follow is None
        else ReachPlan(follow, tuple((name.replace("_", "."), to) for name, to in pinned.items()))
    )
    return replace(run_plan(once_each(*steps)), reach=reach)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_redirect_to_a_host_that_is_not_allowed(
    k6: str, tmp_path: Path, servers: tuple[Api, Api], guarded: bool
) -> None:
    allowed, other = servers
    asked = plan(step(f"{allowed.url}/status/302?to={other.url}/inside"), follow=("127.0.0.1",) if guarded else None)
    ran = run(k6, tmp_path, asked)
    assert [one.path for one in other.received] == ([] if guarded else ["/inside"])
    assert ("A redirect to 127.0.0.3 is not followed" in ran.log) is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_the_keys_of_clouds_by_a_redirect_by_a_name_and_in_other_notations(
    k6: str, tmp_path: Path, servers: tuple[Api, Api], guarded: bool
) -> None:
    allowed, cloud = servers
    port = cloud.server_address[1]
    steps = (
        step(f"{allowed.url}/status/302?to={cloud.url}/redirected"),
        step(f"http://rebound.example:{port}/named"),
        step(f"http://[::ffff:127.0.0.3]:{port}/mapped"),
        step(f"{cloud.url}/written"),
    )
    # Every host may be loaded; a name server that was honest before says now what it likes.
    changed = {"  discardResponseBodies": '  hosts: { "rebound.example": "127.0.0.3" },\n  discardResponseBodies'}
    changed[CLOUD] = '"127.0.0.3/32"' if guarded else '"203.0.113.0/32"'
    ran = run(k6, tmp_path, plan(*steps), changed=changed)
    paths = {one.path for one in cloud.received}
    assert paths == (set() if guarded else {"/redirected", "/named", "/mapped", "/written"})
    assert ran.tags("http_req_failed", "error_code")["1110"] == (4 if guarded else 0)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_name_that_leads_elsewhere_after_it_was_judged(
    k6: str, tmp_path: Path, servers: tuple[Api, Api], guarded: bool
) -> None:
    """`localhost` was judged when it led to 127.0.0.3; by the time of the load it leads to 127.0.0.1, the inside."""
    inside, judged = servers
    asked = plan(step(f"http://LOCALHOST:{inside.server_address[1]}/"), follow=("localhost",), localhost=("127.0.0.3",))
    run(k6, tmp_path, asked if guarded else replace(asked, reach=ReachPlan(("localhost",))))
    assert (len(judged.received), len(inside.received)) == ((1, 0) if guarded else (0, 1))


def test_redirects_to_allowed_hosts_are_followed_as_k6_does(k6: str, tmp_path: Path, servers: tuple[Api, Api]) -> None:
    first, second = servers
    steps = (
        step(f"{first.url}/status/302?to={second.url}/moved", "POST", "a=1", Authorization="Bearer s", X_Own="kept"),
        step(f"{first.url}/status/307?to=/again%3F", "POST", "b=2", Authorization="Bearer s"),
        step(f"{first.url}/a/b/c?to=no"),
        step(f"{first.url}/status/302?to=/status/302?to=../up/./x/../y?q=1#there"),
        step(f"{first.url}/status/301?to=file:///etc/passwd"),
        step(f"{first.url}/status/301?to=//127.0.0.3@127.0.0.9/evil"),
    )
    seen = {}
    for name, follow in (("by k6", None), ("by the script", ("127.0.0.1", "127.0.0.3"))):
        for server in servers:
            server.received.clear()
        asked = plan(*steps, follow=follow)
        ran = run(k6, tmp_path / name.replace(" ", "-"), asked)
        received = [[(one.method, one.path, one.body, one.headers.get("Authorization"), one.headers.get("X-Own"))
                     for one in server.received] for server in servers]  # fmt: skip
        seen[name] = (received, ran.count("http_reqs"))
    by_k6, by_script = seen["by k6"], seen["by the script"]
    assert by_script[0] == by_k6[0]
    assert by_script[0][1] == [("GET", "/moved", "", None, "kept")]
    # k6 tries the last two, which lead nowhere.
    assert by_script[1] == by_k6[1] - 2


def test_steps_that_are_sent_together_are_followed_as_well(k6: str, tmp_path: Path, servers: tuple[Api, Api]) -> None:
    first, second = servers
    steps = [step(f"{first.url}/status/302?to={url}") for url in ("/end", f"{second.url}/inside")]
    ran = run(k6, tmp_path, replace(run_plan(once_each(*steps, batch=True)), reach=ReachPlan(("127.0.0.1",))))
    assert [one.path for one in first.of("/end")] == ["/end"]
    assert second.received == []
    assert ran.tags("http_reqs", "status") == {"302": 2, "200": 1}


def test_a_rule_of_one_port_or_of_all_below_a_name(k6: str, tmp_path: Path, servers: tuple[Api, Api]) -> None:
    first, second = servers
    port = first.server_address[1]
    steps = [step(f"{first.url}/status/302?to=http://{host}/end") for host in (
        f"A.shop.internal:{port}", f"shop.internal:{port}", f"localhost:{port}", "localhost:9", f"localhost.:{port}",
    )]  # fmt: skip
    pinned = dict.fromkeys(("a.shop.internal", "shop.internal", "localhost"), "127.0.0.3")
    changed = {"  discardResponseBodies": f"  hosts: {json.dumps(pinned)},\n  discardResponseBodies"}
    run(k6, tmp_path, plan(*steps, follow=(".shop.internal", f"localhost:{port}")), changed=changed)
    assert [one.headers["Host"] for one in second.received] == [f"A.shop.internal:{port}", f"localhost:{port}"]


def test_only_so_many_redirects_are_followed_and_none_where_the_plan_wants_none(
    k6: str, tmp_path: Path, servers: tuple[Api, Api]
) -> None:
    allowed, _other = servers
    again = plan(step(f"{allowed.url}/status/302?to=/status/302?to=/status/302?to=/end"), follow=("127.0.0.1",))
    for most, count in ((2, 3), (0, 1)):
        allowed.received.clear()
        ran = run(k6, tmp_path / str(most), replace(again, options=OptionsPlan(max_redirects=most)))
        assert len(allowed.received) == count
        assert "Stopped after" not in ran.log


def test_a_plan_that_may_go_everywhere_bears_nothing_of_this() -> None:
    script = build_script(plan(step("http://127.0.0.1:9/")))
    data = json.loads(script.partition("const PLAN = ")[2].partition(";\n\n")[0])
    assert not {"follow", "pinned"} & set(data)


def test_what_a_plan_may_reach_is_kept_with_it() -> None:
    asked = plan(
        step("http://api.internal/"), follow=("a.example", ".b.example:8443"), api_internal=("10.0.0.1", "10.0.0.2")
    )
    assert from_json(json.loads(json.dumps(to_json(asked)))) == asked


def test_k6_refuses_all_that_this_server_never_reads_however_it_is_wrapped() -> None:
    listed = re.search(r"blacklistIPs: \[(.*?)\]", build_script(plan(step("http://a.example/"))), re.S)
    assert listed
    refused = [ipaddress.ip_network(text) for text in re.findall(r'"([^"]+)"', listed[1])]
    for network in _METADATA:
        for ip in (network[0], network[-1]):
            ways = [ip]
            if ip.version == 4:
                number = int(ip)
                ways += [ipaddress.IPv6Address((0x64FF9B << 96) + number), ipaddress.IPv6Address(number)]
                ways += [ipaddress.IPv6Address((0x2002 << 112) + (number << 80) + 1)]
            for way in ways:
                assert is_never_read(str(way))
                assert any(way in one for one in refused if one.version == way.version), way


# Ways to write an address that one program reads as one host and another program as another.
TWO_WAYS = [
    "http://{a}:{port}@{b}:{port}/", "http://{a}:{port}#@{b}:{port}/", "http://{a}:{port}?@{b}:{port}/",
    "http://{a}:{port}\\@{b}:{port}/", "http://{a}:{port}/\\@{b}:{port}/", "http://{b}:{port}\\.{a}/",
    "http://{a}:{port}/@{b}/", "http://{a};{b}:{port}/", "http://{a},{b}:{port}/", "http://{a}%00{b}:{port}/",
    "http://{a}%2f@{b}:{port}/", "http://{a}%40{b}:{port}/", "http://{a}:{port}:{port}@{b}:{port}/",
    "http://{a} @{b}:{port}/", "http://{a}\t@{b}:{port}/", "http:\\\\{b}:{port}/", "http:/{b}:{port}/",
    "http:{b}:{port}/", "http:////{b}:{port}/", "http://[::ffff:{b}]:{port}/", "HTTP://{b}:{port}/",
    "http://{b}:0{port}/", "http://{b}:{port}", "http://\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff13:{port}/",
    "http://127.0.0.\u2462:{port}/", "http://0177.0.0.3:{port}/", "http://2130706435:{port}/",
    "http://0x7f000003:{port}/", "http://127.3:{port}/", "http://127.0.0.3.:{port}/", "http://[::ffff:7f00:3]:{port}/",
    "http://[::127.0.0.3]:{port}/", "http://a:b@c@{b}:{port}/", "http://{b}%23@{a}:{port}/", "http://@{b}:{port}/",
]  # fmt: skip


def test_k6_loads_no_other_host_than_the_one_that_was_judged(k6: str, tmp_path: Path, servers: tuple[Api, Api]) -> None:
    """127.0.0.1 is allowed and 127.0.0.3 is not: whatever the guard lets through reaches 127.0.0.1, or nobody."""
    allowed, other = servers
    port = str(allowed.server_address[1])
    urls = [text.replace("{port}", port).replace("{a}", "127.0.0.1").replace("{b}", "127.0.0.3") for text in TWO_WAYS]
    reach = Reach(("127.0.0.1",), 1)
    passed = [url for url in urls if not reach.judge(url).problem]
    refused = [url for url in urls if url not in passed]
    assert len(passed) >= 4
    run(k6, tmp_path / "passed", plan(*map(step, passed)))
    assert other.received == []
    assert allowed.received != []
    run(k6, tmp_path / "refused", plan(*map(step, refused)))
    assert len(other.received) >= 6  # it takes a guard: many of the others do reach it
