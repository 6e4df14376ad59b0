"""From YAML files to protocols: strict, with file and line in every refusal."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from itertools import product
from typing import Any

import msgspec

from screening.protocols import yaml12
from screening.protocols.facts import can_be, words
from screening.protocols.model import CompiledProtocol, Family, Group, Protocol, Row, Table, Word
from screening.refusals import NotFound, Refused
from screening.vocabulary import FINDINGS_OF


def load_protocol(raw: Mapping[str, Any], *, file: str, text: str = "") -> CompiledProtocol:
    """One protocol from the content of its file; refuses an unknown key, a wrong type or an unknown word.

    `text` is only for naming the line in a refusal.
    """
    try:
        protocol = msgspec.convert(raw, Protocol)
    except msgspec.ValidationError as error:
        path = re.search(r"`\$([^`]*)`", str(error))
        line = yaml12.line_of(text, path.group(1) if path else "")
        raise Refused("protocol_malformed", f"{file}:{line}: {error}", file=file, line=line) from error
    for complaint in _broken_references(protocol):
        raise Refused("protocol_inconsistent", f"{file}: {complaint}", file=file)
    return compile_protocol(protocol)


def parse(text: str, *, file: str) -> dict[str, Any]:
    """The file's content: a mapping."""
    raw = yaml12.read(text, file=file)
    if not isinstance(raw, dict):
        raise Refused("protocol_malformed", f"{file}:1: expected a mapping with `id`, `family` …", file=file)
    return raw


def based_on(raw: dict[str, Any], bases: Mapping[str, dict[str, Any]], *, file: str) -> dict[str, Any]:
    """The whole protocol where a file states only what differs from another version.

    A rule is written once: keys replace, sources and groups are merged by name, and in `specimen`
    `drop` names the rows that no longer hold and `rows` those that do.
    """
    if "based_on" not in raw:
        return raw
    base = bases.get(raw["based_on"])
    if base is None:
        raise Refused(
            "protocol_inconsistent", f"{file}: based_on {raw['based_on']}, which is not here", file=file
        )
    own = {key: value for key, value in raw.items() if key not in {"based_on", "specimen", "result_letters"}}
    merged = {**base, **own}
    merged["sources"] = {**base["sources"], **raw.get("sources", {})}
    merged["groups"] = {**base["groups"], **raw.get("groups", {})}
    merged["call"] = {
        **base["call"],
        "result_letters": raw.get("result_letters", base["call"]["result_letters"]),
    }
    merged["specimen"] = _changed_rows(base["specimen"], raw.get("specimen", {}), file=file)
    return merged


def _changed_rows(base: dict[str, Any], change: dict[str, Any], *, file: str) -> dict[str, Any]:
    rows, dropped = change.get("rows", []), set(change.get("drop", []))
    unknown = sorted(dropped - {row["id"] for row in base["rows"]})
    if unknown:
        raise Refused(
            "protocol_inconsistent", f"{file}: drops {', '.join(unknown)}, which the base has not", file=file
        )
    replaced = dropped | {row["id"] for row in rows}
    return {**base, "rows": [row for row in base["rows"] if row["id"] not in replaced] + rows}


def compile_protocol(protocol: Protocol) -> CompiledProtocol:
    return CompiledProtocol(
        protocol=protocol,
        stages={stage.name: stage for stage in protocol.stages},
        group_of={test: _positions(groups) for test, groups in protocol.groups.items()},
        specimen=Lookup(protocol, protocol.specimen),
        histology=Lookup(protocol, protocol.histology),
        treatment=Lookup(protocol, protocol.treatment),
    )


class Lookup(Mapping[tuple[Word, ...], Row]):
    """The row of a table for a combination of facts, remembered once found."""

    def __init__(self, protocol: Protocol, table: Table) -> None:
        self._protocol = protocol
        self._table = table
        self._found: dict[tuple[Word, ...], Row] = {}

    def __getitem__(self, combination: tuple[Word, ...]) -> Row:
        row = self._found.get(combination)
        if row is None:
            row = self._found[combination] = self._search(combination)
        return row

    def __iter__(self) -> Iterator[tuple[Word, ...]]:
        """Every combination that can occur."""
        domains = words(self._protocol)
        for combination in product(*(domains[fact] for fact in self._table.facts)):
            if can_be(dict(zip(self._table.facts, combination, strict=True))):
                yield combination

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def fitting(self, combination: tuple[Word, ...]) -> Sequence[Row]:
        """Every row that fits; a sound table has exactly one."""
        facts = dict(zip(self._table.facts, combination, strict=True))
        return [row for row in self._table.rows if any(_holds(when, facts) for when in row.when)]

    def _search(self, combination: tuple[Word, ...]) -> Row:
        rows = self.fitting(combination)
        if len(rows) != 1:
            named = dict(zip(self._table.facts, combination, strict=True))
            raise Refused(
                "protocol_incomplete",
                f"{self._protocol.id}: {len(rows)} rows fit {named}; expected exactly one",
            )
        return rows[0]


