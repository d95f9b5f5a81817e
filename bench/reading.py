"""How long a document takes to read: `python -m bench.reading [FILE ...]` prints one table.

Without files: a description of 13 MB as JSON (GitHub's where ../shared/specs has it, else one of the same size made by
repetition), the same as YAML, and hostile texts of 20 MB. Each in a process of its own: seconds of its processor for
reading (bytes to plain values) and extracting (to endpoints with examples), the peak of its memory in MB, and
what came of it.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SHARED = Path(__file__).resolve().parents[2] / "shared" / "specs" / "documents" / "github-api.json"
OPERATIONS = 1223
SIZE = 13_000_000
HOSTILE = 20_000_000


def made() -> dict[str, Any]:
    """A description of about the size and the shape of GitHub's."""
    properties = {f"property_{number}": {"type": "string", "description": "x" * 60} for number in range(40)}
    schema = {"type": "object", "required": list(properties)[:10], "properties": properties}
    operation: dict[str, Any] = {
        "tags": ["t"],
        "summary": "Does it",
        "parameters": [{"$ref": "#/components/parameters/owner"}],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}},
    }
    paths = {f"/{{owner}}/resource-{number}": {"post": operation} for number in range(OPERATIONS)}
    owner = {"name": "owner", "in": "path", "required": True, "schema": {"type": "string"}}
    head = {"openapi": "3.0.3", "info": {"title": "Large", "version": "1"}, "servers": [{"url": "https://x.example"}]}
    return {**head, "paths": paths, "components": {"parameters": {"owner": owner}}}


def documents(folder: Path) -> Iterator[Path]:
    """The files to measure."""
    large = folder / "large.json"
    large.write_bytes(SHARED.read_bytes() if SHARED.is_file() else json.dumps(made()).encode())
    yield large
    as_yaml = folder / "large.yaml"
    with as_yaml.open("w", encoding="utf-8") as file:
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        yaml.dump(
            json.loads(large.read_bytes()), file, Dumper=dumper, allow_unicode=True, sort_keys=False, width=10_000
        )
    yield as_yaml
    hostile = {
        "nested.json": b"[" * HOSTILE,
        "nested.yaml": b"openapi: 3.0.0\nx: " + b"[" * HOSTILE,
        "aliases.yaml": b"".join(
            [b"openapi: 3.0.0\na0: &a0 [1,1,1,1,1,1,1,1,1]\n"]
            + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n".encode() for n in range(1, 30)]
        ),
        "flat.yaml": b"openapi: 3.0.0\nx:\n" + b"- a\n" * (HOSTILE // 4),
        "keys.yaml": b"openapi: 3.0.0\nx:\n" + b"".join(b" k%d: 1\n" % n for n in range(HOSTILE // 12)),
    }
    for name, data in hostile.items():
        (folder / name).write_bytes(data)
        yield folder / name


def measure(path: Path) -> None:
    """Reads one file in this process and prints its row as JSON."""
    from projects.openapi import DocumentError, extract_api, read_document

    data = path.read_bytes()
    start = time.process_time()
    read = extracted = 0.0
    try:
        document = read_document(data).document
        read = time.process_time() - start
        api = extract_api(document)
        extracted = time.process_time() - start - read
        came = f"{len(api.endpoints)} endpoints"
    except DocumentError as error:
        read = read or time.process_time() - start
        came = str(error)[:60]
    print(json.dumps([path.name, len(data) / 1e6, read, extracted, peak(), came]))


def peak() -> float:
    """The peak of this process's memory in MB. On Linux getrusage would give that of the process that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measures one file after another."""
    if sys.argv[1:2] == ["--one"]:
        measure(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory(prefix="metricvault-bench-") as folder:
        print(f"{'file':24} {'MB':>6} {'read s':>8} {'extract s':>10} {'peak MB':>8}  came of it")
        for path in [Path(name) for name in sys.argv[1:]] or documents(Path(folder)):
            command = [sys.executable, "-m", "bench.reading", "--one", str(path)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            name, size, read, extracted, memory, came = json.loads(answer.stdout)
            print(f"{name:24} {size:6.1f} {read:8.2f} {extracted:10.2f} {memory:8.0f}  {came}", flush=True)


if __name__ == "__main__":
    main()
