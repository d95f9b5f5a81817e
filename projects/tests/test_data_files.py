"""Data files are kept, replaced and deleted without taking rows from a plan or a result."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from history.models import TestHistory
from loadtests.models import Plan, Scenario, Step
from metricvault.lib.errors import Conflict, Refused, TooLarge
from projects import data_files
from projects.models import DataFile, Project

USERS = "이메일,password\nhong@example.kr,1\nkim@example.kr,2\n"
MORE = USERS + "lee@example.kr,3\n"


def uploaded(project: Project, text: str = USERS, name: str = "users", encoding: str = "utf-8") -> DataFile:
    file = SimpleUploadedFile("Users (1).csv", text.encode(encoding))
    return data_files.upload(project, project.owner, name, file)


def run_with(project: Project, file: DataFile) -> TestHistory:
    tables = [{"name": file.name, "key": file.pk}]
    return TestHistory.objects.create(project=project, title="run", plan_snapshot={"tables": tables})


def test_what_was_uploaded_comes_back(shop: Project) -> None:
    file = DataFile.objects.get(pk=uploaded(shop, encoding="cp949").pk)
    assert (file.columns, file.row_count, file.encoding) == (["이메일", "password"], 2, "cp949")
    assert (file.file_name, file.size, file.created_by) == ("Users (1).csv", len(USERS.encode("cp949")), shop.owner)
    assert data_files.rows(file) == json.loads(data_files.table_json(file))
    assert data_files.first_rows(file) == data_files.rows(file)


@pytest.mark.parametrize(("count", "width"), [(10, 1), (11, 1), (5000, 50), (12, 30_000)])
def test_the_first_rows_are_those_of_the_whole(shop: Project, count: int, width: int) -> None:
    text = "a,b\n" + "".join(f"{at},{'가' * width}\n" for at in range(count))
    file = uploaded(shop, text)
    assert data_files.first_rows(file) == data_files.rows(file)[:10]


def test_the_same_content_again_changes_nothing(shop: Project) -> None:
    assert uploaded(shop).pk == uploaded(shop, encoding="utf-8-sig").pk


def test_a_replaced_file_goes_unless_a_result_was_made_with_it(shop: Project) -> None:
    first = uploaded(shop)
    second = uploaded(shop, MORE)
    assert list(DataFile.objects.values_list("pk", flat=True)) == [second.pk]
    assert second.pk != first.pk
    run_with(shop, second)
    third = uploaded(shop)
    assert {(one.pk, one.replaced_at is None) for one in DataFile.objects.all()} == {
        (second.pk, False),
        (third.pk, True),
    }
    assert list(data_files.current(shop)) == [third]


@pytest.mark.parametrize(
    "step",
    [
        {"body": '{"login": "{{ users.이메일 }}"}'},
        {"values": {"query": {"q": "{{users.password}}"}}},
        {"headers": {"X": "{{users.password}}"}},
        {"checks": [{"kind": "contains", "value": "{{users.이메일}}"}]},
    ],
)
def test_a_file_that_a_plan_uses_is_not_deleted(shop: Project, step: dict[str, object]) -> None:
    file = uploaded(shop)
    plan = Plan.objects.create(project=shop, title="Log in")
    Step.objects.create(scenario=Scenario.objects.create(plan=plan, name="s"), **step)
    with pytest.raises(Conflict, match="Log in"):
        data_files.delete(file)
    plan.delete()
    data_files.delete(file)
    assert not DataFile.objects.exists()


def test_a_plan_that_says_how_rows_are_taken_uses_the_file(shop: Project) -> None:
    file = uploaded(shop)
    Plan.objects.create(project=shop, title="Log in", options={"data": {"users": "unique"}})
    other = Plan.objects.create(project=shop, title="Other")
    Step.objects.create(scenario=Scenario.objects.create(plan=other, name="s"), body="{{superusers.x}} {{users}}")
    assert [plan.title for plan in data_files.plans_using(file)] == ["Log in"]


def test_a_deleted_file_stays_for_the_results_that_were_made_with_it(shop: Project) -> None:
    file = uploaded(shop)
    run_with(shop, file)
    data_files.delete(file)
    assert not data_files.current(shop).exists()
    assert data_files.rows(DataFile.objects.get(pk=file.pk)) == [["hong@example.kr", "1"], ["kim@example.kr", "2"]]
    assert uploaded(shop).replaced_at is None


@pytest.mark.parametrize("name", ["", "Users", "1users", "users.x", "사용자", "a" * 61, "users\n"])
def test_a_name_has_to_fit_into_a_placeholder(shop: Project, name: str) -> None:
    with pytest.raises(Refused) as caught:
        uploaded(shop, name=name)
    assert caught.value.details[0].field == "name"


def test_a_file_that_is_too_large_is_not_read(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "MOST_BYTES", 10)
    with pytest.raises(TooLarge):
        uploaded(shop)


@pytest.mark.parametrize(
    ("file_name", "name"), [("Users (1).csv", "users_1"), ("사용자.csv", ""), ("2024.csv", ""), ("a.b.CSV", "a_b")]
)
def test_a_name_is_proposed_from_the_file(file_name: str, name: str) -> None:
    assert data_files.name_for(file_name) == name
