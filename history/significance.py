"""Whether a difference between two runs is more than noise. Pure: numbers in, a mark out.

**Response times and throughput** (`judge`). Observations are not single requests: those of one second share whatever
the target did in it, so that thousands of them would make 1 % "significant". They are *batches*: consecutive seconds
of the steady part, 20 at most (Schmeiser, "Batch size effects in the analysis of simulation output", Operations
Research 30, 1982: 10 to 30 batches are enough, longer ones are less dependent on each other), each of 2 s and 20
requests at least. The logarithms of the two runs' batches are compared by their 10 % trimmed means with winsorized
variances (Yuen, "The two-sample trimmed t for unequal population variances", Biometrika 61, 1974): a single slow
moment moves neither. Where nothing is steady and both runs asked for the same curve, batches of the same time are
compared in pairs. What dependence is left between neighbours widens the variance by (1 + r) / (1 - r), r their
autocorrelation (the variance of a mean under AR(1)). To it is added what equal runs differ by as wholes, which no test
within two runs can see: `BETWEEN`, or what earlier runs of the plan differed by, where that is more.

**Error rates** (`judge_errors`). Failures come in bursts, so that the variance of a rate is that of a ratio over
batches (Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 48, 1992), and never
less than the binomial one of the two runs together. The difference is compared with the normal distribution.

Marks: "real" is larger than 99 of 100 differences between equal runs, "likely" than 19 of 20, and both are larger than
what matters in practice (`PRACTICAL`, `LEAST_MS`, `LEAST_POINTS`), in the numbers shown as well as in the batches.
"noise" is everything else, "few" where there is too little to say. `python -m bench.significance` measures how often
that is wrong.

SciPy has the rank tests and Yuen's (`scipy.stats.ttest_ind(trim=0.1)`), but brings NumPy and over 100 MB for the 30
lines below; the standard library has the normal distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, log, sqrt
from statistics import NormalDist
from typing import Literal

Mark = Literal["real", "likely", "noise", "few"]

PRACTICAL = 0.05  # a change by less than this share does not matter
LEAST_MS = 1.0  # nor one by less than this
LEAST_POINTS = 0.1  # nor one of the error rate by less than this
BETWEEN = 0.03  # by what share equal runs differ as wholes (standard deviation of the difference)
MOST_BATCHES = 20
LEAST_BATCHES = 6
LEAST_SECONDS = 2.0  # of a batch
LEAST_IN_BATCH = 20  # requests
LEAST_REQUESTS = 100  # of a run
TRIM = 0.1
_LEVELS: tuple[tuple[Mark, float], ...] = (("real", 0.995), ("likely", 0.975))  # one side of 99 % and 95 %
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A second of a run, or several: its length (s), requests, failures, and one measure over it (ms; None: none)."""

    length: float
    requests: int
    failures: int = 0
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """`limit`: the share (of an error rate: the points) that a difference has to pass to be likely; None where there
    is too little to say. `batches`: how many of either run were compared, `seconds`: how long they are."""

    mark: Mark
    limit: float | None = None
    batches: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Side:
    """One run's side of a comparison: the number as it is shown, and its stretches."""

    value: float
    stretches: Sequence[Stretch]


FEW = Judged("few")


