"""Norway's counties and municipalities, by their official numbers.

norway_municipalities.csv: municipalities and counties of 1 January 2024, Statistics Norway through
niphr/csdata (data NLOD 2.0, package MIT).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import polars as pl

_FILE = Path(__file__).with_name("norway_municipalities.csv")


@cache
def municipalities() -> Mapping[str, str]:
    """Number -> number of its county."""
    listed = pl.read_csv(_FILE, schema_overrides={"municipality": pl.String, "county": pl.String})
    return dict(listed.select("municipality", "county").iter_rows())


@cache
def counties() -> Mapping[str, str]:
    """Number -> Norwegian name, in order of the number; Sami and Kven names are left to the official list."""
    listed = pl.read_csv(_FILE, schema_overrides={"municipality": pl.String, "county": pl.String})
    named = listed.select("county", "county_name").unique().sort("county")
    return {number: name.split("-")[0] for number, name in named.iter_rows()}
