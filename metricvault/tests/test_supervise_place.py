import socket
from pathlib import Path

import pytest

from metricvault.supervise.place import (
    LONGEST_SOCKET,
    CannotStart,
    Place,
    check_port,
    find_demo_port,
    locked,
    read_place,
)


@pytest.fixture
def listener() -> socket.socket:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_it_lives_at_8000_in_the_projects_folder_unless_told() -> None:
    place = read_place({})
    assert (place.port, place.data_dir.name) == (8000, ".data")


def test_it_takes_port_and_folder_from_the_environment(tmp_path: Path) -> None:
    place = read_place({"PORT": "8123", "METRICVAULT_DATA_DIR": str(tmp_path / "x" / ".." / "y")})
    assert (place.url, place.data_dir) == ("http://127.0.0.1:8123", tmp_path.resolve() / "y")


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "80.5", "9" * 30, "²"])
def test_it_refuses_a_port_that_is_none(port: str) -> None:
    with pytest.raises(CannotStart, match="PORT=.*: write a number"):
        read_place({"PORT": port})


def test_it_says_at_once_that_a_port_is_in_use(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(CannotStart, match=f"Port {port} is in use"):
        check_port(port)


def test_it_finds_a_listener_on_all_addresses() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(CannotStart, match="in use"):
        check_port(server.getsockname()[1])


def test_neighbouring_copies_do_not_meet() -> None:
    found = {find_demo_port(port, {}) for port in (8010, 8011, 8012)}
    assert len(found) == 3
    assert not found & {8010, 8011, 8012}


def test_the_demo_api_moves_on_where_its_port_is_in_use(listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    assert find_demo_port(taken - 10_000, {}) > taken


def test_a_high_port_has_room_for_the_demo_api() -> None:
    assert find_demo_port(65_000, {}) < 65_000


def test_a_demo_port_that_somebody_asked_for_is_not_replaced(listener: socket.socket) -> None:
    with pytest.raises(CannotStart, match="in use"):
        find_demo_port(8000, {"METRICVAULT_DEMO_PORT": str(listener.getsockname()[1])})


def test_a_second_start_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    place = Place(8123, tmp_path)
    with locked(place):
        place.running.write_text(place.url)
        with pytest.raises(CannotStart, match=r"already running \(http://127.0.0.1:8123"), locked(place):
            pass
    with locked(place):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be made"), locked(Place(8123, tmp_path / "file" / "data")):
        pass


@pytest.mark.parametrize("name", ["a" * 120, "둘째", "100%;"])
def test_redis_gets_a_socket_that_works_in_any_folder(tmp_path: Path, name: str) -> None:
    socket_path = str(Place(8123, tmp_path / name).redis_socket)
    assert len(socket_path) <= LONGEST_SOCKET
    assert name not in socket_path
    assert socket_path == str(Place(8123, tmp_path / name).redis_socket)


def test_the_secret_key_outlives_a_restart_and_is_nobody_elses(tmp_path: Path) -> None:
    place = Place(8123, tmp_path)
    key = place.secret_key()
    assert key == place.secret_key()
    assert len(key) >= 50
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
