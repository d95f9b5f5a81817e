"""The sentences behind a verdict. A run stores codes and numbers; the sentence is made for the reader's language.

A stored reason is `{"code": str, "good": bool, "params": {...}}`. Numbers in `params` are plain (ms, req/s,
percent, seconds); they are formatted here. A param may be a sentence of its own: `{"text": str, "values": {...}}`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from history.templatetags import numbers


class Reason(TypedDict):
    """What a run stores."""

    code: str
    good: bool
    params: dict[str, Any]


class Explained(TypedDict):
    """What a page or the API shows. `detail`: what somebody else said of it, in their words (a cluster's event)."""

    code: str
    good: bool
    message: str
    detail: str


_TIME = N_("%(request)s: %(percentile)s is %(value)s, target %(target)s.")
# `by` and `since` are what `_phrases` makes of them: “ (+60 %)” and “, from 04:10”, or nothing.
_TIME_MISSED = N_("%(request)s: %(percentile)s is %(value)s, target %(target)s%(by)s%(since)s.")
_PERCENTILES = ("p50", "p90", "p95", "p99")
SENTENCES: dict[str, str] = {
    # targets
    **{f"{name}_missed": _TIME_MISSED for name in _PERCENTILES},
    **{f"{name}_met": _TIME for name in _PERCENTILES},
    "errors_missed": N_("%(request)s: %(value)s of requests fail, target at most %(target)s%(by)s%(since)s."),
    "errors_met": N_("%(request)s: %(value)s of requests fail, target at most %(target)s."),
    "tps_missed": N_("Throughput was %(value)s on average, target %(target)s%(by)s%(since)s."),
    "tps_met": N_("Throughput was %(value)s on average, target %(target)s."),
    "pace_missed": N_("%(request)s: %(value)s on average, target %(target)s%(by)s%(since)s."),
    "pace_met": N_("%(request)s: %(value)s on average, target %(target)s."),
    "target_without_samples": N_("%(request)s has a target, but sent no request."),
    "no_targets": N_("No target was set, so there was none to miss."),
    # a run that was ended because it missed a target, and what a breakpoint test found
    "ended_over_target": N_("Stopped after %(seconds)s over target. %(why)s"),
    "ended_for_target": N_("Stopped because a target was missed for too long."),
    "held": N_("%(request)sHeld %(level)s; at %(next)s %(why)s"),
    "held_all": N_("%(request)sHeld %(level)s, the most that was asked for: no target was missed."),
    "held_none": N_("%(request)sHeld no stage: at %(next)s %(why)s"),
    "slow": N_("%(percentile)s was %(value)s, target %(target)s."),
    "failing": N_("%(value)s of requests failed, target at most %(target)s."),
    "short": N_("only %(value)s of the iterations asked for were begun."),
    # checks, and load that was not sent
    "check_failed": N_("%(step)s: %(failed)s of %(total)s answers did not pass the check “%(check)s”."),
    "extract_failed": N_("%(step)s: %(failed)s of %(total)s answers had no value for %(name)s."),
    "more_checks": N_("%(count)s more checks failed; they are in the table of steps."),
    "dropped": N_(
        "%(request)s: %(count)s iterations (%(share)s) were never begun, because all users were still at work: less "
        "load was sent than asked for. Give the scenario more users, or find out why answers are slow."
    ),
    "dropped_over_budget": N_(
        "%(request)s: %(count)s iterations (%(share)s) were never begun, at most %(budget)s may be. All users were "
        "still at work, so less load was sent than asked for: give the scenario more users, or find out why answers "
        "are slow."
    ),
    "rate_not_reached": N_(
        "%(request)s: only %(share)s of the load was sent, %(begun)s of %(asked)s iterations. Below %(least)s a result "
        "does not tell how the target answers to the rate that was asked for: give the scenario more users, or ask for "
        "less."
    ),
    "not_done": N_(
        "%(request)s: %(count)s iterations (%(share)s) were not done within the longest time. Give them more time or "
        "more users."
    ),
    "no_rows": N_(
        "%(request)s: no row of the data file was left for %(count)s iterations, which did nothing. Use a file with "
        "more rows, or let rows be used again."
    ),
    "closed_model": N_(
        "Users at work send nothing while they wait, so slow answers lowered the load. To hold a rate whatever the "
        "answers, ask for requests per second."
    ),
    "slowed": N_(
        "%(request)s: for %(seconds)s users waited for slow answers and sent less than half of their usual requests. "
        "Real visitors would have kept coming: ask for requests per second to see what they would have felt."
    ),
    # can the numbers be trusted
    "counts_agree": N_("The measurement is sound: all %(count)s requests counted by k6 are stored."),
    "counts_differ": N_("k6 counted %(k6)s requests, %(stored)s are stored: %(share)s differ."),
    "no_summary": N_("k6 left no summary, so the numbers come from its pushes alone: %(count)s requests."),
    "generator_silent": N_(
        "A load generator fell silent for %(seconds)s, from %(since)s on. Its counts are right, but what happened when "
        "in that time is guessed: look whether its machine was overloaded, or the network was down."
    ),
    "clock_jumped": N_(
        "The clock of a load generator jumped by %(seconds)s while it ran. Counts are right, but charts and stages "
        "have wrong times: let its clock be set by small steps, and run the test again."
    ),
    "no_requests": N_("No request was sent. Look at k6's log below."),
    # a result from elsewhere
    "imported": N_("This result was imported; it was not measured here."),
    "threshold_missed": N_("k6 missed its threshold %(threshold)s on %(metric)s."),
    "thresholds_met": N_("k6 kept %(met)s of its %(count)s thresholds."),
    # why it did not come to an end as planned
    "target_unreachable": N_(
        "No request got an answer from %(host)s. Check that it runs and that the base URL is right; "
        "k6's log names the reason."
    ),
    "stopped": N_("Stopped before the end: the numbers cover the first %(seconds)s."),
    "timed_out": N_("Stopped after %(hours)s hours, the longest a run may take. The numbers cover that time."),
    "stopped_in_queue": N_("Stopped before it began."),
    "k6_missing": N_("k6 could not be started: %(detail)s Ask your administrator to install it."),
    "launch_failed": N_("The load could not be started: %(detail)s"),
    "script_error": N_("k6 could not run the script. Its log below says where."),
    "k6_failed": N_("k6 ended with exit code %(exit_code)s before the test was over. Its log below says why."),
    "k6_killed": N_("k6 was killed from outside, perhaps for want of memory. The numbers up to then are kept."),
    "k6_vanished": N_("k6 went away without a word, perhaps with the machine. The numbers up to then are kept."),
    "setup_failed": N_("k6 gave up while preparing the test. Its log below says why."),
    "store_failed": N_("The results could not be read back: %(detail)s"),
    # load generators on a cluster
    "pods_not_ready": N_("No load was sent: only %(ready)s of %(wanted)s pods were ready within %(seconds)s. %(why)s"),
    "pod_unschedulable": N_(
        "No machine of the cluster has room for pod %(pod)s, which asks for %(asked)s. Let pods ask for less, "
        "use fewer pods, or add machines."
    ),
    "pod_image": N_(
        "The cluster cannot fetch the image %(image)s. Check its name and tag, and that the cluster may pull it."
    ),
    "pod_oom": N_(
        "Pod %(pod)s was killed: it needed more than its %(limit)s of memory. Give pods more memory, or use more pods."
    ),
    "pod_evicted": N_("Pod %(pod)s was evicted from %(node)s: its part of the load is missing. Run the test again."),
    "pod_deleted": N_("Pod %(pod)s was deleted by somebody else: its part of the load is missing. Run the test again."),
    "pod_not_started": N_("Pod %(pod)s cannot be started. Your administrator can tell from what the cluster says."),
    "pod_refused": N_(
        "The rules of the cluster do not let the pods in. Your administrator can tell from what the cluster says."
    ),
    "pod_quota": N_(
        "The namespace's quota is used up. Use fewer pods, let them ask for less, or ask for a larger quota."
    ),
    "pod_node_lost": N_(
        "The machine %(node)s does not answer the cluster, so nothing is known of pod %(pod)s. Its load may go on."
    ),
    "cluster_forbids": N_(
        "The cluster does not allow Metric Vault to do this. Your administrator can give it the rights it needs."
    ),
    "cluster_away": N_("The cluster does not answer. A load that runs goes on; Metric Vault keeps trying."),
    "generator_lost": N_(
        "Pod %(pod)s ended before the others (exit code %(exit_code)s), so all were stopped: a part of the load is "
        "missing. k6's log below says why."
    ),
    "generator_restarted": N_(
        "Pod %(pod)s was started again in the middle of the run, so all were stopped: a part of the load is missing."
    ),
    "generator_busy": N_(
        "Pod %(pod)s used %(share)s of its CPU limit: it may have measured itself. Use more pods, or a higher limit."
    ),
    "summaries_missing": N_(
        "%(missing)s of %(wanted)s pods left no summary, so the numbers come from their pushes alone: "
        "%(count)s requests."
    ),
    # a plan that is tried once
    "try_step": N_("%(step)s: %(why)s"),
    "try_status": N_("The answer was “%(status)s”, which counts as a failure here; expected: %(wanted)s."),
    "try_check": N_("This check does not hold: %(check)s."),
    "try_check_found": N_("This check does not hold: %(check)s. Found: %(found)s"),
    "try_extract": N_("The answer has nothing at %(expression)s, so “%(name)s” is empty."),
    "try_no_row": N_("The data file has no row left for this step."),
    "try_refused": N_("Nothing listens at %(host)s. Check that it runs and that the base URL is right."),
    "try_unknown_host": N_("The name of %(host)s is not known here. Check the base URL."),
    "try_timeout": N_("%(host)s did not answer in time. Check that it runs, or allow more time in the HTTP options."),
    "try_reset": N_("%(host)s closed the connection without an answer."),
    "try_certificate": N_(
        "The certificate of %(host)s is not trusted here. Check the address, or turn off the check of certificates in "
        "the HTTP options."
    ),
    "try_tls": N_(
        "No encrypted connection to %(host)s came about. Check whether its address begins with http or https."
    ),
    "try_blocked": N_("Load may not be sent to %(host)s. Ask your administrator to allow it."),
    "try_address": N_("This is no address that a request can be sent to: %(host)s"),
    "try_no_answer": N_("No answer came from %(host)s. k6 says: %(said)s"),
    "try_not_all_sent": N_("Not every step was sent. k6's log below says why."),
    "try_ended": N_("k6 ended with exit code %(exit_code)s before every step was sent. Its log below says why."),
    "try_no_worker": N_(
        "No worker took the try within %(seconds)s s. Check that the Celery worker runs, then try again."
    ),
    "try_too_long": N_("The try did not end within %(seconds)s s and was given up."),
    "try_lost": N_("The try was lost, perhaps with its worker. Try again."),
    "lost": N_(
        "The run was lost before it began: no worker took it. Check that the Celery worker runs, then run it again."
    ),
}


# What makes a result invalid, or would if there was more of it.
SPOILS = frozenset({"counts_differ", "dropped_over_budget", "rate_not_reached", "generator_busy", "generator_silent"})
SPOILS |= {"clock_jumped", "target_without_samples"}
_UNSOUND = {"counts_agree": N_("All %(count)s requests counted by k6 are stored.")}
# Where k6 runs on this machine there is no pod to name.
_WITHOUT_POD = {
    "generator_busy": N_(
        "k6 used %(share)s of the CPU it may use (cores: %(cores)s) for %(seconds)s: it may have measured itself. Ask "
        "for less load, or make it on a larger machine or on several."
    ),
}


def reason(code: str, *, good: bool = False, **params: Any) -> Reason:
    """A reason to store; an unknown code is a KeyError."""
    SENTENCES[code]  # a typing error must not reach a page
    return Reason(code=code, good=good, params=params)


def explain(reasons: Iterable[Mapping[str, Any]]) -> list[Explained]:
    """The sentences in the language that is active now; of codes that are not known any more there are none."""
    known = [one for one in reasons if one.get("code") in SENTENCES]
    is_sound = not any(one["code"] in SPOILS for one in known)
    return [_explain(one, is_sound) for one in known]


def _explain(stored: Mapping[str, Any], is_sound: bool = True) -> Explained:
    kind, given = stored["code"].partition("_")[0], stored.get("params", {})
    params = {"percentile": kind} | {name: _shown(kind, name, value) for name, value in given.items()}
    if stored["code"].endswith("_missed"):
        params |= _phrases(kind, given)
    sentence = SENTENCES[stored["code"]]
    if "pod" not in given:
        sentence = _WITHOUT_POD.get(stored["code"], sentence)
    if not is_sound:
        sentence = _UNSOUND.get(stored["code"], sentence)
    detail = str(given.get("event", ""))
    return Explained(code=stored["code"], good=bool(stored["good"]), message=_(sentence) % params, detail=detail)


def _phrases(kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    """By how much and since when a target was missed. Throughput that was too low from the first second on is one that
    rose at first: that says nothing."""
    by, since = given.get("by"), given.get("since")
    far = (
        "" if by is None else " (%s)" % (numbers.apart(by, _("points")) if kind == "errors" else numbers.apart(by, "%"))
    )
    if since is None or (since == 0 and kind in ("tps", "pace")):
        return {"by": far, "since": ""}
    words = _(", from %(time)s") % {"time": numbers.clock(since)} if since else _(", from the start")
    return {"by": far, "since": words}


# How a number of a reason reads: as everywhere else on the pages.
_FORMATS: dict[tuple[str, str], Callable[[float], str]] = {
    **{(kind, name): numbers.ms for kind in (*_PERCENTILES, "slow") for name in ("value", "target")},
    ("errors", "value"): numbers.percent,
    ("errors", "target"): numbers.limit,
    ("tps", "value"): numbers.tps,
    ("tps", "target"): lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s",
    ("pace", "value"): numbers.tps,
    ("pace", "target"): lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s",
    ("failing", "value"): numbers.percent,
    ("failing", "target"): numbers.limit,
    ("short", "value"): numbers.percent,
    ("dropped", "share"): numbers.percent,
    ("not", "share"): numbers.percent,
    ("ended", "seconds"): numbers.seconds,
    ("slowed", "seconds"): numbers.seconds,
    ("counts", "share"): numbers.percent,
    ("stopped", "seconds"): numbers.seconds,
    ("pods", "seconds"): numbers.seconds,
    ("generator", "share"): numbers.percent,
    ("generator", "seconds"): numbers.seconds,
    ("generator", "since"): numbers.clock,
    ("clock", "seconds"): lambda value: numbers.apart(value, "s"),
    ("dropped", "budget"): numbers.limit,
    ("rate", "share"): numbers.percent,
    ("rate", "least"): numbers.limit,
}


def _shown(kind: str, name: str, value: Any) -> str:
    if isinstance(value, Mapping) and "code" in value:  # a reason within a reason
        return _explain(value)["message"]
    if isinstance(value, Mapping):  # a sentence from elsewhere, with its values
        sentence = value["text"]
        values = {key: numbers.plain(one) if isinstance(one, float) else one for key, one in value["values"].items()}
        return _(sentence) % values if values else _(sentence)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return _FORMATS.get((kind, name), numbers.plain)(value)
