"""What is published, told to machines: tables as CSV on the Web, releases as a DCAT catalogue. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from analytics.indicators.engine import Results
from analytics.indicators.period import period
from analytics.releases.forms import FORMS
from analytics.reports.spreadsheet import NOTE

CSVW = "http://www.w3.org/ns/csvw"
_CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#", "dcat:downloadURL": {"@type": "@id"},
    "dct:conformsTo": {"@type": "@id"},
}  # fmt: skip
_MEANING: Mapping[str, str] = {
    "id": "indicator; see definitions.json, or /indicators/{id}",
    "programme": "screening programme",
    "period": "calendar period of the anchor day",
    "numerator": "counted, in the indicator's unit of counting; empty where hidden",
    "denominator": "of how many, or person-days where the unit is per person-years; empty where hidden",
    "value": "the figure, in `unit`; empty where nothing was observed, or hidden",
    "unit": "unit of value, low, high and standard",
    "low": "lower limit of the 95 % interval",
    "high": "upper limit of the 95 % interval",
    "method": "of the interval",
    "standard": "the acceptable standard; empty where none applies to all",
    "mature": "whether every unit had its whole follow-up before the data cut",
    "mature_on": "the first data cut at which it has",
    "hidden": "why figures are not told; empty where all are",
}
_TYPES: Mapping[type[pl.DataType], str] = {
    pl.Int64: "integer", pl.Float64: "number", pl.Boolean: "boolean", pl.Date: "date", pl.String: "string",
}  # fmt: skip


def csvw(tables: Mapping[str, Results], when: str) -> dict[str, Any]:
    """Metadata of CSV files, by their address (W3C, Metadata Vocabulary for Tabular Data)."""
    told = [
        {"url": url, "dc:temporal": when, "tableSchema": _schema(results)} for url, results in tables.items()
    ]
    about = {"dc:title": "Screening indicators", "dc:description": f"Words: {NOTE}."}
    return {"@context": [CSVW, {"@language": "en"}], **about, "tables": told}


def _schema(results: Results) -> dict[str, Any]:
    strata = [stratum.value for stratum in results.question.by]
    columns = [
        {"name": name, "titles": name, "datatype": _TYPES[type(dtype)], "required": name in ("id", "period"),
         "dc:description": _MEANING.get(name, f"stratum: {name.replace('_', ' ')}")}
        for name, dtype in results.frame.schema.items()
    ]  # fmt: skip
    return {"columns": columns, "primaryKey": ["id", "programme", "period", *strata]}


def catalogue(base: str, datasets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A DCAT 3 catalogue as JSON-LD; `base` is where the platform answers."""
    return {
        "@context": _CONTEXT,
        "@id": f"{base}/published",
        "@type": "dcat:Catalog",
        "dct:title": "Releases of screening indicators",
        "dcat:dataset": list(datasets),
    }


def alone(told: Mapping[str, Any]) -> dict[str, Any]:
    """A release of the catalogue by itself."""
    return {"@context": _CONTEXT, **told}


def dataset(
    base: str, number: int, manifest: Mapping[str, Any], *, published: date, sizes: Mapping[str, int]
) -> dict[str, Any]:
    """One release; `sizes` in bytes of its files."""
    at, when = f"{base}/published/{number}", period(manifest["period"])
    last = when.end - timedelta(days=1)
    return {
        "@id": at,
        "@type": "dcat:Dataset",
        "dct:identifier": str(number),
        "dct:title": f"Indicators of {manifest['programme']}, {manifest['period']}",
        "dct:issued": _day(published),
        "dct:temporal": {
            "@type": "dct:PeriodOfTime", "dcat:startDate": _day(when.start), "dcat:endDate": _day(last),
        },
        "dcat:version": manifest["data_cut"],
        "dct:provenance": f"data as of {manifest['data_cut']}, counted by {manifest['code']}",
        "dcat:distribution": [
            one for name, checksum in manifest["sha256"].items()
            for one in (_distribution(at, name, checksum, sizes[name]), *_made_of(at, name))
        ],
    }  # fmt: skip


def _distribution(at: str, name: str, checksum: str, size: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@type": "dcat:Distribution",
        "dct:title": name,
        "dcat:downloadURL": f"{at}/{name}",
        "dcat:mediaType": "text/csv" if name.endswith(".csv") else "application/json",
        "dcat:byteSize": size,
        "spdx:checksum": {"spdx:algorithm": "spdx:checksumAlgorithm_sha256", "spdx:checksumValue": checksum},
    }
    return told | ({"dct:conformsTo": CSVW} if name == "csv-metadata.json" else {})


def _made_of(at: str, name: str) -> list[dict[str, Any]]:
    """What a table is made into when it is asked for; its size and checksum are known then."""
    stem, _, form = name.rpartition(".")
    if form != "csv":
        return []
    return [
        {"@type": "dcat:Distribution", "dct:title": f"{stem}.{other}", "dcat:downloadURL": f"{at}/{stem}.{other}",
         "dcat:mediaType": media}
        for other, media in FORMS.items()
    ]  # fmt: skip


def _day(day: date) -> dict[str, str]:
    return {"@value": day.isoformat(), "@type": "xsd:date"}
