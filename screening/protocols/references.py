"""Does everything a protocol names exist: letters, tests, words, stages, sources, facts?"""

from collections.abc import Iterator, Mapping

from screening.protocols.facts import FACTS, LAST_ROUND, MISSING
from screening.protocols.model import CALL, Lapse, Protocol, Row, Stage, Table
from screening.vocabulary import FINDINGS_OF, EventKind, ObligationKind, Test

Complaint = tuple[str, str]  # (id of the rule, or empty; what is wrong with it)
_EVIDENCE = frozenset(
    {
        EventKind.REFERRED,
        EventKind.APPOINTMENT_BOOKED,
        EventKind.APPOINTMENT_ATTENDED,
        EventKind.KIT_DISPATCHED,
    }
)
_CALLS = frozenset({ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.DISPATCH_KIT})
_JUDGED_EVENTS = frozenset({EventKind.DIAGNOSED, EventKind.TREATED, EventKind.FOLLOW_UP_CLOSED})


def broken_references(protocol: Protocol) -> Iterator[Complaint]:
    """What is wrong, rule by rule; nothing where every reference holds."""
    yield from _rules(protocol)
    yield from _ages(protocol)
    yield from _findings(protocol)
    yield from _stages(protocol)
    yield from _call(protocol)
    yield from _tables(protocol)
    yield from _letters(protocol)


def _rules(protocol: Protocol) -> Iterator[Complaint]:
    seen: set[str] = set()
    for rule in protocol.rules():
        if rule.id in seen:
            yield rule.id, "this rule stands twice"
        seen.add(rule.id)
        if not rule.source:
            yield rule.id, "names no source; expected at least one of `sources`"
        for source in rule.source:
            if source not in protocol.sources:
                yield rule.id, f"source {source} is not listed; there are {', '.join(protocol.sources)}"
    force = protocol.in_force
    if force.until is not None and force.until <= force.since:
        yield "", f"in_force ends {force.until}, not after it begins, {force.since}"


def _ages(protocol: Protocol) -> Iterator[Complaint]:
    population, call = protocol.population, protocol.call
    limits = [(population.id, population.enters), (population.id, population.leaves)]
    limits += [(one.id, limit) for one in call.at_age for limit in (one.at, one.until)]
    limits += [(one.id, one.age) for one in call.limits if one.age is not None]
    for rule, limit in limits:
        if limit.in_year and limit.months:
            yield rule, "with `in_year` a limit is a 1 January; `months` mean nothing beside it"


def _findings(protocol: Protocol) -> Iterator[Complaint]:
    for test, known in FINDINGS_OF[protocol.programme].items():
        grouped = [finding for group in protocol.groups.get(test, ()) for finding in group.findings]
        for word in sorted(known - set(grouped)):
            yield "", f"groups: {test}: finding {word} is in no group"
        for word in sorted(set(grouped) - known):
            yield "", f"groups: {test}: {word} is not a finding of this test"
        for word in sorted({w for w in grouped if grouped.count(w) > 1}):
            yield "", f"groups: {test}: {word} is in two groups"
        if not any(test in table.judges for table in protocol.tables.values()):
            yield "", f"no table judges {test}, so nobody would act on its results"
    for test in protocol.groups.keys() - FINDINGS_OF[protocol.programme].keys():
        yield "", f"groups: {test} is not a test of {protocol.programme} screening"
    histologies = FINDINGS_OF[protocol.programme][Test.HISTOLOGY]
    for code, finding in protocol.diagnoses.items():
        if finding not in histologies:
            yield "", f"diagnoses: {code} stands for {finding}, which is no histology here"
    if Test.FIT in protocol.groups and not protocol.cutoffs:
        yield "", "stool samples need `cutoffs`"
    for cutoff in protocol.cutoffs:
        if (cutoff.above is None) == (cutoff.at_least is None):
            yield cutoff.id, "expected exactly one of `above` and `at_least`"


def _letters(protocol: Protocol) -> Iterator[Complaint]:
    for rule, letter in named_letters(protocol):
        if letter not in protocol.letters:
            yield rule, f"letter {letter} does not exist; `letters` has {', '.join(sorted(protocol.letters))}"
    used = {letter for _, letter in named_letters(protocol)}
    for letter in sorted(protocol.letters - used):
        yield "", f"letters: no rule sends {letter}"


