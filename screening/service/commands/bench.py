"""`screening bench NAME`: figures and ratios as one JSON document on stdout; each is described where it is measured."""

import inspect
from argparse import REMAINDER, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from screening.service.console import in_loop, print_json

# name -> (module in `screening.service.bench`, its function, what it measures)
BENCHMARKS = {
    "advance": ("advance", "bench_advance", "a million people due, decided and written"),
    "results": (
        "results",
        "bench_results",
        "laboratory results over MLLP and HTTP, durable before the answer",
    ),
    "decide": ("decide", "bench_decide", "decisions of one core"),
    "indicators": (
        "indicators",
        "bench_indicators",
        "the whole catalogue at national scale, beside polars and SQL by hand",
    ),
    "extract": (
        "extract",
        "bench_extract",
        "the dataset from the database, whole and a day later, beside a bare COPY",
    ),
    "funnels": (
        "funnels",
        "bench_funnels",
        "published funnels, counted by our indicators to the printed digit",
    ),
    "start": ("start", "bench_start", "from the start to the first answer"),
}


def arguments(parser: ArgumentParser) -> None:
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:<12}{what}" for name, (_, _, what) in BENCHMARKS.items())
    parser.add_argument("name", choices=BENCHMARKS, metavar="NAME", help="one of those below")
    parser.add_argument("options", nargs=REMAINDER, metavar="…", help="see `screening bench NAME --help`")


def run(asked: Namespace) -> int:
    """1 where a benchmark compares and what it compared `agrees` not."""
    module, function, what = BENCHMARKS[asked.name]
    measure = getattr(import_module(f"screening.service.bench.{module}"), function)
    parser = _parser(f"screening bench {asked.name}", what, measure)
    measured = measure(**vars(parser.parse_args(asked.options)))
    told = in_loop(measured) if inspect.iscoroutine(measured) else measured
    print_json(told)
    return 0 if told.get("agrees", True) else 1


def _parser(name: str, what: str, measure: Callable[..., Any]) -> ArgumentParser:
    """Each parameter of the measurement is an option of its name; `files` are what it is called with."""
    parser = ArgumentParser(prog=name, description=what)
    for parameter in inspect.signature(measure).parameters.values():
        if parameter.name == "files":
            parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        else:
            option = f"--{parameter.name.replace('_', '-')}"
            kind = type(parameter.default)
            parser.add_argument(
                option, type=kind, default=parameter.default, help=f"by default {parameter.default}"
            )
    return parser
