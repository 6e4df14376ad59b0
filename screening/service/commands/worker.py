"""`screening worker`: the scheduler and senders only, any number of replicas on one database."""

from argparse import ArgumentParser, Namespace

from screening.service.console import in_loop, print_note, until_told_to_stop
from screening.service.jobs import JOBS, scheduling
from screening.service.opening import opened
from screening.service.protocol_files import watching


def arguments(_parser: ArgumentParser) -> None:
    """It takes its settings from the environment."""


def run(_asked: Namespace) -> int:
    return in_loop(_work())


async def _work() -> int:
    async with (
        opened() as installation,
        watching(installation.shelf, vouch=installation.vouch),
        scheduling(installation.database, installation.settings, today=installation.clock.today),
    ):
        print_note(f"working: {', '.join(JOBS)}")
        await until_told_to_stop()
    return 0
