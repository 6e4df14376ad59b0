"""Buckets counted beside each other: by threads in memory, by processes where the dataset lies in files."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from analytics.extract.dataset import Dataset, Manifest, open_extract
from analytics.indicators.cells import Reads, added, cells_of, reads_of
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Periods
from screening.refusals import Refused

About = tuple[Sequence[Indicator], Periods, Sequence[Stratum], date]

_CORES = len(os.sched_getaffinity(0))
_THREADS = max(2, min(4, _CORES))
_PROCESSES = min(8, _CORES)  # each holds one bucket in memory
_SEVERAL = 10  # buckets at most are added up before their cells are handed over
_MANY = 10  # indicators, from which on a process is worth its start of half a second


def cells_of_each(
    dataset: Dataset,
    indicators: Sequence[Indicator],
    periods: Periods,
    strata: Sequence[Stratum],
) -> Sequence[pl.DataFrame]:
    """The cells of each bucket, or of several together.

    Threads of one process wait for each other whenever one of them gets memory: the whole catalogue takes a
    third longer in them.
    """
    about = (indicators, periods, strata, dataset.manifest.data_cut)
    reads = reads_of(*about)
    if dataset.folder is None or len(indicators) < _MANY or _PROCESSES == 1:
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(lambda bucket: cells_of(bucket, *about, reads), dataset.buckets))
    there = partial(_cells_there, dataset.folder, dataset.manifest, about, reads)
    numbers = range(len(dataset.buckets))
    several = min(_SEVERAL, -(-len(numbers) // (2 * _PROCESSES)))
    runs = [numbers[first : first + several] for first in numbers[:: max(several, 1)]]
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as processes:
        return list(processes.map(there, runs))


def _cells_there(
    folder: Path, source: Manifest, about: About, reads: Reads, numbers: Sequence[int]
) -> pl.DataFrame:
    """Of these buckets together. Refuses where another dataset has meanwhile taken the place of the one asked."""
    held = open_extract(folder)
    if held.manifest != source:
        message = f"{folder}: another dataset took its place while it was being counted; ask again"
        raise Refused("dataset_replaced", message)
    return added([cells_of(held.buckets[number], *about, reads) for number in numbers])
