"""What is in a release: which tables, counted and judged together, as files that are the same every time. Pure."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import combinations
from typing import Any

import msgspec
import polars as pl

from analytics.disclosure.answer import HIDDEN, tell
from analytics.disclosure.cells import definition_digest
from analytics.disclosure.judge import Verdict
from analytics.disclosure.policy import Measures
from analytics.extract.dataset import Dataset, Manifest
from analytics.indicators.describe import described
from analytics.indicators.engine import Results, compute, question
from analytics.indicators.period import Period, period
from analytics.releases.comparison import Change
from analytics.releases.described import csvw
from analytics.releases.frozen import words_of
from analytics.reports.formats import Format, render
from analytics.reports.spreadsheet import as_csv

USUAL = ("county", "age_group")
MANIFEST, NUMBERS, NUMBERS_THEN = "manifest.json", "numbers.parquet", "numbers-then.parquet"
_CHANGES = {
    "id": pl.String, "period": pl.String, "stratum": pl.String, "number": pl.String,
    "before": pl.Int64, "now": pl.Int64, "because": pl.String,
}  # fmt: skip

Table = tuple[str, ...]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Where a release comes from. `tables`: the strata of each; `previous`: the release it is compared with.

    `beside`: ids of all earlier ones that it was protected against.
    """

    programme: str
    period: str
    tables: tuple[Table, ...]
    data_cut: date
    watermark: int
    code: str
    protocols: Mapping[str, str]
    policy: str
    measures: Measures
    previous: int | None
    beside: tuple[int, ...]


def about_of(manifest: object) -> About:
    """As the manifest of a release tells it."""
    return msgspec.convert(manifest, About)


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be released. `tables` holds with each table all its margins."""

    programme: str
    period: Period
    tables: tuple[Table, ...]


def spec(programme: str, when: str, tables: Sequence[str] = USUAL) -> Spec:
    """`tables` as strata separated by commas. Refuses, naming the nearest, what is not known."""
    asked = period(when)
    whole: dict[frozenset[str], Table] = {}
    for table in tables:
        strata = [word.strip() for word in table.split(",") if word.strip()]
        question(programme, asked, by=strata)
        for size in range(len(strata) + 1):
            for chosen in combinations(strata, size):
                whole.setdefault(frozenset(chosen), chosen)
    return Spec(programme, asked, tuple(sorted(whole.values(), key=lambda one: (len(one), one))))


def count_tables(dataset: Dataset, asked: Spec) -> list[Results]:
    """The true numbers of every table."""
    return [compute(dataset, question(asked.programme, asked.period, by=table)) for table in asked.tables]


def as_known_on(dataset: Dataset, day: date) -> Dataset:
    """The dataset without the events that were recorded later; corrections made since are made in it."""
    buckets = [
        replace(bucket, events=bucket.events.filter(pl.col("recorded_on") <= day))
        for bucket in dataset.buckets
    ]
    return Dataset(replace(dataset.manifest, data_cut=day), buckets)


def table_name(table: Table) -> str:
    return "-".join(table) or "all"


def definitions(answers: Sequence[Results]) -> dict[str, str]:
    """Indicator -> digest of its definition."""
    return {of.id: definition_digest(of) for one in answers for of in one.question.indicators}


def open_files(
    answers: Sequence[Results], verdict: Verdict, changed: Sequence[Change], about: About
) -> dict[str, bytes]:
    """Everything that is published, by name; the manifest last, with the checksums of all the others."""
    names = [table_name(table) for table in about.tables]
    told = dict(zip(names, tell(answers, verdict, about.measures), strict=True))
    files = {f"{name}.csv": render(one, Format.CSV) for name, one in told.items()}
    files["definitions.json"] = _json([described(of) for of in answers[0].question.indicators])
    if about.previous is not None:
        files["changes.csv"] = _changes(changed)
    files["csv-metadata.json"] = _json(csvw({f"{name}.csv": one for name, one in told.items()}, about.period))
    files[MANIFEST] = _json(_manifest(told, answers, files, about))
    return files


def _manifest(
    told: Mapping[str, Results], answers: Sequence[Results], files: Mapping[str, bytes], about: About
) -> dict[str, Any]:
    tables = {name: {"rows": one.frame.height, "hidden": _hidden(one)} for name, one in told.items()}
    return {
        **msgspec.to_builtins(about),
        "definitions": definitions(answers),
        "contents": tables,
        "sha256": {name: sha256(content).hexdigest() for name, content in files.items()},
    }


def _hidden(told: Results) -> int:
    return told.frame.filter(pl.col(HIDDEN) != "").height


def _changes(changed: Sequence[Change]) -> bytes:
    """Only what readers of both releases can see, with the reason."""
    rows = [
        (
            *(one.cell.place.indicator, one.cell.place.period, words_of(one.cell.place.words)),
            *(one.cell.what.value, one.before, one.now, one.because.value),
        )
        for one in changed
    ]
    return as_csv(pl.DataFrame(rows, schema=_CHANGES, orient="row"))


def _json(told: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def true_files(answers: Sequence[Results], about: About) -> dict[str, bytes]:
    """The true tables, from which the open ones can be made again."""
    made: dict[str, bytes] = {}
    for table, one in zip(about.tables, answers, strict=True):
        written = io.BytesIO()
        one.frame.write_parquet(written)
        made[f"true/{table_name(table)}.parquet"] = written.getvalue()
    return made


def answers_from(files: Mapping[str, bytes], about: About) -> list[Results]:
    """The true tables as they were frozen, told by the definitions of this program; without what it no longer defines."""
    source = Manifest(0, "", about.data_cut, about.watermark, 0, {})
    found: list[Results] = []
    for table in about.tables:
        frame = pl.read_parquet(io.BytesIO(files[f"true/{table_name(table)}.parquet"]))
        ids = frame["id"].unique(maintain_order=True).to_list()
        asked = question(about.programme, period(about.period), by=table)
        chosen = {of.id: of for of in asked.indicators}
        indicators = [chosen[name] for name in ids if name in chosen]
        frame = frame.filter(pl.col("id").is_in([of.id for of in indicators]))
        found.append(Results(replace(asked, indicators=indicators), source, frame))
    return found
