"""From YAML files to protocols: strict, with file and line in every refusal."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from screening.protocols import yaml12
from screening.protocols.family import CompiledProtocol, Family
from screening.protocols.model import Protocol
from screening.protocols.references import broken_references
from screening.refusals import NotFound, Refused

# A version states these as a whole, even where it is based on another.
_WHOLE = frozenset({"in_force", "when", "then", "letters"})
_YES_NO = re.compile(r"\bverified: (yes|no)\b")


def load_protocol(raw: Mapping[str, Any], *, file: str, text: str = "") -> CompiledProtocol:
    """One protocol from the content of its file; refuses an unknown key, a wrong type or an unknown word.

    `text` is only for naming the line in a refusal.
    """
    try:
        protocol = msgspec.convert(raw, Protocol)
    except msgspec.ValidationError as error:
        path = re.search(r"`\$([^`]*)`", str(error))
        field = re.search(r"unknown field `(\w+)`", str(error))
        where = (path[1] if path else "") + (f".{field[1]}" if field else "")
        line = yaml12.line_of(text, where)
        raise Refused("protocol_malformed", f"{file}:{line}: {error}", file=file, line=line) from error
    for rule, complaint in broken_references(protocol):
        line = yaml12.line_with(text, rule)
        where = f"{file}:{line}: {rule}" if rule else f"{file}:{line}"
        raise Refused("protocol_inconsistent", f"{where}: {complaint}", file=file, line=line)
    return CompiledProtocol(protocol)


def parse(text: str, *, file: str) -> dict[str, Any]:
    """The file's content: a mapping."""
    # `yes` and `no` are words in YAML 1.2; here, and only here, they are answers
    answered = _YES_NO.sub(lambda found: f"verified: {'true' if found[1] == 'yes' else 'false'}", text)
    raw = yaml12.read(answered, file=file)
    if not isinstance(raw, dict):
        raise Refused("protocol_malformed", f"{file}:1: expected a mapping with `id`, `family` …", file=file)
    return raw


def based_on(raw: dict[str, Any], files: Mapping[str, dict[str, Any]], *, file: str) -> dict[str, Any]:
    """The whole protocol where a file states only what differs from another version.

    A rule is written once: what carries an id replaces what carries the same id, or is added; `drop` names
    the ids that no longer hold; everything else is merged by key, and lists without ids are replaced.
    """
    if "based_on" not in raw:
        return raw
    base = files.get(raw["based_on"])
    if base is None or base is raw:
        told = f"{file}: based_on {raw['based_on']}, which is not here"
        raise Refused("protocol_inconsistent", told, file=file)
    dropped = set(raw.get("drop", []))
    # without itself: two files that are based on each other end here
    whole = based_on(base, {name: one for name, one in files.items() if one is not raw}, file=file)
    unknown = sorted(dropped - set(_ids(whole)))
    if unknown:
        told = f"{file}: drops {', '.join(unknown)}, which {raw['based_on']} has not"
        raise Refused("protocol_inconsistent", told, file=file)
    own = {key: value for key, value in raw.items() if key not in {"based_on", "drop"}}
    twice = [rule for rule, times in Counter(_ids(own)).items() if times > 1]
    if twice:
        raise Refused("protocol_inconsistent", f"{file}: {', '.join(twice)}: stands twice", file=file)
    return _merged(_without(whole, dropped), own)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        before = base.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and key not in _WHOLE:
            merged[key] = _merged(before, value) if value.get("id") == before.get("id") else value
        elif (
            isinstance(value, list) and isinstance(before, list) and _carry_ids(value) and _carry_ids(before)
        ):
            replaced = {one["id"]: one for one in value}
            kept = [replaced.pop(one["id"], one) for one in before]
            merged[key] = kept + list(replaced.values())
        else:
            merged[key] = value
    return merged


def _carry_ids(items: list[Any]) -> bool:
    return all(isinstance(one, dict) and "id" in one for one in items)


def _ids(value: object) -> list[str]:
    if isinstance(value, list):
        return [found for one in value for found in _ids(one)]
    if isinstance(value, dict):
        own = [value["id"]] if "id" in value else []
        return own + [found for one in value.values() for found in _ids(one)]
    return []


