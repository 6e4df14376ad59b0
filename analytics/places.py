"""Norway's counties and municipalities, by their official numbers.

norway_municipalities.csv: municipalities and counties of 1 January 2024, Statistics Norway through
niphr/csdata (data NLOD 2.0, package MIT).

norway_counties.topojson: their borders of 2024, clipped to the coast, of Kartverket (CC BY 4.0) through
robhop/fylker-og-kommuner; thinned to what a map of a hand's width shows, without the smallest islands.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

_FILE = Path(__file__).with_name("norway_municipalities.csv")
_BORDERS = Path(__file__).with_name("norway_counties.topojson")
UNKNOWN = "unknown"


@cache
def _listed() -> pl.DataFrame:
    return pl.read_csv(_FILE, schema_overrides={"municipality": pl.String, "county": pl.String})


@cache
def counties() -> Mapping[str, str]:
    """Number -> Norwegian name, in order of the number; Sami and Kven names are left to the official list."""
    named = _listed().select("county", "county_name").unique().sort("county")
    return {number: name.split("-")[0] for number, name in named.iter_rows()}


@cache
def borders() -> Mapping[str, Any]:
    """TopoJSON of the counties: the object `counties`, whose shapes carry `id` (the number) and `name`."""
    return json.loads(_BORDERS.read_text())


@cache
def municipalities() -> Mapping[str, str]:
    """Number -> name as listed, in order of the number; with its county where another has the same name."""
    name = pl.col("municipality_name")
    told = (
        pl.when(name.is_duplicated())
        .then(pl.format("{} ({})", name, pl.col("county_name").str.split("-").list.first()))
        .otherwise(name)
    )
    return dict(_listed().select("municipality", told).sort("municipality").iter_rows())


COUNTY = pl.Enum([*counties(), UNKNOWN])  # the type of a column of counties
