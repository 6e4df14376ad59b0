"""Is a protocol complete? Every combination of facts has one answer, and every answer leads somewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import msgspec

from screening.protocols.cases import Case
from screening.protocols.family import CompiledProtocol
from screening.protocols.fold import PRIMARY_TESTS
from screening.protocols.limits import age_limits, critical_days
from screening.protocols.lookup import Lookup
from screening.protocols.model import CALL, Row, Stage, Word
from screening.protocols.witness import witness
from screening.vocabulary import EventKind

_SHOWN = 5


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a protocol; where a combination is missing also that combination, and as a case."""

    protocol: str
    kind: str
    message: str
    combination: dict[str, Word] = {}
    case: str = ""


def check(compiled: CompiledProtocol, cases: Iterable[Case] | None = None) -> list[Fault]:
    """Every gap, overlap, unreachable row, dead end, unanswered result and endless loop; empty where complete.

    With `cases` also every age limit that no case stands one day to either side of.
    """
    faults = [fault for table in compiled.tables.values() for fault in _table_faults(compiled, table)]
    name = compiled.protocol.id
    faults += [Fault(name, kind, text) for kind, text in _stage_faults(compiled)]
    if cases is not None:
        faults += [Fault(name, "untested_limit", text) for text in _untested_limits(compiled, cases)]
    return faults


# -- tables ---------------------------------------------------------------------------------------


def _table_faults(compiled: CompiledProtocol, table: Lookup) -> Iterator[Fault]:
    used: set[str] = set()
    shown = 0
    for combination in table.combinations():
        used.update(row.id for row in combination.rows)
        if len(combination.rows) == 1:
            complaint = _unanswered(compiled, table, combination.known, combination.rows[0])
            if complaint:
                yield Fault(compiled.protocol.id, "unanswered", complaint, combination.known)
        elif shown < _SHOWN:
            shown += 1
            kind = "overlap" if combination.rows else "gap"
            who = ", ".join(row.id for row in combination.rows) or "no row"
            yield Fault(
                compiled.protocol.id,
                kind,
                f"table {table.name}: {who} fits {_told(combination.known)}",
                combination.known,
                witness(compiled, table, combination.known),
            )
    for row in table.table.rows:
        if row.id not in used:
            yield Fault(compiled.protocol.id, "unreachable", f"{row.id}: never fits anything")


def _told(facts: Mapping[str, Word]) -> str:
    return ", ".join(f"{fact}: {word}" for fact, word in facts.items()) or "everything"


def _unanswered(compiled: CompiledProtocol, table: Lookup, known: Mapping[str, Word], row: Row) -> str:
    """A finding that changes nothing is acted on only where something is owed already, or nothing was found."""
    if row.then.stage is not None or EventKind.TREATED in table.table.judges:
        return ""
    if not row.note:
        return f"{row.id}: changes nothing and does not say why; expected a `note`"
    stages = [known["stage"]] if "stage" in known else list(compiled.stages)
    for name in stages:
        stage = compiled.stages[name]
        if not stage.owes and _positive(compiled, known):
            return f"{row.id}: in stage {name} nothing is owed, so nobody would act on {_told(known)}"
        if name == CALL and not PRIMARY_TESTS.isdisjoint(table.table.judges):
            return f"{row.id}: in routine call nobody would act on {_told(known)}"
    return ""


def _positive(compiled: CompiledProtocol, known: Mapping[str, Word]) -> bool:
    words = {group.word for groups in compiled.protocol.groups.values() for group in groups if group.positive}
    return any(word in words for fact, word in known.items() if fact not in ("stage", "worst_histology"))


# -- stages ---------------------------------------------------------------------------------------