def _without(value: Any, dropped: set[str]) -> Any:
    """The same without what carries one of these ids."""
    if isinstance(value, list):
        return [_without(one, dropped) for one in value if not _is_dropped(one, dropped)]
    if isinstance(value, dict):
        return {key: _without(one, dropped) for key, one in value.items() if not _is_dropped(one, dropped)}
    return value


def _is_dropped(value: object, dropped: set[str]) -> bool:
    return isinstance(value, dict) and value.get("id") in dropped


def load_families(
    files: Mapping[str, str], *, bases: Mapping[str, str] | None = None
) -> Mapping[str, Family]:
    """Families from the texts of their files, by file name.

    `bases`: files that these may be based on, where the version they name is not among them.
    """
    raws = {name: parse(text, file=name) for name, text in sorted(files.items())}
    by_id = {raw["id"]: raw for raw in raws.values() if "id" in raw}
    if any(raw.get("based_on", raw.get("id")) not in by_id for raw in raws.values()):
        others = [parse(text, file=name) for name, text in (bases or {}).items()]
        by_id = {raw["id"]: raw for raw in others if "id" in raw} | by_id
    found: dict[str, list[CompiledProtocol]] = {}
    for name, raw in raws.items():
        compiled = load_protocol(based_on(raw, by_id, file=name), file=name, text=files[name])
        found.setdefault(compiled.protocol.family, []).append(compiled)
    return {name: assemble(name, versions) for name, versions in sorted(found.items())}


def assemble(name: str, versions: Sequence[CompiledProtocol]) -> Family:
    """Versions in order of date; refuses two of one id, or that claim the same day and laboratory."""
    ordered = sorted(versions, key=lambda one: (one.protocol.in_force.since, one.protocol.id))
    for position, one in enumerate(ordered):
        for other in ordered[position + 1 :]:
            if one.protocol.id == other.protocol.id:
                raise Refused("protocol_twice", f"two files hold a version {one.protocol.id}")
            if _overlap(one.protocol, other.protocol):
                raise Refused(
                    "protocol_overlap",
                    f"{one.protocol.id} and {other.protocol.id} are in force for the same days and laboratories",
                )
            if one.judging.keys() != other.judging.keys():
                differing = ", ".join(sorted(one.judging.keys() ^ other.judging.keys()))
                raise Refused(
                    "protocol_inconsistent",
                    f"{one.protocol.id} and {other.protocol.id} do not judge the same news: {differing}",
                )
    return Family(name, ordered)


def _overlap(one: Protocol, other: Protocol) -> bool:
    shared = one.in_force.laboratories & other.in_force.laboratories
    return bool(shared) and (one.in_force.until is None or other.in_force.since < one.in_force.until)


def installed_files() -> Mapping[str, str]:
    """The texts of the protocols that ship with the platform, by `<country>/<file>`."""
    return {
        f"{folder.name}/{file.name}": file.read_text(encoding="utf-8")
        for folder in resources.files("screening.protocols").iterdir()
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    }


_in_use: dict[str, Family] = {}


def installed_families() -> Mapping[str, Family]:
    """Every protocol in use, by family: those that ship with the platform, or what `use` put in their place."""
    if not _in_use:
        _in_use.update(load_families(installed_files()))
    return _in_use


def use(families: Mapping[str, Family]) -> None:
    """From now on these are the protocols in use, in this process."""
    _in_use.clear()
    _in_use.update(families)


def family(name: str) -> Family:
    """The family of that name; a version's id also names its family's single version."""
    return find_family(installed_families(), name)


def find_family(families: Mapping[str, Family], name: str) -> Family:
    if name in families:
        return families[name]
    for one in families.values():
        for version in one.versions:
            if version.protocol.id == name:
                return Family(one.name, (version,))
    versions = [version.protocol.id for one in families.values() for version in one.versions]
    raise NotFound("protocol_unknown", f"no protocol {name}; there are {', '.join([*families, *versions])}")
