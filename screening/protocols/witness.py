"""A combination of facts told as a case that can be filled in: somebody whose history comes to exactly that."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

import yaml

from screening.protocols.family import CompiledProtocol
from screening.protocols.lookup import FACT_OF, Lookup
from screening.protocols.model import CALL, Row, Word
from screening.protocols.spans import Span, birthday
from screening.vocabulary import EventKind, Sample, Sex, Test

_BETWEEN = Span(days=20)
_LONG_AGO = Span(years=2)


class Hop(NamedTuple):
    table: Lookup
    facts: Mapping[str, Word]
    row: Row | None


def witness(compiled: CompiledProtocol, table: Lookup, known: Mapping[str, Word]) -> str:
    """A case, as YAML, whose last news has these facts; what should follow is left to be filled in.

    Facts that only a long history could show may need more entries before it.
    """
    hops = [*_way_to(compiled, known), Hop(table, known, None)]
    first = compiled.protocol.in_force.since + timedelta(days=1)
    history: list[dict[str, Any]] = []
    if known.get("negative_history") == "all_negative":
        history.append({"date": _LONG_AGO.before(first), "test": "hpv", "findings": ["negative"]})
    day = first
    for hop in hops:
        history += [{"date": day, **entry} for entry in _entries(compiled, hop)]
        day = _BETWEEN.after(day)
    case = {
        "title": f"what follows {', '.join(f'{fact} {word}' for fact, word in known.items())}",
        "source": "",
        "person": {
            "born": _born(compiled, known, history[-1]["date"] if history else first),
            "sex": _sex(compiled),
        },
        "history": history,
        "as_of": _BETWEEN.after(day),
        "expect": {"status": "", "obligations": []},
    }
    return yaml.dump(
        [case], Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


class _Plain(yaml.SafeDumper):
    """Writes a day twice rather than refer to it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  PyYAML's own shape
        return True


def _way_to(compiled: CompiledProtocol, known: Mapping[str, Word]) -> list[Hop]:
    """The shortest way from call to the stage, through the group that must be found again where it must."""
    wanted = known.get("stage", CALL)
    same = known.get("hpv_group") if known.get("persistence") == "same" else None
    ways: list[tuple[str, list[Hop]]] = [(CALL, [])]
    seen = {CALL}
    while ways:
        stage, way = ways.pop(0)
        if stage == wanted and (same is None or any(hop.facts.get("hpv_group") == same for hop in way)):
            return way
        for hop in _steps_from(compiled, stage, same):
            reached = hop.row.then.stage if hop.row else None
            if reached is not None and (reached not in seen or reached == wanted):
                seen.add(reached)
                if len(way) < len(compiled.stages):
                    ways.append((reached, [*way, hop]))
    return []


def _steps_from(compiled: CompiledProtocol, stage: str, same: Word | None) -> list[Hop]:
    hops: list[Hop] = []
    for table in compiled.tables.values():
        if EventKind.FOLLOW_UP_CLOSED in table.table.judges:
            continue
        hops += [
            Hop(table, one.known, one.rows[0])
            for one in table.combinations()
            if one.known.get("stage", stage) == stage and len(one.rows) == 1
        ]
    return sorted(hops, key=lambda hop: hop.facts.get("hpv_group") != same)


def _entries(compiled: CompiledProtocol, hop: Hop) -> list[dict[str, Any]]:
    """The news of one day with these facts."""
    judges = hop.table.table.judges
    if Test.MAMMOGRAPHY in judges:
        return _readings(hop.facts.get("readings", "both_negative"))
    if "treated" in judges:
        return [{"event": "treated", "code": _treatment(compiled, hop.facts)}]
    if judges[0].startswith(EventKind.APPOINTMENT_ATTENDED):
        return [{"event": "appointment_attended", "to": judges[0].split("/")[1]}]
    tests = [Test(news) for news in judges if news in compiled.protocol.groups]
    return [
        entry
        for number, test in enumerate(tests)
        if (entry := _test(compiled, test, hop.facts, primary=number == 0))
    ] or [{"event": judges[0], "reason": "clinical_decision"}]


def _test(
    compiled: CompiledProtocol, test: Test, facts: Mapping[str, Word], *, primary: bool
) -> dict[str, Any]:
    groups = compiled.protocol.groups[test]
    word = facts.get(FACT_OF[test], groups[-1].word if primary else "missing")
    finding = next((group.findings[0] for group in groups if group.word == word), None)
    if finding is None:
        return {}
    entry: dict[str, Any] = {"test": str(test), "findings": [finding]}
    if facts.get("sample") == Sample.SELF:
        entry["sample"] = "self"
    force = compiled.protocol.in_force
    if compiled.protocol.default_laboratory not in force.laboratories:
        entry["lab"] = min(force.laboratories)
    return entry


def _readings(word: Word) -> list[dict[str, Any]]:
    scores = {"incomplete": (1,), "both_negative": (1, 1), "discordant": (1, 3), "both_positive": (3, 4)}[
        word
    ]
    return [
        {"test": "mammography", "findings": [{"reader": reader, "score": score}]}
        for reader, score in zip("AB", scores, strict=False)
    ]


def _treatment(compiled: CompiledProtocol, facts: Mapping[str, Word]) -> str:
    word = facts.get("treatment")
    groups = compiled.protocol.treatments
    return next((group.findings[0] for group in groups if group.word == word), groups[0].findings[0])


def _born(compiled: CompiledProtocol, known: Mapping[str, Word], on: date) -> date:
    """In the asked band of age, as near to the middle of the population as that allows."""
    population = compiled.protocol.population
    age = (population.enters.years + population.leaves.years) // 2
    for band in compiled.protocol.ages:
        if band.word == known.get("age"):
            age = min(max(age, band.from_age), band.before_age - 1)
    return birthday(on, -age) - timedelta(days=90)


def _sex(compiled: CompiledProtocol) -> str:
    return str(Sex.FEMALE if Sex.FEMALE in compiled.protocol.population.sex else Sex.MALE)