def in_batches(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Consecutive stretches in equally long groups; what is left over at the end is left out."""
    count = len(stretches)
    if not count:
        return []
    seconds = sum(one.length for one in stretches) / count
    requests = sum(one.requests for one in stretches) / count
    if not seconds or not requests:
        return []
    size = max(ceil(count / MOST_BATCHES), ceil(LEAST_SECONDS / seconds - 1e-9), ceil(LEAST_IN_BATCH / requests))
    return [list(stretches[at : at + size]) for at in range(0, count - size + 1, size)]


def level(batch: Sequence[Stretch]) -> float | None:
    """The measure of a batch: the mean over its stretches, each as heavy as it has requests."""
    known = [(one.requests, one.value) for one in batch if one.value is not None and one.requests]
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known) if known else None


def pace(batch: Sequence[Stretch]) -> float:
    """Requests per second of a batch."""
    return sum(one.requests for one in batch) / sum(one.length for one in batch)


def judge(
    base: Side, other: Side, *, least: float, between: float = BETWEEN, rate: bool = False, paired: bool = False
) -> Judged:
    """Of a response time, or with `rate` of the throughput (the stretches' own requests). `least`: the smallest
    difference that matters, in the unit of the values. `paired`: both rose and fell alike, so that each batch is
    compared with the one of the same time."""
    grouped = in_batches(base.stretches), in_batches(other.stretches)
    values = [
        [log(max(found, 1e-6)) for batch in groups if (found := pace(batch) if rate else level(batch)) is not None]
        for groups in grouped
    ]
    enough = all(sum(one.requests for one in side.stretches) >= LEAST_REQUESTS for side in (base, other))
    if not enough or min(map(len, values)) < LEAST_BATCHES or min(base.value, other.value) <= 0:
        return FEW
    shift, variance, freedom = _paired(*values) if paired else _apart(*values)
    shown = log(other.value / base.value)
    matters = abs(other.value - base.value) > least and shift * shown > 0
    matters = matters and min(abs(shift), abs(shown)) > log(1 + PRACTICAL)

    def limit(probability: float) -> float:
        within = _student(probability, freedom) ** 2 * variance
        return max(sqrt(within + (_NORMAL.inv_cdf(probability) * between) ** 2), log(1 + PRACTICAL))

    mark = next((mark for mark, side in _LEVELS if matters and abs(shift) > limit(side)), None)
    return Judged(mark or "noise", exp(limit(_LEVELS[-1][1])) - 1, *_sizes(grouped))


def together(marks: Sequence[Mark]) -> Mark:
    """What several measures of one endpoint say of it: real where one is real, likely where two are at least, as each
    of them is wrong one time in twenty; else noise, or few where none could be judged."""
    if "real" in marks:
        return "real"
    if marks.count("likely") > 1:
        return "likely"
    return "few" if all(mark == "few" for mark in marks) else "noise"


def judge_errors(base: Side, other: Side) -> Judged:
    """Of the error rate, in percent; the stretches say how many of their requests failed."""
    sides = base.stretches, other.stretches
    requests = [sum(one.requests for one in side) for side in sides]
    grouped = [in_batches(side) for side in sides]
    if min(requests) < LEAST_REQUESTS or min(map(len, grouped)) < LEAST_BATCHES:
        return FEW
    failed = [sum(one.failures for one in side) for side in sides]
    pooled = sum(failed) / sum(requests)
    binomial = [pooled * (1 - pooled) / count for count in requests]
    shares = [bad / count for bad, count in zip(failed, requests, strict=True)]
    variances = [max(least, _of_ratio(groups)) for least, groups in zip(binomial, grouped, strict=True)]
    error = sqrt(sum(variances))
    shift, shown = shares[1] - shares[0], other.value - base.value
    matters = abs(shown) > LEAST_POINTS and shift * shown > 0
    mark = next(
        (mark for mark, side in _LEVELS if matters and abs(shift) > _NORMAL.inv_cdf(side) * error),
        None,
    )
    limit = max(100 * _NORMAL.inv_cdf(_LEVELS[-1][1]) * error, LEAST_POINTS)
    return Judged(mark or "noise", limit, *_sizes(grouped))


@dataclass(frozen=True, slots=True)
class _Trimmed:
    mean: float
    variance: float  # of the mean
    kept: int
    dependence: float


def _trimmed(values: Sequence[float]) -> _Trimmed:
    """Yuen's: the trimmed mean, its variance from the winsorized values, and how they hang together with the next."""
    count, off = len(values), int(TRIM * len(values))
    ordered = sorted(values)
    kept = ordered[off : count - off]
    low, high = kept[0], kept[-1]
    winsorized = [min(max(value, low), high) for value in values]
    mean = sum(winsorized) / count
    apart = [value - mean for value in winsorized]
    squares = sum(one * one for one in apart)
    # An estimate of few values is about 1/n too low (Marriott and Pope, Biometrika 41, 1954).
    dependence = sum(one * after for one, after in pairwise(apart)) / squares + 1 / count if squares else 0.0
    return _Trimmed(sum(kept) / len(kept), squares / (len(kept) * (len(kept) - 1)), len(kept), dependence)


def _apart(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """Difference, its variance and degrees of freedom, of two samples."""
    first, second = _trimmed(before), _trimmed(after)
    inflated = _inflation((first.dependence + second.dependence) / 2)
    return second.mean - first.mean, (first.variance + second.variance) * inflated, _freedom(first, second)


def _paired(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """The same of the differences between batches of the same time, as far as both have them."""
    apart = _trimmed([new - old for old, new in zip(before, after, strict=False)])
    return apart.mean, apart.variance * _inflation(apart.dependence), float(apart.kept - 1)


def _inflation(dependence: float) -> float:
    """How much wider dependence makes the variance of a mean."""
    dependence = min(0.8, max(0.0, dependence))
    return (1 + dependence) / (1 - dependence)


def _freedom(first: _Trimmed, second: _Trimmed) -> float:
    """Welch's degrees of freedom."""
    parts = first.variance**2 / (first.kept - 1) + second.variance**2 / (second.kept - 1)
    return (first.variance + second.variance) ** 2 / parts if parts else float(first.kept + second.kept - 2)


def _student(probability: float, freedom: float) -> float:
    """The quantile of Student's t: the expansion of Abramowitz and Stegun, 26.7.5; within 1 % from 3 degrees on."""
    z = _NORMAL.inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms))


def _of_ratio(groups: Sequence[Sequence[Stretch]]) -> float:
    """The variance of failures / requests over batches."""
    counts = [(sum(one.failures for one in group), sum(one.requests for one in group)) for group in groups]
    failures, requests = sum(bad for bad, _ in counts), sum(count for _, count in counts)
    share, many = failures / requests, len(counts)
    return many / (many - 1) * sum((bad - share * count) ** 2 for bad, count in counts) / requests**2


def _sizes(grouped: Sequence[Sequence[Sequence[Stretch]]]) -> tuple[tuple[int, int], tuple[float, float]]:
    lengths = [sum(one.length for one in groups[0]) for groups in grouped]
    return (len(grouped[0]), len(grouped[1])), (lengths[0], lengths[1])


def spread_of_runs(values: Sequence[float | None]) -> float:
    """By what share equal runs differ as wholes: `BETWEEN`, or what the given ones (one measure of earlier runs, in
    their order, five at least) differed by from one to the next where that is more. The median of these differences
    makes it, so that one real change among them does not."""
    known = [log(value) for value in values if value and value > 0]
    apart = sorted(abs(after - before) for before, after in pairwise(known))
    if len(apart) < 4:
        return BETWEEN
    middle = (apart[(len(apart) - 1) // 2] + apart[len(apart) // 2]) / 2
    return max(BETWEEN, 1.4826 * middle)
