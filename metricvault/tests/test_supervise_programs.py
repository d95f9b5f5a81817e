from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from metricvault.supervise import programs as module
from metricvault.supervise.place import ROOT, CannotStart, Place
from metricvault.supervise.programs import MARK, check_redis, environment, programs, supervisor_config, web_command


def read_by_supervisord(config: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ServerOptions:
    """What supervisord makes of the text."""
    (folder / "logs").mkdir()
    path = folder / "supervisord.conf"
    path.write_text(config, encoding="utf-8")
    monkeypatch.chdir(folder)
    options = ServerOptions()
    options.realize(["--configuration", str(path)])
    return options


def test_supervisord_understands_every_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "둘째 100%; copy"
    folder.mkdir()
    place = Place(8123, folder)
    wanted = programs(place, "/opt/my python/bin/python", "/opt/redis-server", 18123)
    options = read_by_supervisord(supervisor_config(wanted), folder, monkeypatch)
    found = {process.name: process for group in options.process_group_configs for process in group.process_configs}
    assert set(found) == {"redis", "web", "worker", "beat", "demo"}
    assert "/opt/my\\ python" in found["web"].command or "'/opt/my python/bin/python'" in found["web"].command
    assert str(folder / "beat-schedule") in found["beat"].command
    for process in found.values():
        assert process.autorestart
        assert process.killasgroup
        assert process.directory == str(ROOT)
        assert process.stdout_logfile == f"logs/{process.name}.log"


def test_redis_ends_last_and_everything_else_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = programs(Place(8123, tmp_path), "python", "redis-server", 18123)
    groups = read_by_supervisord(supervisor_config(wanted), tmp_path, monkeypatch).process_group_configs
    assert [group.name for group in sorted(groups)] == ["redis", "metricvault"]


def test_a_redis_outside_is_not_started() -> None:
    assert "redis" not in {program.name for program in programs(Place(8123, Path("/data")), "python", "", 18123)}


def test_only_this_machine_is_served() -> None:
    for program in programs(Place(8123, Path("/data")), "python", "redis-server", 18123):
        assert "0.0.0.0" not in program.command
    web = programs(Place(8123, Path("/data")), "python", "redis-server", 18123)[1]
    assert web.command[web.command.index("--host") + 1] == "127.0.0.1"


def test_what_the_environment_says_stays(tmp_path: Path) -> None:
    said = {"METRICVAULT_OPEN_ACCESS": "false", "SECRET_KEY": "mine", "LOG_LEVEL": "DEBUG"}
    env = environment(Place(8123, tmp_path), said)
    assert (env["METRICVAULT_OPEN_ACCESS"], env["SECRET_KEY"], env["LOG_LEVEL"]) == ("false", "mine", "DEBUG")


def test_it_is_open_on_this_machine_unless_told(tmp_path: Path) -> None:
    env = environment(Place(8123, tmp_path), {"METRICVAULT_BIND": "0.0.0.0", "METRICVAULT_OPEN_ACCESS": ""})
    assert (env["METRICVAULT_OPEN_ACCESS"], env["METRICVAULT_BIND"]) == ("true", "127.0.0.1")
    assert (env["PORT"], env[MARK]) == ("8123", str(tmp_path))


def test_a_folder_that_supervisord_would_misread_is_refused() -> None:
    with pytest.raises(CannotStart, match="folder with such a name"):
        supervisor_config(programs(Place(8123, Path("/data ;x")), "python", "redis-server", 18123))


def test_a_python_without_an_embedded_redis_is_told_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module.sys, "version_info", (3, 13))
    with pytest.raises(CannotStart, match=r"PYTHON=python3\.12"):
        check_redis({}, installed=False)
    check_redis({"REDIS_URL": "redis://elsewhere"}, installed=False)
    monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/redis-server")
    check_redis({}, installed=True)


def test_nobody_is_believed_about_where_a_request_came_from_unless_named() -> None:
    """uvicorn by itself believes everything on this machine."""
    assert "--no-proxy-headers" in web_command("python", "127.0.0.1", 8000)
    named = web_command("python", "0.0.0.0", 8000, "10.0.3.7")
    assert named[named.index("--forwarded-allow-ips") + 1] == "10.0.3.7"
    assert "--no-proxy-headers" not in named
