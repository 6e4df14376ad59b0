"""Where each finding leads, as a picture: stages, and the ways between them."""

from collections.abc import Iterator, Mapping, Sequence

from screening.protocols.family import CompiledProtocol
from screening.protocols.lookup import Lookup
from screening.protocols.model import CALL, Lapse, Row, Stage
from screening.vocabulary import EventKind

ANYWHERE = "anywhere"
_REASONS_SHOWN = 2
_MEETING = 3
_THEME = (
    '%%{init: {"theme": "base", "themeVariables": {"edgeLabelBackground": "#ffffff", "lineColor": "#66707c",'
    ' "fontSize": "14px"}}}%%'
)


def ways(compiled: CompiledProtocol) -> dict[tuple[str, str], list[str]]:
    """(from, to) -> the reasons that lead there, in the order of the tables.

    Of a stage only the ways are drawn that it waits for; what else may happen there stands in the tables. What
    no stage waits for is drawn from `anywhere`. A coded reason to close leads back to call from every stage,
    and is left out.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for start, rule in _steps(compiled):
        if rule.then.stage is not None:
            reasons = found.setdefault((start, rule.then.stage), [])
            reason = rule.then.reason or rule.note or rule.id
            if reason not in reasons:
                reasons.append(reason)
    return found


def _steps(compiled: CompiledProtocol) -> Iterator[tuple[str, Row | Lapse]]:
    for table in compiled.tables.values():
        if EventKind.FOLLOW_UP_CLOSED in table.table.judges:
            continue
        for row in table.table.rows:
            for start in _starts(compiled, table, row):
                yield start, row
    for stage in compiled.protocol.stages:
        if stage.lapses is not None:
            yield stage.name, stage.lapses


def _starts(compiled: CompiledProtocol, table: Lookup, row: Row) -> list[str]:
    named = {stage for when in row.when for stage in when.get("stage", ())}
    waiting = [
        stage.name
        for stage in compiled.protocol.stages
        if not named or stage.name in named
        if any(table.name in owed.closed_by for owed in stage.owes) or (named and not stage.owes)
    ]
    return waiting or [ANYWHERE]


def mermaid(compiled: CompiledProtocol) -> str:
    """The picture in mermaid's words."""
    lines = [_THEME, "flowchart TD"]
    drawn = ways(compiled)
    if any(start == ANYWHERE for start, _ in drawn):
        lines.append(f'    {ANYWHERE}["in any stage"]:::anywhere')
    lines += [f"    {_node(stage)}" for stage in compiled.protocol.stages]
    lines += _arrows(compiled, drawn)
    lines += [
        "    classDef call fill:#dff3e4,stroke:#2a7f4f,color:#12331f",
        "    classDef follow fill:#e8eef7,stroke:#2f5d9b,color:#14263f",
        "    classDef ended fill:#f4e6e6,stroke:#9b3a3a,color:#3d1414",
        "    classDef waits fill:#fbf3dc,stroke:#a67c17,color:#3f2f08",
        "    classDef anywhere fill:#ffffff,stroke:#777777,stroke-dasharray: 4 3,color:#333333",
        "    classDef why fill:#ffffff,stroke:#c3ccd4,color:#1c2733",
    ]
    return "\n".join(lines) + "\n"


def _arrows(compiled: CompiledProtocol, drawn: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    """An arrow for each way; where many stages lead to one for the same reason, they meet at that reason."""
    alike: dict[tuple[str, str], list[str]] = {}
    for (start, end), reasons in drawn.items():
        alike.setdefault((end, _shown(reasons)), []).append(start)
    for number, ((end, text), starts) in enumerate(alike.items()):
        if len(starts) < _MEETING:
            yield from (f'    {start} {_arrow(compiled, start)}|"{text}"| {end}' for start in starts)
            continue
        yield f'    why{number}("{text}"):::why'
        yield from (f"    {start} {_arrow(compiled, start)} why{number}" for start in starts)
        yield f"    why{number} --> {end}"


def _shown(reasons: Sequence[str]) -> str:
    shown = [*reasons[:_REASONS_SHOWN], *(["…"] if len(reasons) > _REASONS_SHOWN else [])]
    return "<br/>".join(_plain(reason) for reason in shown)


def _arrow(compiled: CompiledProtocol, start: str) -> str:
    """Dotted where the calls had ended: a finding nobody waits for."""
    stage = compiled.stages.get(start)
    return "-.->" if stage is not None and (stage.ends is not None or stage.defers) else "-->"


def _node(stage: Stage) -> str:
    name = stage.name.replace("_", " ")
    if stage.name == CALL:
        return f'{stage.name}(["{name}"]):::call'
    if stage.ends is not None:
        return f'{stage.name}[["{name}"]]:::ended'
    if stage.defers:
        return f'{stage.name}(["{name}"]):::waits'
    return f'{stage.name}["{name}<br/>{_owed(stage)}"]:::follow'


def _owed(stage: Stage) -> str:
    return "owed: " + ", ".join(dict.fromkeys(owed.kind.replace("_", " ") for owed in stage.owes))


def _plain(text: str) -> str:
    return text.replace('"', "'")