def _stage_faults(compiled: CompiledProtocol) -> Iterator[tuple[str, str]]:
    exits = _exits(compiled, awaited_only=False)
    ways_home = _exits(compiled, awaited_only=True)
    reached = _closure({CALL}, exits)
    for stage in compiled.protocol.stages:
        if stage.name not in reached:
            yield "unreachable", f"{stage.id}: nothing leads to stage {stage.name}"
        if stage.name == CALL or stage.ends is not None:
            continue
        yield from _dead_ends(compiled, stage)
        out = ways_home[stage.name] - {stage.name}
        if not out:
            yield "dead_end", f"{stage.id}: no result and no timer leads out of stage {stage.name}"
        elif not any(_home(compiled, name) for name in _closure({stage.name}, ways_home)):
            yield "endless", f"{stage.id}: from stage {stage.name} nobody comes back to call or to an end"


def _home(compiled: CompiledProtocol, name: str) -> bool:
    return name == CALL or compiled.stages[name].ends is not None


def _dead_ends(compiled: CompiledProtocol, stage: Stage) -> Iterator[tuple[str, str]]:
    if stage.defers:
        if stage.lapses is None:
            yield "dead_end", f"{stage.id}: stage {stage.name} defers for ever; expected `lapses`"
        return
    if not stage.owes:
        yield "dead_end", f"{stage.id}: stage {stage.name} owes nothing, so nobody would act on it"
        return
    last = stage.owes[-1]
    for evidence in sorted(last.closed_by - compiled.tables.keys()):
        yield (
            "dead_end",
            f"{stage.id}: after {evidence} stage {stage.name} owes nothing more and waits for nothing",
        )
    if stage.lapses is None and not any(
        _moves(compiled, stage, name) for owed in stage.owes for name in owed.closed_by
    ):
        yield "dead_end", f"{stage.id}: nothing that stage {stage.name} waits for moves anybody on"


def _moves(compiled: CompiledProtocol, stage: Stage, evidence: str) -> bool:
    table = compiled.tables.get(evidence)
    return table is not None and any(
        row.then.stage not in (None, stage.name) for row in _rows_in(table, stage.name)
    )


def _rows_in(table: Lookup, stage: str) -> Sequence[Row]:
    """Rows that can fit in a stage."""
    return [row for row in table.table.rows if any(stage in when.get("stage", {stage}) for when in row.when)]


def _exits(compiled: CompiledProtocol, *, awaited_only: bool) -> dict[str, set[str]]:
    """Where one can go from each stage, by result or timer: by any, or by those only that the stage waits for.

    A coded reason to close leads out of every stage, and is no way that the rules provide.
    """
    exits: dict[str, set[str]] = {}
    for stage in compiled.protocol.stages:
        found = {
            row.then.stage
            for table in compiled.tables.values()
            if table.table.judges != (EventKind.FOLLOW_UP_CLOSED,)
            if not awaited_only or any(table.name in owed.closed_by for owed in stage.owes)
            for row in _rows_in(table, stage.name)
            if row.then.stage is not None
        }
        if stage.lapses is not None and stage.lapses.then.stage is not None:
            found.add(stage.lapses.then.stage)
        exits[stage.name] = found
    return exits


def _closure(start: set[str], exits: Mapping[str, set[str]]) -> set[str]:
    reached, ahead = set(start), list(start)
    while ahead:
        for name in exits[ahead.pop()] - reached:
            reached.add(name)
            ahead.append(name)
    return reached


# -- age limits -----------------------------------------------------------------------------------


def _untested_limits(compiled: CompiledProtocol, cases: Iterable[Case]) -> Iterator[str]:
    """Age limits without a case on the day itself and one on the day before."""
    seen: list[tuple[date, frozenset[date]]] = [(case.person.born, critical_days(case)) for case in cases]
    for rule, limit, told in age_limits(compiled.protocol):
        for days, side in ((0, "on the day"), (-1, "on the day before")):
            if not any(
                limit(born).toordinal() + days in {day.toordinal() for day in all_days}
                for born, all_days in seen
            ):
                yield f"{rule}: no case stands {side} of {told}"
