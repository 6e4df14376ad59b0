"""Is a protocol complete? Every combination of facts has one answer, and every answer leads somewhere."""

from collections.abc import Iterator, Mapping

import msgspec

from screening.protocols.fold import CALL
from screening.protocols.load import Lookup
from screening.protocols.model import CompiledProtocol, Row, Stage, Table, Word

_SHOWN = 5


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a protocol, and, where a combination is missing, that combination."""

    protocol: str
    kind: str
    message: str
    combination: dict[str, Word] = {}


def check(compiled: CompiledProtocol) -> list[Fault]:
    """Every gap, overlap, unreachable row and dead end; empty where the protocol is complete."""
    protocol = compiled.protocol
    tables = (
        ("specimen", protocol.specimen, compiled.specimen),
        ("histology", protocol.histology, compiled.histology),
        ("treatment", protocol.treatment, compiled.treatment),
    )
    faults: list[Fault] = []
    for name, table, rows in tables:
        faults += _table_faults(protocol.id, name, table, rows)
    faults += [Fault(protocol.id, kind, text) for kind, text in _stage_faults(compiled)]
    return faults


def _table_faults(
    protocol: str, name: str, table: Table, rows: Mapping[tuple[Word, ...], Row]
) -> list[Fault]:
    if not isinstance(rows, Lookup):
        raise TypeError("a compiled protocol looks its rows up")
    used: set[str] = set()
    faults: list[Fault] = []
    for combination in rows:
        fitting = rows.fitting(combination)
        used.update(row.id for row in fitting)
        if len(fitting) != 1 and len(faults) < _SHOWN:
            kind = "overlap" if fitting else "gap"
            who = ", ".join(row.id for row in fitting) or "no row"
            facts = dict(zip(table.facts, combination, strict=True))
            faults.append(Fault(protocol, kind, f"table {name}: {who} fits {_told(facts)}", facts))
    unreached = [row.id for row in table.rows if row.id not in used]
    return faults + [Fault(protocol, "unreachable", f"{row}: never fits anything") for row in unreached]


def _told(facts: Mapping[str, Word]) -> str:
    return ", ".join(f"{fact}: {word}" for fact, word in facts.items())


def _stage_faults(compiled: CompiledProtocol) -> Iterator[tuple[str, str]]:
    protocol = compiled.protocol
    entered = {row.then.stage for row in protocol.rows()} | {CALL}
    for stage in protocol.stages:
        if stage.name not in entered:
            yield "unreachable", f"{stage.id}: no row leads to stage {stage.name}"
        if stage.name != CALL and stage.ends is None and not stage.owes:
            yield "dead_end", f"{stage.id}: stage {stage.name} owes nothing, so nobody would act on it"
        if stage.ends is None and stage.name != CALL and not _leaves(compiled, stage):
            yield "dead_end", f"{stage.id}: no finding leads out of stage {stage.name}"
    for row in protocol.rows():
        if (
            row.then.stage is not None
            and _needs_date(compiled.stages[row.then.stage])
            and row.then.after is None
        ):
            yield (
                "dead_end",
                f"{row.id}: stage {row.then.stage} needs `after`, the time until what is owed is due",
            )


def _needs_date(stage: Stage) -> bool:
    return stage.name == CALL or any(owed.within is None for owed in stage.owes)


def _leaves(compiled: CompiledProtocol, stage: Stage) -> bool:
    """Whether some evidence that the stage waits for moves a person on."""
    evidence = {kind for owed in stage.owes for kind in owed.closed_by}
    if {"histology", "treated"} & evidence:
        return True
    rows = compiled.protocol.specimen.rows
    return "specimen" in evidence and any(
        row.then.stage not in (None, stage.name)
        for row in rows
        if any(stage.name in when.get("stage", {stage.name}) for when in row.when)
    )
