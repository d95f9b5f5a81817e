"""Starts docker-compose.yml on stand-ins, looks at it from outside, and takes it down again."""

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.compose.engine import Engine, running_engine
from tests.compose.standins import make_images

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = {
    "dockerd": "docker.io",
    "debootstrap": "debootstrap",
    "slirp4netns": "slirp4netns",
    "nsenter": "util-linux",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.compose", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="make the stand-ins anew")
    parser.add_argument("--compose", default="docker-compose", help="the program; default: %(default)s")
    parser.add_argument("--looks", default="", help="only those whose names match this pattern; default: all")
    asked = parser.parse_args()
    needed = {**NEEDED, asked.compose: "docker-compose"}
    missing = sorted({package for program, package in needed.items() if not shutil.which(program)})
    if missing:
        raise SystemExit(f"Missing here: {' '.join(missing)}. On Debian: apt-get install {' '.join(missing)}")
    if os.geteuid():
        raise SystemExit("This makes namespaces and starts dockerd, so it needs root.")
    cache = cache_folder()
    if asked.fresh:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="mv-compose-") as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two engines must not share their images
        with running_engine(cache, Path(folder)) as engine:
            say("Making the stand-ins …")
            make_images(engine, cache)
            code = try_compose(engine, asked.compose, Path(folder), asked.looks)
    sys.exit(code)


def cache_folder() -> Path:
    """Images and layers stay here between two calls; outside the checkout."""
    asked = os.environ.get("METRICVAULT_COMPOSE_CACHE", "")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(asked).resolve() if asked else Path(base) / "metricvault-compose"


def try_compose(engine: Engine, program: str, folder: Path, chosen: str = "") -> int:
    """Builds, starts, looks (at what matches `chosen`), ends; the exit code."""
    checkout = copy_of_checkout(folder)
    environment = {**engine.environment(), **settings(folder), "METRICVAULT_LOOKS": chosen}
    compose = [program, "--file", str(checkout / "docker-compose.yml"), "--env-file", str(folder / "env")]
    try:
        say("build …")
        quietly([*compose, "build"], environment)
        say("up …")
        quietly([*compose, "--ansi", "never", "up", "--detach"], environment)
        looks = [sys.executable, "-m", "tests.compose.looks", *compose]
        code = subprocess.run(engine.inside(looks), cwd=ROOT, env=environment, check=False).returncode
        if code:
            subprocess.run([*compose, "ps"], cwd=ROOT, env=environment, check=False)
            subprocess.run([*compose, "logs", "--tail=60"], cwd=ROOT, env=environment, check=False)
        return code
    finally:
        say("down …")
        down = [*compose, "down", "--volumes", "--remove-orphans", "--timeout", "20"]
        subprocess.run(down, cwd=ROOT, env=environment, check=False, capture_output=True)


def copy_of_checkout(folder: Path) -> Path:
    """What the image is made of, in a folder whose secrets are the test's own: made as docs/production.md says."""
    place = folder / "checkout"
    left_out = shutil.ignore_patterns("tests", "__pycache__", "*.mo")
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    names = [rule[1:].rstrip("/") for rule in rules if rule.startswith("!")]
    place.mkdir()
    for name in (*names, "Dockerfile", "docker-compose.yml", ".dockerignore", "deploy"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, place / name)
    subprocess.run([place / "deploy" / "make-secrets", "localhost"], check=True, stdout=subprocess.DEVNULL)
    return place


def quietly(command: list[str], environment: dict[str, str]) -> None:
    """Says something only where it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")


def settings(folder: Path) -> dict[str, str]:
    """Writes .env.example, with the proxy besides, as the file `env`; the rest of the environment."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, value in {
        "COMPOSE_PROFILES": "demo,tls",
        "METRICVAULT_HTTPS": "8443",
        "METRICVAULT_HTTP": "8080",
    }.items():
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    (folder / "env").write_text(text, encoding="utf-8")
    # Where docker-compose 1.29 looks for the profiles: not in a file that --env-file names.
    profiles = next(line for line in text.splitlines() if line.startswith("COMPOSE_PROFILES="))
    return {"COMPOSE_PROJECT_NAME": "metricvault-test", "COMPOSE_PROFILES": profiles.partition("=")[2]}


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
