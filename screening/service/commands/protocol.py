"""`screening protocol list|check|show|diff|activate`."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import msgspec

import screening
from screening.protocols.book import book, diagram_of, markdown
from screening.protocols.cases import Case, load_cases
from screening.protocols.check import Fault, check
from screening.protocols.family import CompiledProtocol, Family
from screening.protocols.load import find_family, installed_families, load_families
from screening.protocols.pages import page, svg
from screening.rulebook.shelf import Shelf, text_of
from screening.service.console import civil_day, json_option, print_json, print_line, print_note
from screening.service.protocol_files import own_shelf
from screening.service.settings import settings_from_environment

# In a working copy of the source, the guideline cases stand beside the package.
_CASES = Path(screening.__file__).parent.parent / "tests" / "guidelines"


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="list|check|show|diff|activate")
    json_option(what.add_parser("list", help="versions, and from when they are in force"))
    proof = what.add_parser("check", help="prove that no combination of findings is left without an answer")
    proof.add_argument("files", nargs="*", type=Path, metavar="FILE", help="by default all that are in use")
    proof.add_argument(
        "--cases", type=Path, default=_CASES, metavar="DIR",
        help="guideline cases, <family>/<paragraph>.yaml: every age limit needs one a day to either side",
    )  # fmt: skip
    json_option(proof)
    shown = what.add_parser("show", help="the clinician's book of a version; of a family, of its newest")
    shown.add_argument("id", metavar="ID")
    shown.add_argument("--format", choices=["md", "html", "mermaid", "svg", "json"], default="md")
    shown.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
    _diff_arguments(what.add_parser("diff", help="what changes between versions, and for whom"))
    answered = what.add_parser("activate", help="answer for a programme's rules that nobody has verified")
    answered.add_argument("family", metavar="FAMILY")
    answered.add_argument("--reason", required=True, help="why they may be used all the same; it is audited")
    answered.add_argument("--by", required=True, metavar="NAME", help="who answers for them; it is audited")
    json_option(answered)


def _diff_arguments(parser: ArgumentParser) -> None:
    told = "the id of a version, a family, or a file FILE.yaml that is not in use yet"
    parser.add_argument("one", metavar="A", help=told)
    parser.add_argument("other", metavar="B", help="likewise")
    parser.add_argument(
        "--population", action="store_true",
        help="also for whom: everybody is decided by both, and nothing is written but that you looked",
    )  # fmt: skip
    parser.add_argument("--as-of", type=civil_day, metavar="DATE", help="the civil day; by default today")
    parser.add_argument(
        "--list", type=int, default=20, metavar="N", help="of the people it changes, list so many"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    json_option(parser)


def run(asked: Namespace) -> int:
    if asked.what == "check":
        return _check(asked)
    own_shelf(settings_from_environment())
    match asked.what:
        case "list":
            return _list(asked)
        case "show":
            return _show(asked)
        case _:
            # loaded when asked for: what speaks to a database takes longer to load than all of the others take
            return import_module(f"screening.service.commands.protocol_{asked.what}").run(asked)


def _list(asked: Namespace) -> int:
    versions = [one for family in installed_families().values() for one in family.versions]
    rows = [
        {"family": one.protocol.family, "id": one.protocol.id, "title": one.protocol.title,
         "since": one.protocol.in_force.since, "until": one.protocol.in_force.until,
         "laboratories": sorted(one.protocol.in_force.laboratories), "rules": len(one.protocol.rules()),
         "unverified": sum(not rule.verified for rule in one.protocol.rules())}
        for one in versions
    ]  # fmt: skip
    if asked.json:
        print_json(rows)
        return 0
    print_line(f"{'version':<33} {'in force':<25} {'rules':>5} {'not verified':>12}  title")
    for row in rows:
        force = f"{row['since']} to {row['until'] or 'now'}"
        print_line(f"{row['id']:<33} {force:<25} {row['rules']:>5} {row['unverified']:>12}  {row['title']}")
    return 0


# -- check ----------------------------------------------------------------------------------------


def _check(asked: Namespace) -> int:
    families = _families(asked.files)
    cases = {name: found for name in families if (found := _cases(asked.cases / name))}
    versions = [version for family in families.values() for version in family.versions]
    faults = [fault for one in versions for fault in check(one, cases.get(one.protocol.family))]
    if asked.json:
        print_json(msgspec.to_builtins(faults))
    else:
        _tell(faults, versions)
    missing = families.keys() - cases.keys()
    if missing:
        print_note(
            f"age limits not compared with cases: no cases of {', '.join(sorted(missing))} in {asked.cases}"
        )
    return 1 if faults else 0


def _tell(faults: Sequence[Fault], versions: Sequence[CompiledProtocol]) -> None:
    for fault in faults:
        print_line(f"{fault.protocol}: {fault.kind}: {fault.message}")
        if fault.case:
            print_line("".join(f"    {line}\n" for line in fault.case.splitlines()).rstrip())
    rules = sum(len(one.protocol.rules()) for one in versions)
    checked = f"{len(versions)} versions, {rules} rules"
    complete = "complete: every combination of findings has one answer, and every answer leads somewhere"
    print_line(f"{checked}: {len(faults)} faults" if faults else f"{checked}, {complete}")


def _families(files: Iterable[Path]) -> Mapping[str, Family]:
    """Of these files, which may be based on versions in use; else of all in use. Incomplete ones too."""
    in_use = Shelf(settings_from_environment().protocols).files()
    named = {str(file): text_of(file) for file in files}
    return load_families(named, bases=in_use) if named else load_families(in_use)


def _cases(folder: Path) -> list[Case]:
    return [
        case for file in sorted(folder.glob("*.yaml")) for case in load_cases(text_of(file), file=str(file))
    ]


# -- show --------------------------------------------------------------------------------------


def _newest(of: Family) -> CompiledProtocol:
    """Of several that came into force on one day, the default laboratory's; the others are named."""
    since = max(one.protocol.in_force.since for one in of.versions)
    newest = [one for one in of.versions if one.protocol.in_force.since == since]
    usual = (one for one in newest if one.protocol.default_laboratory in one.protocol.in_force.laboratories)
    shown = next(usual, newest[-1])
    others = ", ".join(one.protocol.id for one in newest if one is not shown)
    if others:
        print_note(f"showing {shown.protocol.id}; as new, for other laboratories: {others}")
    return shown


def _show(asked: Namespace) -> int:
    made = book(_newest(find_family(installed_families(), asked.id)))
    match asked.format:
        case "md":
            print_line(markdown(made).rstrip())
        case "html":
            print_line(page(made))
        case "mermaid":
            print_line(diagram_of(made).rstrip())
        case "svg":
            print_line(svg(diagram_of(made)))
        case _:
            print_json(msgspec.to_builtins(made))
    return 0
