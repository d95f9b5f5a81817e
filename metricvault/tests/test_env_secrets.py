"""Every secret may come in a file; whatever is odd about it is said by name, and never quoted."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from metricvault.env import env_networks, env_secret, redis_from_url, with_password


def test_a_file_is_read_without_its_newline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret with blank\r\n\n")
    monkeypatch.setenv("MV_KEY_FILE", str(tmp_path / "key"))
    assert env_secret("MV_KEY") == "s3cret with blank"
    monkeypatch.setenv("MV_KEY", "")  # as compose hands on what is not set
    assert env_secret("MV_KEY") == "s3cret with blank"


def test_both_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret")
    monkeypatch.setenv("MV_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("MV_KEY", "0ther")
    with pytest.raises(ImproperlyConfigured, match="MV_KEY and MV_KEY_FILE") as refused:
        env_secret("MV_KEY")
    assert "s3cret" not in str(refused.value)
    assert "0ther" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, why in (("missing", "No such file"), ("", "Is a directory"), ("binary", "UTF-8")):
        monkeypatch.setenv("MV_KEY_FILE", str(tmp_path / name))
        with pytest.raises(ImproperlyConfigured, match=f"MV_KEY_FILE: .*{why}"):
            env_secret("MV_KEY")


def test_an_empty_file_is_not_set_but_never_a_known_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    monkeypatch.setenv("MV_KEY_FILE", str(tmp_path / "key"))
    assert env_secret("MV_KEY") == ""
    with pytest.raises(ImproperlyConfigured, match="is empty"):
        env_secret("MV_KEY", "the insecure one")


def test_a_password_of_its_own_comes_into_the_address() -> None:
    assert with_password("postgresql://mv@db:5432/mv?x=1", "p@:/w", "P") == "postgresql://mv:p%40%3A%2Fw@db:5432/mv?x=1"
    assert with_password("redis://redis:6379/0", "p/w", "P") == "redis://:p%2Fw@redis:6379/0"
    assert with_password("postgresql://mv:same@db/mv", "same", "P") == "postgresql://mv:same@db/mv"
    assert (with_password("", "pw", "P"), with_password("redis://r", "", "P")) == ("", "redis://r")
    _url, options = redis_from_url(with_password("unix:///run/redis.sock?db=1", "pw", "P"))
    assert (options["password"], options["unix_socket_path"]) == ("pw", "/run/redis.sock")


def test_two_passwords_for_one_server_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="POSTGRES_PASSWORD") as refused:
        with_password("postgresql://mv:0ne@db/mv", "an0ther", "POSTGRES_PASSWORD")
    assert not [one for one in ("0ne", "an0ther") if one in str(refused.value)]


def test_trusted_proxies_are_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MV_PROXIES", "10.0.3.7, 10.0.4.0/28,::1")
    assert env_networks("MV_PROXIES") == ["10.0.3.7", "10.0.4.0/28", "::1"]
    for odd in ("*", "proxy", "10.0.3.7/24", "0.0.0.0/0", "::/0"):
        monkeypatch.setenv("MV_PROXIES", odd)
        with pytest.raises(ImproperlyConfigured, match="MV_PROXIES"):
            env_networks("MV_PROXIES")