def named_letters(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """(rule, template) for every letter that any rule may send."""
    call = protocol.call
    for one in (*call.at_age, *call.steps):
        yield one.id, one.letter
    if call.offer is not None:
        yield from ((call.offer.id, letter) for letter in (call.offer.letter, call.offer.reminder_letter))
    for stage in protocol.stages:
        yield from ((one.id, one.letter) for one in (stage.missing, stage.no_show) if one is not None)
        yield from ((stage.id, owed.letter) for owed in stage.owes if owed.letter is not None)
    for table in protocol.tables.values():
        if table.tells is not None:
            yield from ((table.tells.id, letter) for letter in table.tells.letters.values())


def _tables(protocol: Protocol) -> Iterator[Complaint]:
    judged: set[str] = set()
    for name, table in protocol.tables.items():
        for news in table.judges:
            if news in judged:
                yield "", f"tables: {news} is judged by two tables"
            judged.add(news)
            if news not in protocol.groups and not _is_event(news):
                yield "", f"tables: {name} judges {news}, which is no test or event that can be judged"
        known = {fact: frozenset(FACTS[fact].words(protocol)) for fact in table.facts if fact in FACTS}
        for fact in table.facts:
            if fact not in FACTS:
                yield "", f"tables: {name}: there is no fact {fact}; there are {', '.join(sorted(FACTS))}"
            elif FACTS[fact].needs and not FACTS[fact].needs & set(table.judges):
                yield "", f"tables: {name}: {fact} cannot be told of {', '.join(table.judges)}"
        for row in table.rows:
            yield from _row(row, table, known)
        yield from _result_letters(protocol, table)
    for event in _JUDGED_EVENTS - judged:
        yield "", f"no table judges {event}, so it would change nothing"


def _is_event(news: str) -> bool:
    return news in _JUDGED_EVENTS or news.startswith(f"{EventKind.APPOINTMENT_ATTENDED}/")


def _row(row: Row, table: Table, known: Mapping[str, frozenset[str]]) -> Iterator[Complaint]:
    for alternative in row.when:
        for fact, words in alternative.items():
            if fact not in table.facts:
                yield row.id, f"{fact} is not a fact of this table; it has {', '.join(table.facts)}"
            elif fact in known:
                for word in sorted(words - known[fact]):
                    yield row.id, f"{fact} is never {word}; it is one of {', '.join(sorted(known[fact]))}"


def _result_letters(protocol: Protocol, table: Table) -> Iterator[Complaint]:
    rule = table.tells
    if rule is None:
        return
    if rule.fact not in FACTS:
        yield rule.id, f"there is no fact {rule.fact}"
        return
    for word in sorted(rule.letters.keys() - set(FACTS[rule.fact].words(protocol)) - {MISSING}):
        yield rule.id, f"{rule.fact} is never {word}"


def _stages(protocol: Protocol) -> Iterator[Complaint]:
    stages = {stage.name: stage for stage in protocol.stages}
    if CALL not in stages:
        yield "", f"stages: there is no stage {CALL}"
    if len(stages) < len(protocol.stages):
        yield "", "stages: two stages have one name"
    lapses = [stage.lapses for stage in protocol.stages if stage.lapses is not None]
    for rule in (*protocol.rows(), *lapses):
        yield from _leads_somewhere(rule, stages, by_age=bool(protocol.call.ages))
    for stage in protocol.stages:
        for owed in stage.owes:
            for evidence in sorted(owed.closed_by - _EVIDENCE - protocol.tables.keys()):
                known = ", ".join(sorted({*_EVIDENCE, *protocol.tables}))
                yield stage.id, f"{evidence} closes nothing; evidence is one of {known}"


def _leads_somewhere(rule: Row | Lapse, stages: Mapping[str, Stage], *, by_age: bool) -> Iterator[Complaint]:
    name = rule.then.stage
    if name is None:
        return
    if name not in stages:
        yield rule.id, f"stage {name} does not exist; there are {', '.join(sorted(stages))}"
        return
    needs_date = (name == CALL and not by_age) or any(owed.within is None for owed in stages[name].owes)
    if needs_date and rule.then.after is None:
        yield rule.id, f"stage {name} needs `after`, the time until what is owed is due"


def _call(protocol: Protocol) -> Iterator[Complaint]:
    call = protocol.call
    sends_kits = call.offer is not None or any(step.kind == "dispatch_kit" for step in call.steps)
    if sends_kits and call.kits is None:
        yield "", "call: kits go out, so `kits` must say when one that came back owes a result"
    if call.offer is not None and any(step.kind == "dispatch_kit" for step in call.steps):
        yield call.offer.id, "an offer of kits and a step that sends kits exclude each other"
    if call.offer is not None and (call.offer.overdue is None) == (call.offer.without_sample is None):
        yield call.offer.id, "expected exactly one of `without_sample` and `overdue`"
    if call.again.after is None and not call.ages:
        yield call.again.id, "needs `after`, or fixed `ages`"
    claimed: set[int] = set()
    for rule in call.ages:
        if claimed & set(rule.ages):
            yield rule.id, "an age stands in two rules"
        claimed |= set(rule.ages)
        for word in sorted(rule.last_round - set(LAST_ROUND)):
            yield rule.id, f"last_round is never {word}; it is one of {', '.join(LAST_ROUND)}"
    for step in call.steps:
        if step.kind not in _CALLS:
            yield step.id, f"{step.kind} calls nobody; expected one of {', '.join(sorted(_CALLS))}"
    if not call.steps:
        yield "", "call: there are no steps, so nobody would ever be called"
