"""`screening dashboard DIR`: look at a written extract."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from analytics.extract.dataset import Dataset, open_extract
from screening.service.console import in_loop, print_note, until_told_to_stop
from screening.service.http_server import serving
from screening.service.reading_room import ADDRESS, reading_room


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("extract", type=Path, metavar="DIR", help="as `screening extract DIR` writes it")
    parser.add_argument("--port", type=int, default=8000)


def run(asked: Namespace) -> int:
    return in_loop(_serve(open_extract(asked.extract), asked.port))


async def _serve(dataset: Dataset, port: int) -> int:
    async with serving(reading_room(dataset), host=ADDRESS, port=port) as url:
        print_note(f"dashboard {url}/dashboard, data as of {dataset.manifest.data_cut}; Ctrl-C ends it")
        await until_told_to_stop()
    return 0
