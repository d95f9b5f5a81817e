"""A pod has one log for everything that k6 writes: taken apart here, and those of all pods put together. Pure."""

import re
from collections.abc import Sequence

from loadtests.k6.console import told
from loadtests.k6.script import STEP_MARK, SUMMARY_MARK
from loadtests.runners.base import LOG_HEAD, LOG_TAIL, Logs

_REPORT_BEGINS = ("<!--", "<!doctype html")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")  # other line ends, which only Unicode knows, stand in the JSON of marked lines
_CUT = "\n[…]\n"


def merged(logs: Sequence[tuple[str, str]]) -> Logs:
    """(instance, log) of each pod -> the marked lines, one log under a heading a pod, the HTML reports."""
    outputs, texts, reports = [], [], {}
    share = max(1, len(logs))
    for instance, log in logs:
        summary, text, report = taken_apart(log)
        outputs.append(summary)
        if report:
            reports[instance] = report
        if text.strip():
            heading = f"── generator {instance}\n" if len(logs) > 1 else ""
            text = text if text.endswith("\n") else f"{text}\n"
            texts.append(heading + shortened(text, LOG_HEAD // share, LOG_TAIL // share))
    return Logs("".join(outputs), "".join(texts), reports)


def ends(logs: Sequence[tuple[str, str]], most: int) -> str:
    """(instance, end of its log) of each pod -> the ends of all logs under a heading a pod."""
    share = most // max(1, len(logs))
    texts = [(instance, _end(taken_apart(log)[1], share)) for instance, log in logs]
    if len(texts) == 1:
        return texts[0][1]
    return "\n".join(f"── generator {instance}\n{text}" for instance, text in texts if text)


def _end(text: str, most: int) -> str:
    return (text if len(text) <= most else text[-most:].partition("\n")[2]).rstrip("\n")


def taken_apart(log: str) -> tuple[str, str, str]:
    """(marked lines, k6's own log, HTML report) of one pod's log. The report is a whole page on standard output."""
    summaries, rest, report = [], [], []
    inside = False
    for line in _LINES.findall(log):
        if line.startswith((SUMMARY_MARK, STEP_MARK)):
            summaries.append(line if line.endswith("\n") else f"{line}\n")
        elif (marked := told(line)) is not None:
            summaries.append(f"{marked}\n")
        elif inside or line.lower().startswith(_REPORT_BEGINS):
            inside = "</html>" not in line.lower()
            report.append(line)
        else:
            rest.append(line)
    return "".join(summaries), "".join(rest), "".join(report)


def shortened(text: str, head: int, tail: int) -> str:
    """The beginning and the end of a text that is too long, at line ends."""
    if len(text) <= head + tail:
        return text
    end = text[-tail:].partition("\n")[2]
    return text[:head].rpartition("\n")[0] + _CUT + end
