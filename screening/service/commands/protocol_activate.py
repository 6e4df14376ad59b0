"""`screening protocol activate FAMILY --reason TEXT --by NAME`."""

from argparse import Namespace

from screening.protocols.load import installed_families
from screening.refusals import NotFound, Refused
from screening.rulebook.commands import activate_protocol
from screening.service.console import in_loop, print_json, print_line
from screening.service.opening import opened
from screening.storage.transaction import Actor
from screening.vocabulary import Role


def run(asked: Namespace) -> int:
    done = in_loop(_activate(asked))
    if asked.json:
        print_json({"activated": done})
    else:
        print_line(f"answered for: {', '.join(done)}" if done else "somebody answers for all of it already")
    return 0


async def _activate(asked: Namespace) -> list[str]:
    """Whoever has the command line is the operator; the name they give stands in the audit beside that role."""
    rules = installed_families().get(asked.family)
    if rules is None:
        known = ", ".join(installed_families())
        raise NotFound("protocol_unknown", f"no programme {asked.family}; there are {known}")
    if not asked.by.strip():
        raise Refused("answerable_missing", "--by: name who answers for these rules")
    async with opened() as installation:
        return await installation.database.run(
            lambda tx: activate_protocol(tx, family=rules, reason=asked.reason),
            actor=Actor(asked.by.strip(), frozenset({Role.SYSTEM})),
            today=installation.clock.today(),
        )
