"""Lives nobody thought of, in every programme: what must hold of every decision about them."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.history.events import Event
from screening.protocols.decide import decide
from screening.protocols.decision import Person
from screening.protocols.load import installed_families
from screening.protocols.sequence import same_day_rank
from screening.vocabulary import (
    FINDINGS_OF,
    Destination,
    EventKind,
    ObligationKind,
    OptOutScope,
    Sample,
    Sex,
    Status,
    Test,
)

FAMILIES = sorted(installed_families())
FIRST = date(2012, 1, 1)
LIVES = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A few days close together and years apart, so that much happens on the same day and limits are met.
DAYS = st.one_of(
    st.integers(0, 40),
    st.integers(0, 200).map(lambda month: month * 30),
    st.integers(0, 16).map(lambda year: year * 365),
).map(lambda days: FIRST + timedelta(days=days))
CALLING = {ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.DISPATCH_KIT}


def protocol_of(name):
    return installed_families()[name].versions[-1].protocol


def bodies(name, kind):
    protocol = protocol_of(name)
    if kind == EventKind.TESTED:
        return st.one_of([tests(test, words) for test, words in FINDINGS_OF[protocol.programme].items()])
    codes = [code for group in protocol.treatments for code in group.findings]
    histologies = [*FINDINGS_OF[protocol.programme][Test.HISTOLOGY], *protocol.diagnoses, "C81"]
    reasons = [reason for rule in protocol.ceasing for reason in rule.reasons]
    made = {
        EventKind.TREATED: st.fixed_dictionaries({"code": st.sampled_from([*codes, "unheard_of"])}),
        EventKind.DIAGNOSED: st.fixed_dictionaries({"code": st.sampled_from(histologies)}),
        EventKind.CEASED: st.fixed_dictionaries({"reason": st.sampled_from([*reasons, "unheard_of"])}),
        EventKind.DEFERRED: st.fixed_dictionaries({"until": DAYS, "reason": st.just("own_wish")}),
        EventKind.OPTED_OUT: st.fixed_dictionaries({"scope": st.sampled_from(sorted(OptOutScope))}),
        EventKind.OPTED_IN: st.fixed_dictionaries(
            {}, optional={"scope": st.sampled_from(sorted(OptOutScope))}
        ),
        EventKind.MOVED: st.fixed_dictionaries({"municipality": st.sampled_from(["0301", "4204", "3403"])}),
        EventKind.RESULT_GIVEN: st.fixed_dictionaries(
            {}, optional={"letter": st.sampled_from(sorted(protocol.letters))}
        ),
    }
    if kind.startswith("appointment") or kind == EventKind.REFERRED:
        return st.fixed_dictionaries({}, optional={"to": st.sampled_from(sorted(Destination))})
    if kind in (
        EventKind.INVITED,
        EventKind.REMINDED,
        EventKind.KIT_DISPATCHED,
        EventKind.FOLLOW_UP_LETTER_SENT,
    ):
        return st.fixed_dictionaries({}, optional={"letter": st.sampled_from(sorted(protocol.letters))})
    return made.get(kind, st.just({}))


def tests(test, words):
    found = st.lists(st.sampled_from(sorted(words)), max_size=2)
    more = {"profile": st.sampled_from(["extended", "standard", "elsewhere"]), "analysed_on": DAYS}
    if test == Test.FIT:
        more["ug_per_g"] = st.sampled_from([0.0, 15.0, 15.1, 47.0, 80.0, 119.9, 120.0, 500.0])
    if test == Test.MAMMOGRAPHY:
        more["reader"] = st.sampled_from("ABC")
    fixed = {"test": st.just(test), "findings": found, "sample": st.sampled_from(sorted(Sample))}
    return st.fixed_dictionaries(fixed, optional=more)


@st.composite
def histories(draw, name, most=14):
    count = draw(st.integers(0, most))
    events = []
    for number in range(1, count + 1):
        # what a programme is about happens more often than the rest
        kind = draw(
            st.one_of(
                st.just(EventKind.TESTED), st.just(EventKind.TESTED), st.sampled_from(sorted(EventKind))
            )
        )
        occurred = draw(DAYS)
        supersedes = draw(st.one_of(st.none(), st.none(), st.none(), st.integers(1, number)))
        events.append(
            Event(
                id=number, kind=kind, occurred_on=occurred, recorded_on=occurred + timedelta(days=draw(st.integers(0, 60))),
                body=draw(bodies(name, kind)), supersedes=supersedes if supersedes != number else None,
            )
        )  # fmt: skip
    return events


def people(name):
    population = protocol_of(name).population
    born = st.integers(0, 60 * 365).map(lambda days: date(1935, 1, 1) + timedelta(days=days))
    return st.builds(
        Person, born=born, sex=st.sampled_from(sorted(Sex)), resident_since=st.one_of(st.none(), DAYS),
        municipality=st.sampled_from(["", "4204", "3403"] if population.cohorts else [""]),
    )  # fmt: skip


def lives(name):
    return st.tuples(people(name), histories(name), DAYS)


def told(decision):
    """Everything a decision says, in a form that can be compared."""
    return (msgspec.structs.replace(decision, fired=(), settled=()), decision.closed, decision.trace)


every_programme = pytest.mark.parametrize("name", FAMILIES)


@every_programme
@LIVES
@given(data=st.data())
def test_no_sequence_of_events_raises_and_everybody_has_one_status(name, data):
    person, history, today = data.draw(lives(name))
    decision = decide(installed_families()[name], person, history, today)
    assert decision.status in set(Status)
    assert decision.reason
    assert decision.rule
    keys = [(one.episode, one.kind, one.subject) for one in decision.obligations]
    assert len(keys) == len(set(keys)), "nothing is owed twice"


@every_programme
@LIVES
@given(data=st.data())
def test_deciding_twice_gives_the_same(name, data):
    person, history, today = data.draw(lives(name))
    family = installed_families()[name]
    assert told(decide(family, person, history, today)) == told(decide(family, person, list(history), today))


@every_programme
@LIVES
@given(data=st.data())
def test_the_order_of_recording_does_not_matter(name, data):
    """Where all is known by the day asked about, nothing corrects anything, and no day holds two things of one rank."""
    person, history, today = data.draw(lives(name))
    plain = [msgspec.structs.replace(one, supersedes=None, recorded_on=one.occurred_on) for one in history]
    seen = set()
    distinct = []
    for one in plain:
        place = (one.occurred_on, same_day_rank(one))
        if place not in seen:
            seen.add(place)
            distinct.append(one)
    order = data.draw(st.permutations(range(len(distinct))))
    shuffled = [msgspec.structs.replace(distinct[old], id=new) for new, old in enumerate(order, start=1)]
    family = installed_families()[name]
    one, other = decide(family, person, distinct, today), decide(family, person, shuffled, today)
    assert summary(one) == summary(other)


def summary(decision):
    """All but the number of the event that a result is owed for: it is the order of recording."""
    return (
        decision.status, decision.reason, decision.rule, decision.protocol, decision.next_due_on, decision.next_action_on,
        [msgspec.structs.replace(one, subject=one.subject.split(" #")[0]) for one in decision.obligations],
        decision.trace,
    )  # fmt: skip


@every_programme
@LIVES
@given(data=st.data())
def test_a_corrected_event_leaves_no_trace(name, data):
    """But for the subject under which a corrected result is told again."""
    person, history, today = data.draw(lives(name))
    known = [one for one in history if one.recorded_on <= today]
    gone = {one.supersedes for one in known}
    without = [
        msgspec.structs.replace(one, supersedes=None)
        for one in known
        if one.id not in gone and one.kind != "result_withdrawn"
    ]
    family = installed_families()[name]
    one, other = decide(family, person, history, today), decide(family, person, without, today)
    assert summary(one)[:-2] == summary(other)[:-2]
    assert one.trace == other.trace
    assert [(owed.kind, owed.due_on, owed.rule) for owed in one.obligations] == [
        (owed.kind, owed.due_on, owed.rule) for owed in other.obligations
    ]


@every_programme
@LIVES
@given(data=st.data())
def test_nobody_is_invited_without_an_invitation(name, data):
    person, history, today = data.draw(lives(name))
    decision = decide(installed_families()[name], person, history, today)
    sent = [
        one
        for one in history
        if one.kind in ("invited", "reminded", "kit_dispatched") and one.occurred_on <= today
    ]
    assert decision.status != Status.INVITED or sent


@every_programme
@LIVES
@given(data=st.data())
def test_the_next_action_lies_ahead_and_until_then_nothing_changes(name, data):
    person, history, today = data.draw(lives(name))
    family = installed_families()[name]
    known = [one for one in history if one.recorded_on <= today and one.occurred_on <= today]
    decision = decide(family, person, known, today)
    ahead = decision.next_action_on
    assert ahead is None or ahead > today
    last = ahead - timedelta(days=1) if ahead is not None else today + timedelta(days=40_000)
    between = today + timedelta(days=data.draw(st.integers(0, (last - today).days)))
    for day in {between, last}:
        assert standing(decide(family, person, known, day)) == standing(decision), day


def standing(decision):
    return (
        decision.protocol,
        decision.status,
        decision.reason,
        decision.rule,
        decision.next_due_on,
        decision.obligations,
        decision.closed,
    )


@every_programme
@LIVES
@given(data=st.data())
def test_who_reserved_against_contact_is_sent_nothing_that_calls(name, data):
    person, history, today = data.draw(lives(name))
    first = Event(
        0, EventKind.OPTED_OUT, FIRST - timedelta(days=1), FIRST - timedelta(days=1), {"scope": "contact"}
    )
    kept = [one for one in history if one.kind != EventKind.OPTED_IN]
    decision = decide(installed_families()[name], person, [first, *kept], today)
    assert not CALLING & {one.kind for one in decision.obligations}


@every_programme
@LIVES
@given(data=st.data())
def test_who_is_in_follow_up_is_owed_something(name, data):
    person, history, today = data.draw(lives(name))
    decision = decide(installed_families()[name], person, history, today)
    reserved = any(one.kind == EventKind.OPTED_OUT for one in history)
    assert decision.status != Status.IN_FOLLOW_UP or decision.obligations or reserved
