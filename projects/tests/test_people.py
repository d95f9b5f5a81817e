"""The people of a project: its owner says who they are."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects.models import Membership, Project

pytestmark = pytest.mark.django_db
READER, MEMBER = Membership.Role.READER, Membership.Role.MEMBER


@pytest.fixture
def shop(alice: User) -> Project:
    return Project.objects.create(title="Shop", owner=alice)


@pytest.fixture
def page(shop: Project) -> str:
    return f"/projects/{shop.pk}/people"


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def roles(shop: Project) -> dict[str, str]:
    return dict(shop.memberships.values_list("user__username", "role"))


def test_the_owner_adds_a_person_by_user_name(alice: User, bob: User, shop: Project, page: str) -> None:
    assert as_(bob).get(f"/projects/{shop.pk}/").status_code == 404
    answer = as_(alice).post(page, {"username": " bob ", "role": READER}, follow=True)
    assert "bob" in answer.content.decode()
    assert roles(shop) == {"bob": READER}
    assert as_(bob).get(f"/projects/{shop.pk}/").status_code == 200


@pytest.mark.parametrize("username", ["", "nobody", "alice", "bob", "gone"])
def test_who_cannot_be_added_is_told_at_the_field(
    alice: User, bob: User, shop: Project, page: str, username: str
) -> None:
    User.objects.create_user("gone", is_active=False)
    Membership.objects.create(project=shop, user=bob, role=READER)
    answer = as_(alice).post(page, {"username": username, "role": MEMBER})
    assert answer.status_code == 422
    assert 'data-problem="username"' in answer.content.decode()
    assert roles(shop) == {"bob": READER}


def test_an_odd_role_is_told_at_the_field(alice: User, bob: User, shop: Project, page: str) -> None:
    answer = as_(alice).post(page, {"username": "bob", "role": "owner"})
    assert answer.status_code == 422
    assert 'data-problem="role"' in answer.content.decode()


def test_roles_change_and_memberships_end(alice: User, bob: User, shop: Project, page: str) -> None:
    Membership.objects.create(project=shop, user=bob, role=READER)
    as_(alice).post(f"{page}/{bob.pk}", {"role": MEMBER})
    assert roles(shop) == {"bob": MEMBER}
    as_(alice).post(f"{page}/{bob.pk}/remove")
    assert roles(shop) == {}
    assert as_(bob).get(page).status_code == 404


def test_a_project_is_handed_over_and_keeps_its_old_owner(alice: User, bob: User, shop: Project, page: str) -> None:
    Membership.objects.create(project=shop, user=bob, role=MEMBER)
    as_(alice).post(f"{page}/{bob.pk}/owner")
    shop.refresh_from_db()
    assert shop.owner == bob
    assert roles(shop) == {"alice": MEMBER}


@pytest.mark.parametrize("role", [READER, MEMBER])
def test_nobody_but_the_owner_changes_them(
    alice: User, bob: User, charlie: User, shop: Project, page: str, role: str
) -> None:
    Membership.objects.create(project=shop, user=bob, role=role)
    client = as_(bob)
    assert client.get(page).status_code == 200
    for path in (page, f"{page}/{bob.pk}", f"{page}/{bob.pk}/remove", f"{page}/{bob.pk}/owner"):
        assert client.post(path, {"username": "charlie", "role": MEMBER}).status_code == 403, path
        assert as_(charlie).post(path).status_code == 404, path
    assert roles(shop) == {"bob": role}


def test_members_do_not_delete_the_project(bob: User, shop: Project) -> None:
    Membership.objects.create(project=shop, user=bob, role=MEMBER)
    client = as_(bob)
    assert client.delete(f"/project/{shop.pk}").status_code == 403
    assert client.post(f"/projects/{shop.pk}/delete").status_code == 403
    assert "delete" not in client.get(f"/projects/{shop.pk}/edit").content.decode().lower().split("<main")[1]


def test_an_administrator_changes_them_too(administrator: User, bob: User, shop: Project, page: str) -> None:
    as_(administrator).post(page, {"username": "bob", "role": READER})
    assert roles(shop) == {"bob": READER}