def _holds(when: Mapping[str, frozenset[Word]], facts: Mapping[str, Word]) -> bool:
    return all(facts[fact] in allowed for fact, allowed in when.items())


def _positions(groups: Sequence[Group]) -> dict[str, int]:
    return {finding: position for position, group in enumerate(groups) for finding in group.findings}


def _broken_references(protocol: Protocol) -> Iterator[str]:
    domains = words(protocol)
    stages = {stage.name for stage in protocol.stages}
    ids = [row.id for row in protocol.rows()]
    yield from (f"rule {name} stands twice" for name in sorted({i for i in ids if ids.count(i) > 1}))
    for test, known in FINDINGS_OF[protocol.programme].items():
        grouped = [finding for group in protocol.groups.get(test, ()) for finding in group.findings]
        yield from (f"{test}: finding {word} is in no group" for word in sorted(known - set(grouped)))
        yield from (f"{test}: {word} is not a finding of this test" for word in sorted(set(grouped) - known))
        yield from (
            f"{test}: {word} is in two groups"
            for word in sorted({w for w in grouped if grouped.count(w) > 1})
        )
    for table in (protocol.specimen, protocol.histology, protocol.treatment):
        for row in table.rows:
            yield from _broken_row(row, table, domains, stages)
    for ruled in (*protocol.rows(), *protocol.stages, protocol.population):
        yield from (
            f"{ruled.id}: source {s} is not listed" for s in ruled.source if s not in protocol.sources
        )


def _broken_row(
    row: Row, table: Table, domains: Mapping[str, Sequence[Word]], stages: set[str]
) -> Iterator[str]:
    if row.then.stage is not None and row.then.stage not in stages:
        yield f"{row.id}: stage {row.then.stage} does not exist; there are {', '.join(sorted(stages))}"
    for alternative in row.when:
        for fact, allowed in alternative.items():
            if fact not in table.facts:
                yield f"{row.id}: {fact} is not a fact of this table"
            else:
                yield from (f"{row.id}: {fact} is never {w}" for w in sorted(allowed - set(domains[fact])))


@cache
def installed_families() -> Mapping[str, Family]:
    """Every protocol that ships with the platform, by family."""
    files = {
        file.name: file.read_text(encoding="utf-8")
        for folder in resources.files("screening.protocols").iterdir()
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    }
    return load_families(files)


def load_families(files: Mapping[str, str]) -> Mapping[str, Family]:
    """Families from the texts of their files, by file name."""
    raws = {name: parse(text, file=name) for name, text in sorted(files.items())}
    bases = {raw["id"]: raw for raw in raws.values() if "id" in raw and "based_on" not in raw}
    found: dict[str, list[CompiledProtocol]] = {}
    for name, raw in raws.items():
        compiled = load_protocol(based_on(raw, bases, file=name), file=name, text=files[name])
        found.setdefault(compiled.protocol.family, []).append(compiled)
    return {name: assemble(name, versions) for name, versions in found.items()}


def assemble(name: str, versions: Sequence[CompiledProtocol]) -> Family:
    """Versions in order of date; refuses two that claim the same day and laboratory."""
    ordered = sorted(versions, key=lambda one: (one.protocol.in_force.since, one.protocol.id))
    for position, one in enumerate(ordered):
        for other in ordered[position + 1 :]:
            if _overlap(one.protocol, other.protocol):
                raise Refused(
                    "protocol_overlap",
                    f"{one.protocol.id} and {other.protocol.id} are in force for the same days",
                )
    return Family(name=name, versions=tuple(ordered))


def _overlap(one: Protocol, other: Protocol) -> bool:
    until = one.in_force.until or date.max
    shared = one.in_force.laboratories & other.in_force.laboratories
    return bool(shared) and other.in_force.since < until


def family(name: str) -> Family:
    """The family of that name; a version's id also names its family's single version."""
    families = installed_families()
    if name in families:
        return families[name]
    for one in families.values():
        for version in one.versions:
            if version.protocol.id == name:
                return Family(name=one.name, versions=(version,))
    raise NotFound("protocol_unknown", f"no protocol {name}; there are {', '.join(sorted(families))}")
