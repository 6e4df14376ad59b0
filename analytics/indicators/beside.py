"""Buckets counted beside each other: by threads in memory, by processes where the dataset lies in files."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from analytics.extract.dataset import Dataset, open_extract, undisturbed
from analytics.indicators.cells import Reads, Wanted, added, cells_of, reads_of, schema

# Where a process can be held to some of the cores, as in a container, it is those; macOS knows no such thing.
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_THREADS = max(2, min(4, _CORES))
_PROCESSES = min(8, _CORES)  # each holds one bucket in memory
_SEVERAL = 10  # buckets at most are added up before their cells are handed over
_ALLOCATOR, _KEPT = "_RJEM_MALLOC_CONF", "dirty_decay_ms:30000,muzzy_decay_ms:30000"
_MANY = 10  # indicators, from which on a process is worth its start of half a second


def counted(dataset: Dataset, wanted: Sequence[Wanted]) -> list[pl.DataFrame]:
    """The cells of each of these over all buckets. Refuses where another dataset took the place of this one's files.

    Threads of one process wait for each other whenever one of them gets memory: the whole catalogue takes a
    third longer in them.
    """
    with undisturbed(dataset):
        return _counted(dataset, wanted)


def _counted(dataset: Dataset, wanted: Sequence[Wanted]) -> list[pl.DataFrame]:
    cut = dataset.manifest.data_cut
    reads = reads_of(wanted, cut)
    many = sum(len(one.indicators) for one in wanted) >= _MANY
    if dataset.folder is None or _PROCESSES == 1 or not many:
        with ThreadPoolExecutor(_THREADS) as threads:
            return _added(wanted, threads.map(lambda one: cells_of(one, wanted, cut, reads), dataset.buckets))
    there = partial(_cells_there, dataset.folder, wanted, cut, reads)
    numbers = range(len(dataset.buckets))
    several = max(1, min(_SEVERAL, len(numbers) // (2 * _PROCESSES)))
    runs = [numbers[first : first + several] for first in numbers[::several]]
    _keep_memory()
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as processes:
        return _added(wanted, processes.map(there, runs))


def _keep_memory() -> None:
    """Tells the allocator of polars in processes to come not to give back at once what the next frame asks for again.

    That is a tenth of their time. polars has its own settings there already, and later ones hold.
    """
    told = os.environ.get(_ALLOCATOR, "")
    if _KEPT not in told:
        os.environ[_ALLOCATOR] = f"{told},{_KEPT}".lstrip(",")


def _cells_there(
    folder: Path, wanted: Sequence[Wanted], data_cut: date, reads: Reads, numbers: Sequence[int]
) -> list[pl.DataFrame]:
    """Of these buckets together."""
    held = open_extract(folder)
    return _added(wanted, (cells_of(held.buckets[one], wanted, data_cut, reads) for one in numbers))


def _added(wanted: Sequence[Wanted], buckets: Iterable[list[pl.DataFrame]]) -> list[pl.DataFrame]:
    nothing = [pl.DataFrame(schema=schema(one.strata)) for one in wanted]
    return [added(cells) for cells in zip(nothing, *buckets, strict=True)]
