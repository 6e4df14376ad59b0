"""Published funnels made again: event logs of exactly the printed counts, counted as real data are."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analytics.funnels.compare import compare_file


def bench_funnels(*, files: Sequence[Path]) -> dict[str, Any]:
    """Every figure printed in these files beside ours; they agree where the printed digits are the same.

    Refuses, by name, a word for a count or an indicator that it does not know.
    """
    figures = [told for file in files for told in compare_file(Path(file))]
    disagree = [told for told in figures if not told.agrees]
    return {
        "benchmark": "funnels",
        "files": len(files),
        "figures": [asdict(told) for told in figures],
        "disagree": len(disagree),
        "agrees": not disagree,
    }
