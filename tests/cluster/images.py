"""Images without a registry: archives as `docker save` writes them, made of single files."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from platform import machine
from typing import Any

from tests.installed import find

K6_IMAGE = "grafana/k6:1.1.0"  # the version that requirements.txt pins, under the name that it has outside
PAUSE_IMAGE = "metricvault.test/pause:1"
K6_USER = 12345  # as in the image of that name
_PASSWD = f"root:x:0:0:root:/root:/bin/false\nk6:x:{K6_USER}:{K6_USER}::/home/k6:/bin/false\n"


def k6_archive(folder: Path) -> Path:
    """grafana/k6 as far as we need it: the binary of its wheel, its user, its entry point, and a busybox, as Alpine's
    is there, for those who unpack a script; no CA bundle."""
    files: dict[str, bytes | str] = {"usr/bin/k6": Path(find("k6")).read_bytes(), "etc/passwd": _PASSWD.encode()}
    files |= {"bin/busybox": Path(find("busybox")).read_bytes(), "bin/sh": "busybox", "bin/gunzip": "busybox"}
    config = {"User": str(K6_USER), "Entrypoint": ["k6"], "WorkingDir": "/home/k6", "Env": ["PATH=/usr/bin:/bin"]}
    return _archive(folder / "k6.tar", K6_IMAGE, files, config)


def pause_archive(folder: Path, program: Path) -> Path:
    """The image of the process that holds a pod's namespaces."""
    config = {"User": "65535:65535", "Entrypoint": ["/pause"]}
    return _archive(folder / "pause.tar", PAUSE_IMAGE, {"pause": program.read_bytes()}, config)


def _archive(path: Path, name: str, files: Mapping[str, bytes | str], config: dict[str, Any]) -> Path:
    """One layer, one image."""
    layer = _tar({**files, "home/k6/": b"", "tmp/": b""} if name == K6_IMAGE else files)
    described = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(machine(), machine()),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    packed = {
        "manifest.json": json.dumps(manifest).encode(),
        "config.json": json.dumps(described).encode(),
        "layer.tar": layer,
    }
    path.write_bytes(_tar(packed))
    return path


def _tar(files: Mapping[str, bytes | str]) -> bytes:
    """Names that end with / are folders anyone may write to; a text is what a link leads to. The same files give the
    same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.mode = 0o755
            if name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            if isinstance(content, str):
                entry.type, entry.linkname, content = tarfile.SYMTYPE, content, b""
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
