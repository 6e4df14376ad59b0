"""What every programme is asked, the long way."""

from datetime import timedelta

from tests.indicators.slowly.reckoning import (
    COUNTY,
    DATA_CUT,
    END,
    FOREVER,
    Unit,
    before,
    days_after,
    first_within,
    months_after,
    up_to,
    within,
)

FOLLOW_UP = {"repeat_test", "obtain_triage", "refer", "attend", "obtain_histology", "treat", "test_of_cure"}


def words(event):
    return (event.findings or "").split()


def tests(life, test):
    return [e for e in life.events if e.kind == "tested" and e.test == test]


def days(life, *kinds):
    return [e.date for e in life.events if e.kind in kinds]


def sendings(life, kinds=("invited", "reminded", "kit_dispatched")):
    return [e.date for e in life.events if e.kind in kinds and e.letter != "kit_replacement"]


def calls(life, answered):
    """Days on which a call began: a reminder or kit goes on with the one before it, a late one until that is answered."""
    begun, last = [], None
    for d in sorted(set(sendings(life))):
        reminds, invites = d in sendings(life, ["reminded"]), d in sendings(life, ["invited"])
        if last is None or invites:
            begun.append(d)
        elif d > months_after(last, 6):
            open_still = reminds and d <= months_after(last, 18) and not any(last <= t < d for t in answered)
            begun += [] if open_still else [d]
        last = d
    return begun


def sent_to(life, kind, to):
    return [e.date for e in life.events if e.kind == kind and e.to in (None, to)]


def leaving(life):
    return days(life, "died", "emigrated")


WITHOUT_ORGAN = {"no_cervix", "no_breast", "no_bowel", "no_colon"}
REMOVED = {"hysterectomy", "total_hysterectomy", "bilateral_mastectomy", "colectomy", "total_colectomy"}


def has_the_organ(life, on):
    """Nothing was told of its loss, or the person was taken in again on a later day."""
    lost = [
        e.date
        for e in life.events
        if (e.kind == "ceased" and e.code in WITHOUT_ORGAN | REMOVED)
        or (e.kind == "treated" and e.code in REMOVED)
    ]
    last = up_to(lost, on)
    return last is None or any(last < d <= on for d in days(life, "reinstated"))


def opened(life, kind, *states):
    return [o.opened_on for o in life.owed if o.kind == kind and (not states or o.state in states)]


def primary(life, specimens):
    """Of day -> (valid, …) those that open an episode."""
    chosen, earlier = {}, None
    for on, specimen in sorted(specimens.items()):
        episodes = [
            o.episode or o.opened_on
            for o in life.owed
            if o.kind in FOLLOW_UP and not o.withdrawn_on and o.opened_on < on <= (o.evidence_on or FOREVER)
        ]
        replaces = specimen["valid"] and episodes and (earlier is None or earlier < min(episodes))
        if not episodes or replaces:
            chosen[on] = specimen
        if specimen["valid"]:
            earlier = on
    return chosen


def shares(found, counted):
    return [Unit(d, int(counted(d))) for d in found]


def tellings(life):
    """(day on which it came to be owed, or was told without being owed; day told; day withdrawn) of each result."""
    owed = [o for o in life.owed if o.kind == "give_result"]
    answers = [o.evidence_on for o in owed]
    unasked = [d for d in days(life, "result_given") if d not in answers]
    return [(o.opened_on, o.evidence_on, o.withdrawn_on) for o in owed] + [(d, d, None) for d in unasked]


def told_in_time(life, found, taken, last_of):
    """Of the tests `found` those that were told or to be told. `taken`: days of every test, `last_of`: of a day the last in time."""
    units = []
    for d in found:
        last = last_of(d)
        about = [t for t in tellings(life) if up_to(taken, t[0]) == d]
        owed = [told for _, told, withdrawn in about if not (withdrawn and d <= withdrawn <= last)]
        if owed:
            units.append(Unit(d, int(any(told and d <= told <= last for told in owed))))
    return units


def medians(found, outcomes, months):
    """Days to the outcome, of those who reached it in time."""
    reached = [(d, first_within(outcomes, d, months_after(d, months))) for d in found]
    return [Unit(d, 1, bin=(then - d).days) for d, then in reached if then]


def waits(found, outcomes, ruled_out, latest):
    """4 * day + what ended it: 1 the outcome, 2 something that rules it out, 0 the end of the data."""
    units = []
    for d in found:
        ends = {1: first_within(outcomes, d, FOREVER), 2: first_within(ruled_out, d, FOREVER), 0: DATA_CUT}
        waited = min([(then - d).days for then in ends.values() if then] + [latest + 1])
        end = next((k for k in (1, 2) if ends[k] and (ends[k] - d).days == waited), 0)
        units.append(Unit(d, int(end == 1), bin=4 * waited + end))
    return units


