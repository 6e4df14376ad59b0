"""The figure of a measure and its limits a second time, in plain Python and by another road than the engine's.

Limits are looked for, not computed: the score test is solved for Wilson's, sums of Poisson and binomial chances
for the exact ones, the variance of a curve is that of every day's shares, pushed through the curve. From `bins`:
bin -> (counted, of). Scales, days and standard populations are told here again, from the unit that is shown, the
id and the source.
"""

import math
import re
from collections import defaultdict
from itertools import accumulate
from pathlib import Path
from statistics import NormalDist

from analytics.indicators.measures import (
    Cumulative,
    Expected,
    Mean,
    Odds,
    PerCounted,
    Quantile,
    Rate,
    Share,
    Standardised,
    Waiting,
)

Z = NormalDist().inv_cdf(0.975)
NOTHING = (None, None, None)
ROUNDS = 10

# Five-year groups from 0-4 on, the last open. indicators.md section 4.
ESP2013 = [
    5000,
    5500,
    5500,
    5500,
    6000,
    6000,
    6500,
    7000,
    7000,
    7000,
    7000,
    6500,
    6000,
    5500,
    5000,
    4000,
    2500,
    1500,
    1000,
]
WHO = [8.86, 8.69, 8.60, 8.47, 8.22, 7.93, 7.61, 7.15, 6.59, 6.04, 5.37, 4.55, 3.72, 2.96, 2.21, 1.52, 0.91, 0.63]  # fmt: skip
STANDARDS = {
    ("cervical", "participation_au_standardised"): WHO,
    ("cervical", "cancer_incidence"): WHO,
    ("colorectal", "cancer_incidence"): ESP2013,
}
LAST = 17  # 85 and over: the last group of the shorter standards


def binned(units):
    """Bin -> (counted, of), of the units of one stratum."""
    found = defaultdict(lambda: (0, 0))
    for u in units:
        counted, of = found[u.bin]
        found[u.bin] = (counted + u.counted, of + u.of)
    return dict(found)


def figure(of, unit, bins):
    """(value, low, high) of an indicator, as its `unit` is told; None where nothing can be told."""
    if not sum(many for _, many in bins.values()):
        return NOTHING
    return FIGURES[type(of.measure)](of, unit, bins)


# -- looking for limits ---------------------------------------------------------------------------------


def root(rising, low, high):
    """Where a rising function crosses zero."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def score_limits(counted, of):
    """The shares that a test by the normal score, with the variance of that share, would just not refuse."""
    share = counted / of
    low = root(lambda p: (p - share) + Z * math.sqrt(p * (1 - p) / of), 0.0, share) if counted else 0.0
    high = root(lambda p: (p - share) - Z * math.sqrt(p * (1 - p) / of), share, 1.0) if counted < of else 1.0
    return low, high


def poisson_up_to(counted, expected):
    """The chance of so many or fewer."""
    return math.fsum(
        math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(counted + 1)
    )


def exact_count_limits(counted):
    """The expectations under which so many or more, or so many or fewer, come up once in forty times."""
    top = counted + 10 * math.sqrt(counted + 1) + 10
    high = root(lambda e: 0.025 - poisson_up_to(counted, e), 1e-9, top)
    low = root(lambda e: 0.975 - poisson_up_to(counted - 1, e), 1e-9, top) if counted else 0.0
    return low, high


def chi_square_near(level, freedom):
    """Wilson and Hilferty's: the cube root of a chi-square is near to normal."""
    return freedom * (1 - 2 / (9 * freedom) + NormalDist().inv_cdf(level) * math.sqrt(2 / (9 * freedom))) ** 3


def near_count_limits(counted):
    """Byar's are the exact ones with the chi-square of Wilson and Hilferty."""
    return chi_square_near(0.025, 2 * counted) / 2, chi_square_near(0.975, 2 * counted + 2) / 2


def count_limits(counted):
    """Exact below ten, near from there."""
    return exact_count_limits(counted) if counted < 10 else near_count_limits(counted)


