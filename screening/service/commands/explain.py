"""`screening explain PERSON --programme P`."""

from argparse import ArgumentParser, Namespace
from typing import Any

from screening.ledger.explain import explain_person
from screening.protocols.load import family
from screening.service.console import civil_day, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.storage.transaction import system_actor


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("person", type=int, help="our id, as `screening people search` gives it")
    parser.add_argument("--programme", required=True)
    parser.add_argument(
        "--known-on", type=civil_day, metavar="DATE", help="as known on that day; by default today"
    )
    json_option(parser)


def run(asked: Namespace) -> int:
    told = in_loop(_explain(asked))
    if asked.json:
        print_json(told)
    else:
        _show(told)
    return 0


async def _explain(asked: Namespace) -> dict[str, Any]:
    rules = family(asked.programme)
    async with opened() as installation:
        return await installation.database.run(
            lambda tx: explain_person(tx, person=asked.person, family=rules, known_on=asked.known_on),
            actor=system_actor("explain"),
            today=installation.clock.today(),
        )


def _show(told: dict[str, Any]) -> None:
    decision = told["decision"]
    print_line(f"person {told['person']}, {told['programme']}, as known on {told['known_on']}")
    print_line(
        f"  {decision['status']}: {decision['reason']} (rule {decision['rule']} of {decision['protocol']})"
    )
    for step in decision["trace"]:
        facts = ", ".join(f"{name} {word}" for name, word in step["facts"].items())
        print_line(f"  {step['date']} {step['rule']} [{step['source']}] {facts}")
    for owed in decision["obligations"]:
        print_line(f"  owed: {owed['kind']} {owed['subject']}, due {owed['due_on']} (rule {owed['rule']})")
    for name, text in told["sources"].items():
        print_line(f"  {name}: {text}")
    if told["agrees"] is False:
        print_line("  what is stored differs from this: run `screening failsafe`")
