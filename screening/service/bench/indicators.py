"""The whole catalogue over a nation: how long, in how much memory, beside polars and SQL written by hand."""

import os
import platform
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import polars as pl
from tqdm import tqdm

from analytics.extract.dataset import MANIFEST, open_extract, replacing
from analytics.indicators.engine import Question, compute_each, count, question
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.places import counties
from analytics.scale.crowd import PROGRAMMES
from analytics.scale.nation import Nation, write
from screening.service.bench import by_hand

T = TypeVar("T")
_FIRST, _LAST = 2015, 2024
_SPLIT = ("county", "age_group", "year")
_PROGRAMME_OF = {
    "test_coverage": "no-cervical",
    "assessment_referral_rate": "no-breast",
    "cancer_incidence": "no-colorectal",
}
_GOAL = {"seconds": 30, "gigabytes": 8, "ratio_to_polars": 1.3, "one_county_p95_ms": 100}


def bench_indicators(
    *, people: int = 5_000_000, repetitions: int = 3, folder: str = "", times: int = 1
) -> dict[str, Any]:
    """Every indicator of three programmes by county, age group and each of ten years, from Parquet to figures.

    `folder`: where such a nation was written before, or where to write it and leave it; by default it is made
    in a temporary folder. `times`: from 2 on also so many copies of the nation, once. Each measurement runs in a
    process of its own, so that its memory is its own; the three by hand must give the same counts, else the answer
    is no.
    """
    with _nation(people, folder) as there:
        source = open_extract(there).manifest
        whole = [_apart(partial(_catalogue, there)) for _ in range(repetitions)]
        beside = {name: _beside(name, there, repetitions) for name in by_hand.POLARS}
        warm = _apart(partial(_one_county_after_another, there)).told
        larger = _many_times(there, times, whole[0]) if times > 1 else None
    seconds = median(one.seconds for one in whole)
    return {
        "benchmark": "indicators",
        "people": source.rows["persons"],
        "events": source.rows["events"],
        "indicators": whole[0].told["indicators"],
        "figures": whole[0].told["figures"],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(median(one.cpu for one in whole), 1),
        "events_per_second": round(source.rows["events"] / seconds),
        "gigabytes": round(max(one.gigabytes for one in whole), 2),
        "one_county_ms": warm,
        "many_times": larger,
        "by_hand": beside,
        "agrees": all(one["agrees"] for one in beside.values()),
        "goal": _GOAL,
        "machine": machine_alone(),
    }


