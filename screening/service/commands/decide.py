"""`screening decide PROTOCOL FILE…`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from screening.protocols.cases import Case, decide_case, decision_json, disagreements, load_cases
from screening.protocols.family import Family
from screening.protocols.load import family
from screening.refusals import unreadable
from screening.service.console import json_option, print_json, print_line


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("protocol", help="a family (no-cervical), or the id of one version")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="cases, YAML or JSON")
    json_option(parser)


def run(asked: Namespace) -> int:
    rules = family(asked.protocol)
    told = [_decided(rules, file, case) for file in asked.files for case in _cases(file)]
    wrong = [one for one in told if one["disagreements"]]
    if asked.json:
        print_json(told)
        return 1 if wrong else 0
    for one in told:
        _show(one)
    compared = sum(one["compared"] for one in told)
    print_line(f"{len(told)} cases decided, {compared} compared, {len(wrong)} disagree")
    return 1 if wrong else 0


def _cases(file: Path) -> list[Case]:
    try:
        return load_cases(file.read_text(encoding="utf-8"), file=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error


def _decided(rules: Family, file: Path, case: Case) -> dict[str, Any]:
    decision = decide_case(rules, case)
    found = disagreements(decision, case.expect) if case.expect else []
    return {
        "file": str(file), "title": case.title, "compared": case.expect is not None, "disagreements": found,
        "decision": decision_json(decision),
    }  # fmt: skip


def _show(one: dict[str, Any]) -> None:
    decision = one["decision"]
    print_line(f"{one['title']}")
    print_line(f"  {decision['status']}: {decision['reason']} ({decision['rule']}, {decision['protocol']})")
    if decision["next_due_on"]:
        print_line(f"  next due {decision['next_due_on']}")
    for owed in decision["obligations"]:
        whither = f" to {owed['to']}" if owed.get("to") else ""
        print_line(f"  owed: {owed['kind']}{whither}, due {owed['due_on']} ({owed['rule']})")
    for sentence in one["disagreements"]:
        print_line(f"  DISAGREES {sentence}")