def at_risk(life, screens, found, next_screen, months, begin=0, bin_of=None):
    """`found`: day -> day of the interval cancer; `next_screen`: day -> the next one."""
    units = []
    for d in screens:
        start, limit = months_after(d, begin), months_after(d, months)
        ends = [found[d], next_screen[d], first_within(leaving(life), d, FOREVER), limit, DATA_CUT]
        end = min(e for e in ends if e)
        if end > start or (end == start and not begin):  # else it was told of the time before
            units.append(Unit(d, int(found[d] == end), (end - start).days, bin_of(d) if bin_of else None))
    return units


def owed_in_time(life, asked):
    due = {}
    for o in life.owed:
        last = o.due_on + timedelta(days=30)
        if o.kind not in ("invite", "remind", "dispatch_kit") or (o.withdrawn_on and o.withdrawn_on <= last):
            continue
        sent = o.evidence_on is not None and o.evidence_on <= last
        due[o.due_on] = due.get(o.due_on, True) and sent
    return shares(asked.first(life, due), lambda d: due[d])


def covered(life, asked, answered, months):
    since = months_after(END, -months)
    return shares(asked.here(life), lambda d: any(since <= t <= d for t in answered))


def number(life, asked, answered, months, *, tested_only=False):
    since = months_after(END, -months)
    units = []
    for d in asked.here(life):
        many = sum(since <= t <= d for t in set(answered))  # a specimen tested in two ways is one
        if many or not tested_only:
            units.append(Unit(d, 1, bin=many))
    return units


def retained(life, asked, answered):
    units = []
    begun = calls(life, answered)
    for d in asked.first(life, begun):
        called = before(begun, d)
        if called and any(called <= t < d for t in answered):
            units.append(Unit(d, int(within(answered, d, months_after(d, 6)))))
    return units


def came_round(life, asked, answered, screens, months):
    units = []
    for d in asked.first(life, calls(life, answered)):
        since = before(screens, d)
        if since:
            units.append(Unit(d, int(d <= months_after(since, months))))
    return units


def lived(life, asked, cancers):
    """Days lived here in the year, at the age of its middle, and first cancers at theirs."""
    start, middle = END.replace(year=END.year - 1), END.replace(year=END.year - 1) + timedelta(days=183)
    units = []
    for home in life.homes:
        a, b = max(home.since, start), min(home.until or FOREVER, END, DATA_CUT)
        if b > a and asked.fits(life, middle):
            years = asked.ages.of(life, middle)
            units.append(Unit(middle, 0, (b - a).days, years, county=COUNTY[home.municipality]))
    first = sorted(cancers)[:1]
    return units + [Unit(d, 1, 0, asked.ages.of(life, d)) for d in asked.each(life, first)]


def general(answered, screens, months):
    """Indicators of every programme, from the days of its tests with an answer and of its screens."""
    return {
        "invitation_coverage": owed_in_time,
        "invited_in_round": lambda life, asked: covered(life, asked, calls(life, answered(life)), months),
        "participation": lambda life, asked: shares(
            asked.first(life, calls(life, answered(life))),
            lambda d: within(answered(life), d, months_after(d, 6)),
        ),
        "response_to_reminder": lambda life, asked: shares(
            asked.first(life, sendings(life, ["reminded"])),
            lambda d: within(answered(life), d, months_after(d, 12)),
        ),
        "retention": lambda life, asked: retained(life, asked, answered(life)),
        "undeliverable_rate": lambda life, asked: shares(
            asked.each(life, sendings(life)),
            lambda d: within(
                days(life, "letter_undeliverable", "kit_undeliverable"),
                d,
                min([days_after(d, 90), *(again for again in sendings(life) if again > d)]),
            ),
        ),
        "test_coverage": lambda life, asked: covered(life, asked, answered(life), months + 6),
        "test_capacity": lambda life, asked: number(life, asked, answered(life), months + 6),
        "overscreening_index": lambda life, asked: number(
            life, asked, answered(life), months + 6, tested_only=True
        ),
        "never_screened": lambda life, asked: shares(
            asked.here(life), lambda d: up_to(answered(life), d) is None
        ),
        "round_length": lambda life, asked: came_round(life, asked, answered(life), screens(life), months),
        **{
            f"kit_return_{n}d": lambda life, asked, n=n: shares(
                asked.each(life, days(life, "kit_dispatched")),
                lambda d: within(
                    days(life, "kit_returned", "kit_received", "kit_rejected"), d, days_after(d, n)
                ),
            )
            for n in (90, 180)
        },
    }
