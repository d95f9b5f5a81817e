"""What k6 logs is kept as it comes, in bounded space; the script's marked lines are kept apart from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.k6.console import FAILED_MARK, told
from loadtests.runners import LocalRunner, log_keeper
from loadtests.runners.base import LOG_END, LOG_HEAD, LOG_TAIL
from loadtests.runners.log_keeper import Keeper
from loadtests.tests.runner_contract import JOB

INFO = b'time="2026-11-24T05:00:00Z" level=warning msg="Request Failed" error="refused \xed\x95\x9c"\n'
TOLD = (
    b'time="2026-11-24T05:00:00Z" level=info msg="METRICVAULT-FAILED {\\"url\\":\\"http://x/\\\\\\"\\u2028\\"}" '
    b"source=console\n"
)
FAKED = b'time="2026-11-24T05:00:00Z" level=warning msg="Request Failed" error="msg=\\"METRICVAULT-FAILED {}\\""\n'


def kept(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes() if (folder / name).exists() else b""


@given(pieces=st.lists(st.binary(max_size=9), max_size=9))
def test_a_short_log_is_kept_to_the_byte(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("kept")
    keeper = Keeper(folder, 20, 1000)
    for piece in pieces:
        keeper.feed(piece)
    keeper.end()
    assert kept(folder, "log.head") + kept(folder, "log.tail") == b"".join(pieces)
    assert len(kept(folder, "log.head")) <= 20


def test_a_whole_line_is_there_at_once(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 1000, 1000)
    keeper.feed(INFO + INFO[:10])
    assert kept(tmp_path, "log.head") == INFO


def test_a_long_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 100, 500)
    lines = [f"line {number}\n".encode() for number in range(2000)]
    for line in lines:
        keeper.feed(line)
        assert len(kept(tmp_path, "log.tail")) <= 2 * 500
    whole = b"".join(lines)
    assert kept(tmp_path, "log.head") == whole[:100]
    assert len(kept(tmp_path, "log.tail")) >= 500
    assert whole.endswith(kept(tmp_path, "log.tail"))


@given(st.lists(st.sampled_from([INFO, TOLD, FAKED]), max_size=12), st.integers(1, 300))
def test_marked_lines_are_kept_apart_however_they_come(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int
) -> None:
    folder, whole = tmp_path_factory.mktemp("kept"), b"".join(lines)
    keeper = Keeper(folder, 200, 100_000)
    for at in range(0, len(whole), size):
        keeper.feed(whole[at : at + size])
    keeper.end()
    assert kept(folder, "log.head") + kept(folder, "log.tail") == b"".join(one for one in lines if one != TOLD)
    assert kept(folder, "told") == b"".join(one for one in lines if one == TOLD)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 10, 1000)
    for _piece in range(40):
        keeper.feed(b"x" * 64 * 1024)
    assert len(keeper._open) < 2 * 1024 * 1024
    assert len(kept(tmp_path, "log.tail")) <= 2 * 1000


def test_it_reads_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "gone", 10, 10)
    for _line in range(9):
        keeper.feed(INFO + TOLD)
    keeper.end()


def test_it_is_a_program_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", log_keeper.__file__, str(tmp_path), "10", "1000"]
    subprocess.run(command, input=INFO + TOLD + INFO, check=True, env={}, cwd="/")
    assert kept(tmp_path, "log.head") + kept(tmp_path, "log.tail") == INFO + INFO
    assert kept(tmp_path, "told") == TOLD


def test_a_marked_line_is_what_the_script_wrote() -> None:
    text = told(TOLD.decode())
    assert text is not None
    assert json.loads(text.removeprefix(FAILED_MARK)) == {"url": 'http://x/"\u2028'}


@pytest.mark.parametrize(
    "line",
    [
        FAKED.decode(),
        INFO.decode(),
        "METRICVAULT-FAILED {}",
        'time="2026-11-24T05:00:00Z" level=warning msg="METRICVAULT-FAILED {}" source=console\n',
        'time="2026-11-24T05:00:00Z" level=info msg="METRICVAULT-FAILED {}" error="x"\n',
        'time="2026-11-24T05:00:00Z" level=info msg="METRICVAULT-FAILED {\\x00}" source=console\n',
        'time="2026-11-24T05:00:00Z" level=info msg="METRICVAULT-FAILED {"a"}" source=console\n',
    ],
)
def test_other_lines_are_none_of_the_scripts(line: str) -> None:
    assert told(line) is None


def test_the_log_of_a_load_that_goes_on_is_read_from_its_end(tmp_path: Path, k6: str) -> None:
    runner = LocalRunner(tmp_path, k6)
    folder = tmp_path / "runs" / JOB
    folder.mkdir(parents=True)
    keeper = Keeper(folder, LOG_HEAD, LOG_TAIL)
    assert runner.log_tail(JOB) == ""
    keeper.feed(b"first\n")
    assert runner.log_tail(JOB) == "first\n"
    lines = [b"line %d\n" % number for number in range(100_000)]
    for at in range(0, len(lines), 1000):
        keeper.feed(b"".join(lines[at : at + 1000]))
    end = runner.log_tail(JOB)
    assert end.endswith("line 99998\nline 99999\n")
    assert len(end) <= LOG_END
    log = runner.logs(JOB).log
    assert log.startswith("first\n")
    assert "\n[…]\n" in log
    assert log.endswith("line 99999\n")
    assert len(log) <= LOG_HEAD + LOG_TAIL + 10
