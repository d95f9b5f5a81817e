"""What is to be seen of the running containers from outside, where the engine's published ports are:
`python -m tests.compose.looks docker-compose …`."""

import contextlib
import html
import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

URL = "http://127.0.0.1:8000"
SERVERS = ("postgres", "redis", "influxdb", "web", "worker", "beat", "proxy", "demo")
ADMIN, PASSWORD = "admin", "correct-horse-battery"
FINISHED = {"completed", "failed", "stopped", "timed_out"}


class Composed:
    """The started file: `run` calls docker-compose, `api` is a logged-in browser at the published port."""

    def __init__(self, compose: list[str]) -> None:
        self._compose = compose
        self.folder = Path(compose[compose.index("--file") + 1]).parent
        self.api = httpx.Client(base_url=URL, timeout=30, follow_redirects=True)

    def run(self, *arguments: str, check: bool = True) -> str:
        """What docker-compose prints."""
        return self.piped(b"", *arguments, check=check).decode(errors="replace")

    def piped(self, given: bytes, *arguments: str, check: bool = True) -> bytes:
        """The same with bytes in and out."""
        done = subprocess.run([*self._compose, *arguments], input=given, capture_output=True, check=False)
        if check and done.returncode:
            said = (done.stdout[-3000:] + done.stderr).decode(errors="replace")
            raise AssertionError(f"docker-compose {' '.join(arguments)}: {said}")
        return done.stdout

    def secrets(self) -> dict[str, str]:
        """What is in the files, by name; without what everybody may know and what is empty."""
        found = {path.name: path.read_text().strip() for path in (self.folder / "secrets").iterdir()}
        return {name: value for name, value in found.items() if value and name != "tls_certificate"}

    def state(self, service: str) -> dict[str, Any]:
        """Docker's word on the container of a service."""
        container = self.run("ps", "--all", "--quiet", service).split()[0]
        found = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
        return dict(json.loads(found.stdout)[0])

    def is_healthy(self, service: str) -> bool:
        return bool(self.state(service)["State"].get("Health", {}).get("Status") == "healthy")

    def counted(self) -> dict[str, Any]:
        """What the demo API has received since it started; asked from the container that k6 runs in."""
        code = "import urllib.request as u; print(u.urlopen('http://demo:18000/__counts').read().decode())"
        return dict(json.loads(self.run("exec", "-T", "worker", "python", "-c", code)))

    def log_in(self) -> None:
        page = self.api.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, "the login page has no form"
        body = {"username": ADMIN, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = self.api.post("/accounts/login/", data=body, headers={"Origin": URL, "Referer": f"{URL}/"})
        assert "sessionid" in self.api.cookies, f"no login: {answer.status_code} {html.unescape(answer.text[:500])}"

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.api.post(path, json=body or {}, headers={"Origin": URL})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return dict(answer.json())

    def details(self, run: int) -> dict[str, Any]:
        return dict(self.api.get(f"/test-history/{run}/details").json())

    def start(self, title: str, seconds: float) -> int:
        """Two users for so long on the demo API's fastest real page."""
        endpoints = self.api.get("/endpoint", params={"limit": 500}).json()["items"]
        (endpoint,) = [one for one in endpoints if (one["method"], one["path"]) == ("GET", "/products")]
        stages = [{"duration": seconds, "target": 2}]
        scenario = {"name": title, "endpoint_id": endpoint["id"], "executor": "constant-vus", "stages": stages}
        return int(self.post("/load-testing", {"title": title, "scenarios": [scenario]})["test_history_id"])

    def wait(self, run: int, within: float = 120) -> dict[str, Any]:
        until(lambda: self.details(run)["status"] in FINISHED, within, f"run {run} is over")
        return self.details(run)


def until(ready: Callable[[], bool], within: float, what: str) -> None:
    """Waits for something that is named in the error."""
    end = time.monotonic() + within
    while True:
        try:
            if ready():
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {within:g} s")
        time.sleep(1)


def every_part_is_healthy(composed: Composed) -> None:
    for service in SERVERS:
        until(lambda service=service: composed.is_healthy(service), 180, f"{service} is healthy")  # type: ignore[misc]
    assert composed.state("prepare")["State"]["ExitCode"] == 0


def the_demo_test_has_a_verdict_and_every_request(composed: Composed) -> None:
    until(lambda: composed.state("demo-test")["State"]["Status"] == "exited", 240, "demo-test is over")
    log = composed.run("logs", "--no-color", "demo-test")
    assert composed.state("demo-test")["State"]["ExitCode"] == 0, log
    print(log.strip())
    found = re.search(r"(\d+) requests, (\d+) failed", log)
    assert found, log
    at_target = composed.counted()
    print(f"  the demo API counted {at_target['total']} requests, {at_target['failed']} failed")
    assert (int(found[1]), int(found[2])) == (at_target["total"], at_target["failed"])


def the_containers_are_locked_in(composed: Composed) -> None:
    ports = composed.state("web")["NetworkSettings"]["Ports"]["8000/tcp"]
    assert [one["HostIp"] for one in ports] == ["127.0.0.1"], ports
    for service in ("web", "worker", "beat", "demo"):
        state = composed.state(service)
        assert state["Config"]["User"] == "10001:10001"
        assert state["HostConfig"]["ReadonlyRootfs"]
    for service in ("postgres", "redis", "influxdb", "demo"):
        assert not any(composed.state(service)["NetworkSettings"]["Ports"].values()), service


def the_image_holds_no_secret_and_no_tests(composed: Composed) -> None:
    image = composed.state("web")["Image"]
    shown = subprocess.run(["docker", "history", "--no-trunc", image], capture_output=True, text=True, check=True)
    built_in = subprocess.run(["docker", "inspect", image], capture_output=True, text=True, check=True)
    assert "SECRET_KEY=" not in shown.stdout + built_in.stdout
    assert "POSTGRES_PASSWORD" not in shown.stdout + built_in.stdout
    unwanted = composed.run("exec", "-T", "web", "sh", "-c", "cd /app; ls -a; find . -name tests -o -name '.env*'")
    assert set(unwanted.split()) & {"tests", ".git", ".env", ".venv", "node_modules/.bin"} == set(), unwanted


def no_secret_is_seen_from_outside(composed: Composed) -> None:
    """By whoever may ask the engine about containers, list processes, or read logs."""
    names = composed.run("ps", "--all", "--quiet").split()
    seen = subprocess.run(["docker", "inspect", *names], capture_output=True, text=True, check=True).stdout
    seen += composed.run("logs", "--no-color")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            seen += " ".join(process.cmdline())
    shown = [name for name, value in composed.secrets().items() if value in seen]
    assert not shown, shown
    redis = ["exec", "-T", "redis", "redis-cli", "ping"]
    assert "NOAUTH" in composed.run(*redis)
    influx = ["exec", "-T", "influxdb", "curl", "--silent", "http://127.0.0.1:8086/query?q=SHOW+DATABASES"]
    assert "unable to parse authentication credentials" in composed.run(*influx)


def the_image_has_no_build_tools(composed: Composed) -> None:
    tools = "for one in gcc cc make npm node pip pip3 git; do command -v $one; done; true"
    assert composed.run("exec", "-T", "web", "sh", "-c", tools).strip() == ""
    assert composed.run("exec", "-T", "worker", "k6", "version").startswith("k6 v1.1.0")


def the_proxy_speaks_tls_and_is_the_only_one_believed(composed: Composed) -> None:
    trusted = ssl.create_default_context(cafile=composed.folder / "secrets" / "tls_certificate")
    run = ("exec", "-T", "web", "python", "manage.py", "make_token", ADMIN, "look", "--scope", "read")
    token = composed.run(*run).split()[-1]
    forged = {"X-Forwarded-For": "203.0.113.7", "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url="https://localhost:8443", verify=trusted, headers=forged) as client:
        assert client.get("/project").status_code == 200
        assert client.post("/ingest/1/write").status_code == 404
    assert httpx.get("http://localhost:8080/runs/").headers["Location"].startswith("https://localhost/")
    sql = ["exec", "-T", "postgres", "psql", "--username=metricvault", "--tuples-only", "--command"]
    address = composed.run(*sql, "SELECT last_used_from FROM api_token ORDER BY id DESC LIMIT 1").strip()
    print(f"  through the proxy, seen from {address}")
    assert address.startswith("172.30.255.")  # the engine's own: this machine
    assert address != "172.30.255.2"


def a_stranger_has_to_log_in(composed: Composed) -> None:
    assert composed.api.get("/projects/", follow_redirects=False).status_code == 302
    assert composed.api.get("/project").status_code in {401, 403}
    assert composed.api.get("/healthz").status_code == 200


def the_first_administrator_is_made_by_the_documented_command(composed: Composed) -> None:
    make = ["exec", "-T", "web", "python", "manage.py", "make_admin", ADMIN, "--password-file", "-"]
    composed.piped(PASSWORD.encode(), *make)
    composed.log_in()
    assert composed.api.get("/static/vendor/uplot/uPlot.iife.min.js").status_code == 200
    assert composed.api.get("/", headers={"Accept": "text/html"}).status_code == 200
    state = composed.api.get("/", headers={"Accept": "application/json"})
    assert state.json()["status"] == "ok", state.text


def the_doctor_finds_nothing(composed: Composed) -> None:
    composed.run("exec", "-T", "worker", "python", "manage.py", "doctor")


def the_web_sees_and_stops_a_load_in_the_worker_s_container(composed: Composed) -> None:
    run = composed.start("Stopped from the web", 60)
    until(lambda: composed.details(run)["status"] == "running", 30, "the load runs")
    time.sleep(3)
    (job,) = composed.api.get("/scheduler/jobs").json()["items"]
    assert job["pods"] == {"wanted": 1, "ready": 1, "failed": 0}, job
    composed.post(f"/test-history/{run}/stop")
    found = composed.wait(run, 30)
    assert (found["status"], found["outcome"]) == ("stopped", None), found["message"]
    assert found["total_requests"] > 0


def a_restart_of_everything_but_the_worker_loses_no_request(composed: Composed) -> None:
    before = composed.counted()["total"]
    run = composed.start("Parts are restarted", 40)
    until(lambda: composed.details(run)["status"] == "running", 30, "the load runs")
    for service in ("web", "redis", "beat", "influxdb"):
        time.sleep(2)
        composed.run("restart", service)
    found = composed.wait(run, 150)
    after = composed.counted()["total"]
    print(f"  web, redis, beat, influxdb restarted: {found['total_requests']} stored, {after - before} at the target")
    assert found["status"] == "completed", found["message"]
    assert found["total_requests"] == after - before


def a_worker_that_is_killed_in_its_container_loses_nothing(composed: Composed) -> None:
    before = composed.counted()["total"]
    run = composed.start("Killed worker", 15)
    until(lambda: composed.details(run)["status"] == "running", 30, "the load runs")
    code = (
        "import os, psutil, signal\n"
        "for one in psutil.process_iter():\n"
        "    line = one.cmdline()\n"
        "    if 'celery' in line and 'worker' in line: os.kill(one.pid, signal.SIGKILL)\n"
    )
    composed.run("exec", "-T", "worker", "python", "-c", code)
    found = composed.wait(run)
    after = composed.counted()["total"]
    print(f"  worker killed: {found['total_requests']} requests stored, {after - before} at the target")
    assert found["status"] == "completed", found["message"]
    assert found["total_requests"] == after - before


def a_worker_s_container_that_ends_keeps_what_was_measured(composed: Composed) -> None:
    run = composed.start("The container ends", 120)
    until(lambda: composed.details(run)["status"] == "running", 30, "the load runs")
    time.sleep(4)
    composed.run("restart", "worker")
    found = composed.wait(run)
    print(f"  worker's container restarted: {found['status']}, {found['outcome']}: {found['message']}")
    assert (found["status"], found["outcome"]) == ("failed", "error")
    assert found["message"]
    assert found["total_requests"] > 0


def a_worker_s_container_that_is_killed_is_told(composed: Composed) -> None:
    run = composed.start("The container is killed", 120)
    until(lambda: composed.details(run)["status"] == "running", 30, "the load runs")
    time.sleep(4)
    composed.run("kill", "worker")
    composed.run("up", "--detach", "--no-deps", "worker")
    found = composed.wait(run)
    print(f"  worker's container killed: {found['status']}, {found['outcome']}: {found['message']}")
    assert (found["status"], found["outcome"]) == ("failed", "error")
    assert found["total_requests"] > 0


def two_workers_do_not_mistake_each_other_s_load_for_a_dead_one(composed: Composed) -> None:
    composed.run("up", "--detach", "--no-deps", "--no-recreate", "--scale", "worker=2", "worker")
    before = composed.counted()["total"]
    runs = [composed.start(f"Two workers {number}", 25) for number in (1, 2)]
    found = [composed.wait(run) for run in runs]
    after = composed.counted()["total"]
    stored = sum(one["total_requests"] for one in found)
    print(f"  two workers, two runs: {stored} requests stored, {after - before} at the target")
    assert [one["status"] for one in found] == ["completed", "completed"], [one["message"] for one in found]
    assert stored == after - before


def the_documented_backup_can_be_restored(composed: Composed) -> None:
    sql = ["exec", "-T", "postgres", "psql", "--username=metricvault", "--tuples-only", "--command"]
    count = "SELECT count(*), max(id), sum(total_requests) FROM test_history"
    backup = composed.piped(b"", "exec", "-T", "web", "python", "manage.py", "backup", "-")
    before = composed.run(*sql, count)
    print(f"  a backup of {len(backup)} bytes")
    restore = ["run", "--rm", "-T", "--no-deps", "web", "restore", "-", "--replace"]
    assert composed.piped(backup, *restore, check=False) == b""  # it runs still
    composed.run("stop", "web", "worker", "beat")
    composed.run(*sql, "TRUNCATE test_history CASCADE")
    assert composed.run(*sql, count) != before
    assert b"Restored" in composed.piped(backup, *restore)
    assert composed.run(*sql, count) == before
    composed.run("exec", "-T", "influxdb", "influxd", "backup", "-portable", "-database", "k6", "/tmp/backup")


LOOKS = (
    every_part_is_healthy,
    the_demo_test_has_a_verdict_and_every_request,
    the_containers_are_locked_in,
    the_image_holds_no_secret_and_no_tests,
    the_image_has_no_build_tools,
    no_secret_is_seen_from_outside,
    a_stranger_has_to_log_in,
    the_first_administrator_is_made_by_the_documented_command,
    the_proxy_speaks_tls_and_is_the_only_one_believed,
    the_doctor_finds_nothing,
    the_web_sees_and_stops_a_load_in_the_worker_s_container,
    a_restart_of_everything_but_the_worker_loses_no_request,
    a_worker_that_is_killed_in_its_container_loses_nothing,
    a_worker_s_container_that_ends_keeps_what_was_measured,
    a_worker_s_container_that_is_killed_is_told,
    two_workers_do_not_mistake_each_other_s_load_for_a_dead_one,
    the_documented_backup_can_be_restored,
)


def main() -> None:
    composed = Composed(sys.argv[1:])
    chosen = [look for look in LOOKS if re.search(os.environ.get("METRICVAULT_LOOKS", ""), look.__name__)]
    for look in chosen:
        begin = time.monotonic()
        look(composed)
        print(f"ok  {look.__name__.replace('_', ' ')} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{len(chosen)} of {len(LOOKS)} looks, all well")


if __name__ == "__main__":
    main()
