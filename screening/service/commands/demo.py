"""`screening demo`: the main job on a fresh machine."""

import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import msgspec
from tqdm import tqdm

from analytics.indicators.kept import Kept
from analytics.indicators.period import last_whole_year
from analytics.reports.formats import Format, render
from analytics.reports.page import page
from screening.refusals import Refused
from screening.service.app import Services
from screening.service.clock import SimulatedClock, SystemClock
from screening.service.commands.failsafe import show as show_failsafe
from screening.service.console import (
    bar,
    civil_day,
    in_loop,
    json_option,
    print_json,
    print_line,
    print_note,
    until_told_to_stop,
)
from screening.service.demo.calendar import DemoArguments, Place
from screening.service.demo.issuer import DemoIssuer
from screening.service.demo.prepare import alone, hasty, prepared
from screening.service.demo.report import DemoReport, as_document, report
from screening.service.demo.run import Demo
from screening.service.opening import database_at
from screening.service.settings import PROGRAMMES, settings_from_environment
from screening.storage.database import connect
from screening.storage.embedded import data_folder

_DEFAULTS = DemoArguments()


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--population", type=int, default=_DEFAULTS.population, help="people, of all ages and both sexes"
    )
    parser.add_argument("--years", type=int, default=_DEFAULTS.years)
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed, help="the same seed lives the same years")
    parser.add_argument("--from", type=civil_day, default=_DEFAULTS.since, dest="since", metavar="DATE")
    parser.add_argument("--programme", choices=PROGRAMMES, action="append", help="by default all")
    parser.add_argument("--no-serve", action="store_true", help="end when the years are over")
    parser.add_argument(
        "--anew", action="store_true", help="remove what an earlier run left, and live the years again"
    )
    parser.add_argument("--port", type=int, default=8000, help="of the API and the dashboard")
    parser.add_argument("--mllp-port", type=int, default=2575)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write demo.json, indicators and dashboard there"
    )
    json_option(parser)


def run(asked: Namespace) -> int:
    told = DemoArguments(
        population=asked.population, years=asked.years, seed=asked.seed, since=asked.since,
        programmes=tuple(asked.programme or PROGRAMMES),
    )  # fmt: skip
    _refuse_unsound(told)
    folder = data_folder() / "demo"
    with alone(folder):
        return in_loop(_Show(asked, told, folder).live())


def _refuse_unsound(asked: DemoArguments) -> None:
    if asked.population < 1 or asked.years < 1:
        raise Refused("demo_arguments", "expected at least one person and one year")
    if asked.until > SystemClock().today():
        raise Refused(
            "demo_arguments", f"{asked.years} years from {asked.since} end on {asked.until}, in the future"
        )


class _Show:
    """One run on the screen."""

    def __init__(self, asked: Namespace, told: DemoArguments, folder: Path) -> None:
        self._asked = asked
        self._told = told
        self._folder = folder
        self._began = time.monotonic()
        self._issuer = DemoIssuer()
        self._holds = True
        self._loaded = 0  # people not told of yet
        self._day = told.since  # reached
        self._bars: dict[str, tqdm[None]] = {}

    async def live(self) -> int:
        settings = settings_from_environment()
        async with database_at(settings) as url:
            place = await prepared(
                url, self._told, self._folder, anew=self._asked.anew, keep=not self._asked.no_serve
            )
            # only its own server, now known to hold nobody real, is told not to wait for the disk
            async with hasty(url) if settings.database_url is None else nullcontext():
                return await self._live(url, place)

    async def _live(self, url: str, place: Place) -> int:
        if place.finished:
            print_note("this demo has lived its years: it is served as it stands; --anew lives them again")
        elif place.today != self._told.since:
            print_note(f"going on from {place.today}, where the run before was cut off")
        clock, self._day = SimulatedClock(place.today), place.today
        async with connect(url) as database:
            demo = Demo(database, place, folder=self._folder, clock=clock, issuer=self._issuer)
            services = Services(
                database=database, clock=clock, verifier=self._issuer.verifier(), accept_synthetic=True,
                mllp_port=0 if self._asked.no_serve else self._asked.mllp_port, demo=self._issuer.token,
            )  # fmt: skip
            port = 0 if self._asked.no_serve else self._asked.port
            await demo.live(services, port=port, progress=self._progress, at_end=self._at_end)
        return 0 if self._holds else 1

    def _progress(self, what: str, done: int) -> None:
        if not sys.stderr.isatty():
            self._note_progress(what, done)
            return
        totals = {"people": self._told.population, "days": (self._told.until - self._told.since).days}
        if what not in self._bars:
            self._bars[what] = bar(totals[what], what)
        self._bars[what].update(done)

    def _note_progress(self, what: str, done: int) -> None:
        """Where no bar is seen: when everybody is loaded, and after each year."""
        if what == "people":
            self._loaded += done
            return
        if self._loaded:
            print_note(f"{self._loaded:,} people loaded")
            self._loaded = 0
        self._day += timedelta(days=done)
        if (self._day.month, self._day.day) == (self._told.since.month, self._told.since.day):
            print_note(f"lived until {self._day}, of {self._told.until}")

    async def _at_end(self, demo: Demo, url: str) -> None:
        for one in self._bars.values():
            one.close()
        told = await report(demo.database, self._told)
        self._holds = told.holds
        self._print(told)
        if self._asked.out:
            _write(self._asked.out, told, self._told, self._seconds)
        if not self._asked.no_serve:
            self._print_doors(url)
            async with demo.deciding():
                await until_told_to_stop()

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _print(self, told: DemoReport) -> None:
        if self._asked.json:
            print_json(as_document(told, self._told, self._seconds))
            return
        sent = ", ".join(f"{count:,} {name}" for name, count in told.messages.items())
        print_line(
            f"{self._told.since} to {self._told.until}, {told.events:,} events in {self._seconds:.0f} s: {sent}"
        )
        print_line()
        for name, one in told.failsafe.items():
            show_failsafe(name, one)
        for results in told.results.values():
            print_line()
            print_line(render(results, Format.TABLE).decode())

    def _print_doors(self, url: str) -> None:
        print_note(f"dashboard  {url}/demo   (signs you in as programme staff)")
        print_note(f"API        {url}/schema")
        print_note(f"MLLP       port {self._asked.mllp_port}")
        print_note(f"it is {self._told.until} there; a token for each role:")
        self._issuer.print_tokens()
        print_note("Ctrl-C ends it.")


def _write(folder: Path, told: DemoReport, asked: DemoArguments, seconds: float) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = msgspec.json.encode(as_document(told, asked, seconds))
        (folder / "demo.json").write_bytes(msgspec.json.format(document, indent=1) + b"\n")
        for name, results in told.results.items():
            (folder / f"indicators-{name}.csv").write_bytes(render(results, Format.CSV))
            html = page(Kept(told.dataset), name, last_whole_year(asked.until))
            (folder / f"dashboard-{name}.html").write_text(html, encoding="utf-8")
    except OSError as error:
        raise Refused("file_unwritable", f"{folder}: {error.strerror}") from error
