"""The page of a comparison: who is compared with whom, the verdict in words, what is asked wrongly."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.models import Baseline, TestHistory
from history.states import Outcome, Status
from history.tests.sample_runs import plan_of, project_of, run_of, scenario_of
from history.tests.simulated_runs import simulated_run
from projects.models import Project

A, B, C = "GET /a", "GET /b/{id}", "POST /c"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


@pytest.fixture
def pair(project: Project) -> list[TestHistory]:
    first = simulated_run(project, {A: {}, B: {}}, seed=1)
    return [first, simulated_run(project, {B: {"factor": 1.4}, C: {}}, seed=2)]


def address(*runs: TestHistory | int) -> str:
    keys = [one.pk if isinstance(one, TestHistory) else one for one in runs]
    return f"/runs/compare/?{'&'.join(f'runs={key}' for key in keys)}"


def html_of(page: Client, url: str, status: int = 200) -> str:
    answer = page.get(url, headers={"accept": "text/html"})
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode())


def block(html: str, request: str) -> str:
    return html.partition(f'<tbody data-row="{request}">')[2].partition("</tbody>")[0]


def test_it_says_in_one_sentence_what_got_slower(page: Client, pair: list[TestHistory]) -> None:
    html = html_of(page, address(*pair))
    assert 'data-banner="missed"' in html
    assert re.search(r"<h2>B is slower: p95 of GET /b/\{id\} rose from \d+.ms to \d+.ms</h2>", html)
    assert "B: endpoints that are surely slower: 1, probably slower: 0." in html


def test_endpoints_are_new_removed_or_compared(page: Client, pair: list[TestHistory]) -> None:
    html = html_of(page, address(*pair))
    assert "not in this run" in block(html, A)
    assert "#i-mark-removed" in block(html, A)
    assert "#i-mark-new" in block(html, C)
    assert 'data-mark="real"' in block(html, B)
    assert "▲ +4" in block(html, B)
    assert "B: endpoints that are new: 1, that are not in it: 1." in html


def test_it_shows_charts_with_a_line_for_each_run(page: Client, pair: list[TestHistory]) -> None:
    html = html_of(page, address(*pair))
    assert html.count('<svg xmlns="http://www.w3.org/2000/svg"') == 4
    assert f"A · {pair[0].pk}" in html
    assert f"B · {pair[1].pk}" in html


def test_another_run_can_be_made_the_base_or_be_taken_away(page: Client, pair: list[TestHistory]) -> None:
    html = html_of(page, address(*pair))
    assert f'href="/runs/compare/?runs={pair[1].pk}&amp;runs={pair[0].pk}" data-to-base' in html
    turned = html_of(page, address(*reversed(pair)))
    assert "B is faster" in turned
    assert f'href="/runs/compare/?runs={pair[0].pk}" data-without' in turned


def test_finished_runs_of_the_project_are_offered(page: Client, pair: list[TestHistory], alice: User) -> None:
    third = run_of(pair[0].project, title="Third")
    run_of(pair[0].project, Status.RUNNING, title="Active")
    run_of(project_of(alice, "Bank"), title="Elsewhere")
    html = html_of(page, address(*pair))
    assert f'<option value="{third.pk}">{third.pk} · Third' in html
    assert "· Active" not in html
    assert "Elsewhere" not in html


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"outcome": Outcome.INVALID}, "Its result is invalid: what it measured proves nothing."),
        ({"status": Status.STOPPED, "outcome": ""}, "It was stopped before its end."),
    ],
)
def test_doubtful_runs_are_said_to_be_so_beside_their_numbers(
    page: Client, project: Project, columns: dict, sentence: str
) -> None:
    first = simulated_run(project, {A: {}}, seed=1)
    html = html_of(page, address(first, simulated_run(project, {A: {"factor": 2}}, seed=2, **columns)))
    assert 'data-banner="invalid"' in html
    assert sentence in html
    assert f'<span class="sr">{sentence}</span>' in block(html, A)


def test_it_says_what_else_differs(page: Client, project: Project) -> None:
    first = run_of(project, release="4.17")
    plan = plan_of({**scenario_of(executor="constant-vus", stages=((60, 50),)), "think_time": 2})
    second = run_of(project, release="4.18", plan_snapshot={**plan, "generators": 3})
    html = html_of(page, address(first, second)).partition('id="setups"')[2]
    for words in ("Release", "4.17", "4.18", "Load: List products", "constant-vus: Hold 50 VUs 01:00"):
        assert words in html
    for words in ("Think time: List products", "Load generators"):
        assert words in html
    assert "Target" not in html


def test_equal_setups_are_said_to_be_equal(page: Client, project: Project) -> None:
    html = html_of(page, address(run_of(project), run_of(project)))
    assert "Nothing: load, target, environment and release are the same." in html
    assert "All asked for the same load." in html


@pytest.mark.parametrize("some", [0, 1])
def test_fewer_than_two_runs_are_asked_for_more(page: Client, project: Project, some: int) -> None:
    runs = [run_of(project) for _ in range(3)][:some]
    html = html_of(page, address(*runs))
    assert "Choose one more run, or two" in html
    assert 'id="add-run"' in html


def test_more_than_five_runs_are_refused_in_a_sentence(page: Client) -> None:
    html = html_of(page, address(1, 2, 3, 4, 5, 6), 422)
    assert "At most 5 runs can be compared at once." in html
    assert 'href="/runs/compare/?runs=2&amp;runs=3&amp;runs=4&amp;runs=5&amp;runs=6"' in html


def test_a_run_named_twice_is_one(page: Client, pair: list[TestHistory]) -> None:
    assert "B is slower" in html_of(page, address(pair[0], pair[1], pair[0]))


@pytest.mark.parametrize(("query", "status"), [("runs=x", 422), ("runs=-1", 422), ("runs=99999", 404)])
def test_odd_addresses_get_a_sentence(page: Client, query: str, status: int) -> None:
    html_of(page, f"/runs/compare/?{query}", status)


def test_it_hides_foreign_runs(client: Client, pair: list[TestHistory], charlie: User) -> None:
    client.force_login(charlie)
    html_of(client, address(*pair), 404)
    html_of(client, f"/runs/{pair[0].pk}/against-baseline/", 404)


def test_it_leaves_out_deleted_runs(page: Client, pair: list[TestHistory]) -> None:
    TestHistory.objects.filter(pk=pair[1].pk).update(deleted_at=pair[1].tested_at)
    html_of(page, address(*pair), 404)


def test_a_run_is_led_to_its_baseline(page: Client, pair: list[TestHistory]) -> None:
    TestHistory.objects.update(endpoint_set="same")
    url = f"/runs/{pair[1].pk}/against-baseline/"
    assert "Nothing is the baseline of this run yet." in html_of(page, url)
    Baseline.objects.create(project=pair[0].project, endpoint_set="same", test_history=pair[0])
    assert page.get(url).headers["Location"] == address(*pair)
    assert "This run is the baseline." in html_of(page, f"/runs/{pair[0].pk}/against-baseline/")


def test_five_runs_cost_few_queries(
    page: Client, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [simulated_run(project, {A: {}, B: {}}, seed=seed) for seed in range(5)]
    with django_assert_max_num_queries(15):
        html = html_of(page, address(*runs))
    assert 'data-line="E"' in html


def test_titles_and_paths_are_escaped(page: Client, project: Project) -> None:
    nasty = "<script>alert(1)</script>"
    runs = [
        simulated_run(project, {f"GET /{nasty}": {}}, seed=seed, title=nasty, release=nasty[:60]) for seed in (1, 2)
    ]
    assert "<script>alert" not in html_of(page, address(*runs))


def test_it_rejects_post(page: Client) -> None:
    assert page.post("/runs/compare/").status_code == 405
