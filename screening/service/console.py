"""What every command shares: running in an event loop, talking to people and to programs."""

import asyncio
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Coroutine
from datetime import date
from typing import Any, TypeVar

import msgspec
import uvloop
from tqdm import tqdm

from screening.service.logs import configure_logs

T = TypeVar("T")


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; logs go to stderr."""
    configure_logs()
    return uvloop.run(work)


def print_json(document: object) -> None:
    """One document on stdout, and nothing else there."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n")


def print_line(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """For people beside a program's output: on stderr."""
    sys.stderr.write(text + "\n")


def bar(total: int | None, what: str) -> "tqdm[Any]":
    """A progress bar on stderr; silent where nobody looks."""
    return tqdm(total=total, desc=what, file=sys.stderr, disable=None, dynamic_ncols=True, leave=False)


def civil_day(text: str) -> date:
    """For options that take a day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day; expected YYYY-MM-DD") from error


def json_option(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


async def until_told_to_stop() -> None:
    """Returns on Ctrl-C and on SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
