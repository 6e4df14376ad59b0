"""`screening …`: one line for each command; what a command needs is loaded when it is called.

Exit status 0: done; 1: the answer is "no"; 2: the call or its input is wrong, said in one line.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from screening.refusals import Refused

# name -> (module in `screening.service.commands`, what it does)
COMMANDS = {
    "demo": ("demo", "live through some years with a made-up nation, end to end, and show how it went"),
    "serve": ("serve", "the API, the dashboard, the MLLP listener and the scheduler"),
    "worker": ("worker", "the scheduler and senders only; any number of them beside each other"),
    "migrate": ("migrate", "bring the database to this version's schema"),
    "people": ("people", "load the register's feed; find a person"),
    "protocol": ("protocol", "list, check, show and compare clinical protocols"),
    "decide": ("decide", "decide cases from files, and compare with what they expect"),
    "advance": ("advance", "reconcile everyone whose next action has come"),
    "results": ("results", "load laboratory results from a file"),
    "failsafe": (
        "failsafe",
        "is anybody lost, is anything forgotten, does what is stored follow from what happened",
    ),
    "explain": ("explain", "why a person stands where they stand"),
    "indicators": ("indicators", "quality indicators, with intervals and standards"),
    "release": ("release", "freeze, approve, publish and verify releases of the indicators"),
    "extract": ("extract", "write the analytics dataset as Parquet"),
    "dashboard": (
        "dashboard",
        "the dashboard over a written extract, without a database, for this machine alone",
    ),
    "audit": ("audit", "verify the chain over the audit records"),
    "bench": ("bench", "measure, as ratios against a floor in the same run"),
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0 if arguments else 2
    name = arguments[0]
    if name not in COMMANDS:
        sys.stderr.write(f"screening: no command {name!r}; there are {', '.join(COMMANDS)}\n")
        return 2
    module = import_module(f"screening.service.commands.{COMMANDS[name][0]}")
    parser = Parser(prog=f"screening {name}", description=COMMANDS[name][1])
    module.arguments(parser)
    return _run(module.run, parser.parse_args(arguments[1:]), name)


def _run(run: Any, parsed: argparse.Namespace, name: str) -> int:
    try:
        return run(parsed)
    except Refused as refused:
        sys.stderr.write(f"screening {name}: {' '.join(refused.message.split())}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has enough of it
        sys.stderr.close()
        return 0


def _overview() -> str:
    lines = [f"  {name:<11} {told}" for name, (_, told) in COMMANDS.items()]
    return "\n".join(
        ["usage: screening COMMAND …", "", *lines, "", "screening COMMAND --help tells more.", ""]
    )