def students(level, freedom):
    """Student's quantile, from the area under his curve by Simpson's rule."""
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(
        freedom * math.pi
    )

    def area(t, steps=400):
        heights = [
            constant * (1 + (t * i / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(steps + 1)
        ]
        return 0.5 + t / steps / 3 * (
            heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        )

    return root(lambda t: area(t) - level, 0.0, 10.0)


def ranks(units, share):
    """Counted from 1: the highest below which, and the lowest above which, the quantile lies once in forty times."""
    chances = [
        math.exp(math.lgamma(units + 1) - math.lgamma(k + 1) - math.lgamma(units - k + 1)
                 + k * math.log(share) + (units - k) * math.log(1 - share))
        for k in range(units + 1)
    ]  # fmt: skip
    below = list(accumulate(chances))  # below[k]: k or fewer of them lie under the quantile
    above = list(accumulate(reversed(chances)))[::-1]  # above[k]: k or more
    low = max((k for k in range(1, units + 1) if below[k - 1] <= 0.025), default=None)
    high = min((k for k in range(1, units + 1) if above[k] <= 0.025), default=None)
    return low, high


def pushed_through(curve, days):
    """Variance of a figure of every day's shares, each of them linear in it: `days` is day -> (shares, at risk)."""
    variance = 0.0
    for day, (shares, waiting) in days.items():
        slopes = [
            curve(days | {day: (put(shares, n, 1.0), waiting)})
            - curve(days | {day: (put(shares, n, 0.0), waiting)})
            for n in range(len(shares))
        ]
        mean = sum(slope * share for slope, share in zip(slopes, shares, strict=True))
        squares = sum(slope**2 * share for slope, share in zip(slopes, shares, strict=True))
        variance += (squares - mean**2) / waiting
    return variance


def put(shares, place, value):
    return (*shares[:place], value, *shares[place + 1 :])


def on_the_log_log(share, variance):
    """Limits that are equally far on the scale of log(-log(share)); None where that has no end."""
    if not 0 < share < 1:
        return None, None
    reach = Z * math.sqrt(variance) / (share * -math.log(share))
    return share ** math.exp(reach), share ** math.exp(-reach)


# -- the measures -----------------------------------------------------------------------------------------


def per(unit):
    """Of how many the shown unit tells."""
    if unit.startswith("%"):
        return 100
    return int(re.match(r"per ([\d,]+)", unit)[1].replace(",", ""))


def summed(bins):
    return sum(counted for counted, _ in bins.values()), sum(of for _, of in bins.values())


def scaled(by, *figures):
    return tuple(None if f is None else f * by for f in figures)


def share(of, unit, bins):
    assert of.measure.method == "wilson"
    counted, many = summed(bins)
    return scaled(per(unit), counted / many, *score_limits(counted, many))


def rate(of, unit, bins):
    assert of.measure.method == "byar_or_exact"
    assert unit.endswith(" person-years")
    counted, days = summed(bins)
    return scaled(per(unit) / (days / 365.25), counted, *count_limits(counted))


def per_counted(of, unit, bins):
    assert of.measure.method == "wilson"
    counted, many = summed(bins)
    low, high = score_limits(counted, many)
    return (many / counted, 1 / high, 1 / low) if counted else NOTHING


def odds(of, unit, bins):
    assert of.measure.method == "wilson"
    counted, many = summed(bins)
    if counted == many:
        return NOTHING
    low, high = score_limits(counted, many)
    return counted / (many - counted), low / (1 - low), high / (1 - high)


def listed(bins):
    """Every unit's number, in order."""
    return sorted(number for number, (_, many) in bins.items() for _ in range(many))


def mean(of, unit, bins):
    assert of.measure.method == "student_t"
    told = listed(bins)
    middle = sum(told) / len(told)
    scatter = sum((x - middle) ** 2 for x in told)
    if len(told) < 30 or scatter == 0:
        return middle, None, None
    reach = students(0.975, len(told) - 1) * math.sqrt(scatter / (len(told) - 1) / len(told))
    return middle, middle - reach, middle + reach


def median(of, unit, bins):
    assert (of.measure.method, of.measure.share, unit) == ("order_statistics", 0.5, "days")
    told = listed(bins)
    middle = (told[(len(told) - 1) // 2] + told[len(told) // 2]) / 2
    low, high = ranks(len(told), 0.5)
    if low is None or high is None or low == 1 or high == len(told) or told[low - 1] == told[high - 1]:
        return middle, None, None
    return middle, told[low - 1], told[high - 1]


def waiting(of, unit, bins):
    assert (of.measure.method, unit) == ("aalen_johansen", "%")
    until = int(re.search(r"_(\d+)d$", of.id)[1])
    days, left = {}, sum(many for _, many in bins.values())
    last, still_waiting = max(place // 4 for place in bins), False
    for day in sorted({place // 4 for place in bins}):
        ended = [bins.get(4 * day + kind, (0, 0))[1] for kind in (1, 2)]
        if day <= until:
            days[day] = ((ended[0] / left, ended[1] / left), left)
        censored = bins.get(4 * day, (0, 0))[1]
        still_waiting = day == last and censored > 0
        left -= sum(ended) + censored
    if last < until and still_waiting:
        return NOTHING
    value = incidence(days)
    return scaled(100, value, *on_the_log_log(value, pushed_through(incidence, days)))


def incidence(days):
    """Aalen and Johansen's share, day by day: of those free of anything, who met the outcome."""
    met, free = 0.0, 1.0
    for (outcome, other), _ in days.values():
        met += free * outcome
        free *= 1 - outcome - other
    return met


def cumulative(of, unit, bins):
    assert (of.measure.method, unit, of.id) == ("discrete_time", "%", "cumulative_false_positive")
    rounds = {n: bins.get(n, (0, 0)) for n in range(1, ROUNDS + 1)}
    if not all(many for _, many in rounds.values()):
        return NOTHING
    days = {n: ((counted / many,), many) for n, (counted, many) in rounds.items()}
    value = 1 - never(days)
    low, high = on_the_log_log(never(days), pushed_through(never, days))
    return scaled(100, value, *(None if end is None else 1 - end for end in (high, low)))


def never(days):
    return math.prod(1 - shares[0] for shares, _ in days.values())


def standardised(of, unit, bins):
    assert of.measure.method == "dobson"
    weights = STANDARDS[of.programme.cancer, of.id]
    by_years = 365.25 if "person-years" in unit else 1
    groups = defaultdict(lambda: [0, 0])
    for age, (counted, many) in bins.items():
        held = groups[min(age // 5, LAST)]
        held[0] += counted
        held[1] += many / by_years
    wanted = {n: sum(weights[n:]) if n == LAST else weights[n] for n in groups if groups[n][1]}
    whole, events = sum(wanted.values()), sum(counted for counted, _ in groups.values())
    if events < 10:
        return NOTHING
    value = sum(w * groups[n][0] / groups[n][1] for n, w in wanted.items()) / whole
    variance = sum(w**2 * groups[n][0] / groups[n][1] ** 2 for n, w in wanted.items()) / whole**2
    low, high = (value + math.sqrt(variance / events) * (end - events) for end in near_count_limits(events))
    return scaled(per(unit), value, low, high)


def without_screening():
    """Age -> new invasive cancers of the breast a woman and year, as the file of our guesses tells them."""
    told = (Path(__file__).parents[3] / "analytics/indicators/background.yaml").read_text()
    rows = re.findall(r"from: (\d+), before: (\d+), per_100000: (\d+)", told)
    return {age: int(many) / 100_000 for a, b, many in rows for age in range(int(a), int(b))}


def expected(of, unit, bins):
    assert of.measure.method == "byar_or_exact"
    chance = without_screening()
    if (
        of.id == "detection_ratio"
    ):  # at a first screen thrice the cancers of a year, at later ones half as many again
        awaited = sum(
            chance.get(place // 2, 0) * (1.5 if place % 2 else 3) * many for place, (_, many) in bins.items()
        )
    else:
        awaited = sum(chance.get(age, 0) * days / 365.25 for age, (_, days) in bins.items())
    counted, _ = summed(bins)
    by = {"%": 100, "observed : expected": 1}[unit]
    return scaled(by / awaited, counted, *count_limits(counted)) if awaited else NOTHING


FIGURES = {
    Share: share,
    Rate: rate,
    PerCounted: per_counted,
    Odds: odds,
    Mean: mean,
    Quantile: median,
    Waiting: waiting,
    Cumulative: cumulative,
    Standardised: standardised,
    Expected: expected,
}
