"""Local images under the names of the official ones, out of Debian's packages (standins/*/Dockerfile)."""

import shutil
import subprocess
from pathlib import Path

from tests.compose.engine import Engine

FOLDER = Path(__file__).parent / "standins"
IMAGES = ("python:3.11-slim-bookworm", "postgres:15", "redis:7", "influxdb:1.8", "nginx:1.28")
ROOT_IMAGE = "metricvault-test/debian"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = "ca-certificates,curl,netbase,tzdata"
# How this machine reaches its package registries is the stand-ins' business, never the repository's.
_FROM_HOST = ("etc/apt/sources.list", "etc/apt/sources.list.d/debian.sources", "etc/pip.conf", _CERTIFICATES[1:])


def make_images(engine: Engine, cache: Path) -> None:
    """Makes what is missing; a layer that is there already is taken from the cache."""
    environment = engine.environment()
    if not _output(["docker", "images", "--quiet", ROOT_IMAGE], environment):
        _import_root(_root(cache), environment)
    for image in IMAGES:
        folder = FOLDER / image.partition(":")[0]
        command = ["docker", "build", "--quiet", "--tag", image, str(folder)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{image}: {done.stdout}{done.stderr}")


def _root(cache: Path) -> Path:
    """A small Debian as a folder, with this machine's sources and certificates."""
    root = cache / "root"
    if not (cache / "root-made").exists():
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root), _mirror()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
        settings = [str(path)[1:] for path in Path("/etc/apt/apt.conf.d").glob("99*")]
        for name in (*_FROM_HOST, *settings):
            if Path("/", name).exists():
                shutil.copyfile(Path("/", name), root / name)
        (cache / "root-made").touch()
    return root


def _mirror() -> str:
    """Where this machine's own packages come from."""
    sources = [*Path("/etc/apt/sources.list.d").glob("debian.*"), Path("/etc/apt/sources.list")]
    words = [word for path in sources if path.exists() for word in path.read_text().split()]
    found = [word for word in words if word.startswith(("http://", "https://")) and word.rstrip("/").endswith("debian")]
    return next((word for word in found if "snapshot" not in word), "http://deb.debian.org/debian")


def _import_root(root: Path, environment: dict[str, str]) -> None:
    registry = _output(["npm", "config", "get", "registry"], environment) if shutil.which("npm") else ""
    variables = {
        **dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), _CERTIFICATES),
        "PIP_INDEX_URL": environment.get("PIP_INDEX_URL", ""),
        "NPM_CONFIG_REGISTRY": registry,
        "DEBIAN_FRONTEND": "noninteractive",
    }
    text = " ".join(f"{name}={value}" for name, value in variables.items() if value)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        command = ["docker", "import", "--change", f"ENV {text}", "-", ROOT_IMAGE]
        subprocess.run(command, stdin=tar.stdout, env=environment, check=True, stdout=subprocess.DEVNULL)


def _output(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().strip()
