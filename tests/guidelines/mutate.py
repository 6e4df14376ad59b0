"""Change each rule of each protocol in turn: the check or a case must notice. Prints the changes nobody noticed.

    python tests/guidelines/mutate.py [FAMILY…]

Each row's action is changed, each interval moved by a month, each row taken out.
"""

import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from screening.protocols.cases import Case, decide_case, disagreements, load_cases
from screening.protocols.check import check
from screening.protocols.family import Family
from screening.protocols.load import assemble, based_on, installed_files, load_protocol, parse
from screening.refusals import Refused

Raw = dict[str, Any]
_SPANS = frozenset({"after", "within", "when_missed", "reminder_after", "again", "result_within", "fresh", "without_sample",
                    "overdue", "history", "surveillance"})  # fmt: skip


def mutants(raw: Raw) -> Iterator[tuple[str, Raw]]:
    """(what was changed, the protocol with that change)."""
    for table, content in raw["tables"].items():
        for place, row in enumerate(content["rows"]):
            yield f"{row['id']} taken out", _without_row(raw, table, place)
            for stage in _other_stages(raw, row):
                changed = deepcopy(raw)
                then = changed["tables"][table]["rows"][place]["then"]
                then["stage"] = stage
                then.setdefault("after", {"months": 7})
                yield f"{row['id']} leads to {stage}", changed
                break
    for path in _spans(raw):
        yield f"{'.'.join(map(str, path))} a month longer", _longer(raw, path)


def _without_row(raw: Raw, table: str, place: int) -> Raw:
    changed = deepcopy(raw)
    del changed["tables"][table]["rows"][place]
    return changed


def _other_stages(raw: Raw, row: Raw) -> list[str]:
    leads = row["then"].get("stage")
    return [stage["name"] for stage in raw["stages"] if stage["name"] not in (leads, "call")]


def _spans(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key in _SPANS and isinstance(one, dict):
                yield (*path, key)
            else:
                yield from _spans(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _spans(one, (*path, place))


def _longer(raw: Raw, path: tuple[Any, ...]) -> Raw:
    changed = deepcopy(raw)
    span = changed
    for key in path:
        span = span[key]
    span["months"] = span.get("months", 0) + 1
    return changed


def noticed(raw: Raw, others: list[Any], cases: list[Case]) -> bool:
    """Whether loading, the check or a case fails."""
    try:
        compiled = load_protocol(raw, file="mutant")
        if check(compiled):
            return True
        family = assemble(compiled.protocol.family, [*others, compiled])
    except Refused:
        return True
    return any(_disagrees(family, case) for case in cases)


def _disagrees(family: Family, case: Case) -> bool:
    try:
        return bool(case.expect and disagreements(decide_case(family, case), case.expect))
    except Refused:
        return True


def survivors(names: list[str], cases_of: Mapping[str, list[Case]]) -> Iterator[str]:
    """The changes that nobody noticed, version by version."""
    files = installed_files()
    raws = {name: parse(text, file=name) for name, text in files.items()}
    by_id = {raw["id"]: raw for raw in raws.values()}
    whole = {name: based_on(raw, by_id, file=name) for name, raw in raws.items()}
    for name, raw in whole.items():
        if raw["family"] not in names:
            continue
        others = [
            load_protocol(other, file=file)
            for file, other in whole.items()
            if other["family"] == raw["family"] and file != name
        ]
        own = _own_rules(raws[name])
        for told, mutant in mutants(raw):
            if "based_on" in raws[name] and not any(rule in told for rule in own):
                continue  # a rule that stands in another file is changed there
            if not noticed(mutant, others, cases_of[raw["family"]]):
                yield f"{raw['id']}: {told}"


def _own_rules(raw: Raw) -> set[str]:
    return {row["id"] for table in raw.get("tables", {}).values() for row in table.get("rows", [])}


def main(names: list[str]) -> int:
    from pathlib import Path

    here = Path(__file__).parent
    folders = {
        folder.name: folder for folder in here.iterdir() if folder.is_dir() and folder.name != "__pycache__"
    }
    chosen = names or sorted(folders)
    cases_of = {
        name: [
            case
            for file in sorted(folders[name].glob("*.yaml"))
            for case in load_cases(file.read_text(encoding="utf-8"), file=file.name)
        ]
        for name in chosen
    }
    found = 0
    for line in survivors(chosen, cases_of):
        found += 1
        print(line)  # noqa: T201  a script speaks
    print(f"{found} changes went unnoticed")  # noqa: T201  a script speaks
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