def machine_alone() -> dict[str, Any]:
    """What the figures were measured on. `load`: how many others wanted the cores, over the last minute."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "polars": pl.__version__,
        "load": round(os.getloadavg()[0], 1),
    }


@contextmanager
def _nation(people: int, folder: str) -> Generator[Path]:
    made = None if folder else Path(tempfile.mkdtemp(prefix="screening-nation-"))
    there = made / "nation" if made else Path(folder)
    try:
        if not (there / MANIFEST).exists():
            with tqdm(desc="made-up nation", unit=" events") as bar:
                write(Nation(people=people), there, bar.update)
        yield there
    finally:
        if made:
            shutil.rmtree(made)


def _many_times(folder: Path, times: int, once: "Apart") -> dict[str, Any]:
    """The nation so many times over: does time grow in step, and memory not at all?"""
    there = folder.with_name(f"{folder.name}-{times}-times")
    held = open_extract(folder).manifest
    try:
        with replacing(there) as store:
            for number in tqdm(list(range(held.buckets)) * times, desc="copies", unit=" buckets"):
                store.keep(folder, number)
            store.finish(held.data_cut)
        took = _apart(partial(_catalogue, there))
    finally:
        shutil.rmtree(there, ignore_errors=True)
    if took.told["counted"] != times * once.told["counted"]:
        raise RuntimeError(f"{times} nations have {took.told['counted']} counted, one {once.told['counted']}")
    return {
        "times": times,
        "seconds": round(took.seconds, 1),
        "gigabytes": round(took.gigabytes, 2),
        "growth": round(took.seconds / once.seconds, 1),
    }


class Apart:
    """What a process of its own took, and those it started.

    `gigabytes`: the most memory it ever held, of Python and libraries too, and as much again for each core as the
    largest of those it started.
    """

    def __init__(self, told: Any, seconds: float, cpu: float, kilobytes: int) -> None:
        self.told, self.seconds, self.cpu = told, seconds, cpu
        self.gigabytes = kilobytes / 1e6


def _apart(work: Callable[[], Any]) -> Apart:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_timed, work).result()


def _timed(work: Callable[[], Any]) -> Apart:
    begun, before = time.perf_counter(), os.times()
    told = work()
    seconds, after = time.perf_counter() - begun, os.times()
    kilobytes, of_children = (
        resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return Apart(
        told,
        seconds,
        sum(after[:4]) - sum(before[:4]),
        kilobytes + of_children * len(os.sched_getaffinity(0)),
    )


def _catalogue(folder: Path) -> dict[str, int]:
    dataset = open_extract(folder)
    asked = [question(programme, _years(), by=_SPLIT) for programme in PROGRAMMES]
    frames = [told.frame for told in compute_each(dataset, asked)]
    return {
        "indicators": sum(len(one.indicators) for one in asked),
        "figures": sum(frame.height for frame in frames),
        "counted": sum(int(frame["numerator"].sum()) for frame in frames),
    }


def _one_county_after_another(folder: Path) -> dict[str, float]:
    """Milliseconds of one indicator for one county in one year, of a dataset that was asked before; and of the first."""
    kept, taken = Kept(open_extract(folder)), list[float]()
    year = period(str(_LAST))
    for _ in range(20):
        for county in list(counties().values()):
            for name, programme in _PROGRAMME_OF.items():
                begun = time.perf_counter()
                kept.answer(question(programme, year, ids=[name], county=county))
                taken.append(1000 * (time.perf_counter() - begun))
    first, rest = taken[: len(_PROGRAMME_OF)], sorted(taken[len(_PROGRAMME_OF) :])
    return {
        "first": round(max(first)),
        "p50": round(median(rest), 1),
        "p95": round(rest[len(rest) * 95 // 100], 1),
    }


def _years() -> Any:
    return period(f"{_FIRST}-{_LAST}")


def _beside(name: str, folder: Path, repetitions: int) -> dict[str, Any]:
    """One indicator by the catalogue, by hand in polars and in DuckDB, in turn; whether the counts are the same."""
    years = range(_FIRST, _LAST + 1)
    ways = {
        "ours": partial(_ours, name, folder),
        "polars": partial(by_hand.POLARS[name], folder, years),
        "duckdb": partial(by_hand.in_sql, name, folder, years),
    }
    runs = [{way: _apart(work) for way, work in ways.items()} for _ in range(repetitions)]
    taken = {way: median(run[way].seconds for run in runs) for way in ways}
    counts = {way: _comparable(runs[0][way].told) for way in ways}
    return {
        "programme": _PROGRAMME_OF[name],
        "seconds": {way: round(seconds, 2) for way, seconds in taken.items()},
        "gigabytes": {way: round(runs[0][way].gigabytes, 2) for way in ways},
        "ratio_to_polars": round(taken["ours"] / taken["polars"], 2),
        "ratio_to_duckdb": round(taken["ours"] / taken["duckdb"], 2),
        "agrees": counts["ours"].equals(counts["polars"]) and counts["ours"].equals(counts["duckdb"]),
    }


def asked_of(name: str) -> Question:
    return question(_PROGRAMME_OF[name], _years(), by=_SPLIT, ids=[name])


def _ours(name: str, folder: Path) -> pl.DataFrame:
    """The cells, with the county's number and the age where its group begins (of bins: the age itself)."""
    numbers: Mapping[str, str] = {word: number for number, word in counties().items()}
    cells = count(open_extract(folder), asked_of(name))
    group = pl.col("age_group").str.extract(r"(\d+)").cast(pl.Int64)
    binned = asked_of(name).indicators[0].measure.binned
    return cells.select(
        county=pl.col("county").replace(numbers),
        age=pl.col("bin") if binned else group,
        year=pl.col("part").cast(pl.Int64),
        numerator="numerator",
        denominator="denominator",
    )


def _comparable(counts: pl.DataFrame) -> pl.DataFrame:
    whole = dict.fromkeys(("age", "year", "numerator", "denominator"), pl.Int64())
    keys = ["county", "age", "year"]
    summed = (
        counts.cast({"county": pl.String(), **whole})
        .group_by(keys)
        .agg(pl.col("numerator", "denominator").sum())
    )
    return summed.sort(keys)
