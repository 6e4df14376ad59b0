"""Results as people and programs read them, and what is refused."""

import csv
import io
import json
import re
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators import catalogue
from analytics.indicators.describe import described
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period
from analytics.releases.forms import table_as
from analytics.reports.formats import Format, format_named, render
from analytics.reports.spreadsheet import as_csv, guarded, unguarded
from screening.refusals import Refused

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

PROGRAMME = "no-cervical"


def called(answers):
    test = Happening(date=date(2025, 3, 1), kind="tested", test="hpv", findings="negative")
    letter = Happening(date=date(2025, 2, 1), kind="reminded", letter="reminder")
    return Life(
        born=date(1980, 1, 1), homes=[Home(municipality="4601")], events=[letter, test][: 1 + answers]
    )


@pytest.fixture(scope="module")
def data():
    """Two women of Vestland were reminded in 2025; one was tested."""
    return dataset([called(answers=True), called(answers=False)], data_cut=date(2026, 1, 1))


def results(data, **asked):
    return compute(data, question(PROGRAMME, period("2025"), **asked))


def test_json_is_as_promised(data):
    told = json.loads(render(results(data, ids=["participation"]), Format.JSON))
    assert told == [
        {
            "id": "participation", "programme": "no-cervical", "period": "2025", "stratum": {},
            "numerator": 1, "denominator": 2, "value": 50.0, "unit": "%", "low": 9.5, "high": 90.5,
            "method": "wilson", "standard": None, "mature": False, "mature_on": "2026-07-01",
        }
    ]  # fmt: skip


def test_strata_are_an_object_in_json_and_columns_in_csv(data):
    split = results(data, ids=["participation"], by=["county", "age_group"])
    told = json.loads(render(split, Format.JSON))
    assert told[0]["stratum"] == {"county": "Vestland", "age_group": "45-49"}
    row = next(csv.DictReader(io.StringIO(render(split, Format.CSV).decode())))
    assert (row["county"], row["age_group"], row["numerator"], row["denominator"]) == (
        "Vestland",
        "45-49",
        "1",
        "2",
    )


def test_parquet_holds_whole_figures(data):
    frame = pl.read_parquet(io.BytesIO(render(results(data, ids=["participation"]), Format.PARQUET)))
    assert frame["low"].item() == pytest.approx(9.4531, abs=1e-4)


def test_the_table_says_what_will_still_change_and_how_sure_it_is(data):
    table = render(results(data, ids=["participation", "test_coverage"]), Format.TABLE).decode()
    assert re.search(r"1 +2 +50\.0 % +9\.5 to 90\.5 ", table)
    assert "… until 2026-07-01" in table
    assert "80 %" in table
    assert "Data as of 2026-01-01. 95 % intervals: wilson." in table


def test_the_table_tells_time_at_risk_in_the_years_its_rate_is_per_and_the_files_in_days(data):
    lived = results(data, ids=["cancer_incidence"])
    assert "  2\u00a0person-years  " in render(lived, Format.TABLE).decode()
    assert json.loads(render(lived, Format.JSON))[0]["denominator"] == 2 * 365
    assert next(csv.DictReader(io.StringIO(render(lived, Format.CSV).decode())))["denominator"] == "730"


def test_results_nobody_was_to_be_told_are_a_dash(data):
    table = render(results(data, ids=["result_turnaround_14d"]), Format.TABLE).decode()
    assert re.search(r"within 14 days of the sample +2025 +0 +0 +– ", table)


@pytest.mark.parametrize("form", [Format.JSON, Format.CSV, Format.TABLE, Format.PARQUET, Format.XLSX])
def test_the_same_question_gives_the_same_bytes(data, form):
    asked = {"by": ["county", "year"]}
    assert render(results(data, **asked), form) == render(results(data, **asked), form)


def test_one_county_can_be_asked_for_by_name_or_number(data):
    for county in ("Vestland", "vestland", "46"):
        assert results(data, ids=["participation"], county=county).frame["denominator"].item() == 2
    assert results(data, ids=["participation"], county="Oslo").frame["denominator"].item() == 0


def test_without_ids_every_indicator_that_can_be_split_so_is_given(data):
    assert set(results(data).frame["id"]) == set(CATALOGUE)
    by_sample = question(PROGRAMME, period("2025"), by=["sample"]).indicators
    assert {of.id for of in by_sample} == {name for name, of in CATALOGUE.items() if "sample" in of.strata}
    assert {"hpv_positivity", "invalid_rate"} <= {of.id for of in by_sample} < set(CATALOGUE)


# fmt: off
REFUSED = [
    ({"ids": ["participaton"]},                         "did you mean 'participation'"),
    ({"by": ["couny"]},                                 "did you mean 'county'"),
    ({"county": "Vestlandet"},                          "did you mean 'Vestland'"),
    ({"ids": ["participation"], "by": ["sample"]},      "no stratum of participation 'sample'"),
    ({"by": ["sample", "letter"]},                      "no indicator of no-cervical can be split by sample, letter"),
]
# fmt: on


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_the_unknown_is_refused_naming_the_nearest(data, asked, said):
    with pytest.raises(Refused, match=said):
        results(data, **asked)


def test_an_unknown_programme_is_refused_naming_the_nearest():
    with pytest.raises(Refused, match="did you mean 'no-cervical'"):
        question("cervical", period("2025"))


def test_a_period_after_the_data_is_refused(data):
    with pytest.raises(Refused, match="begins on 2026-01-01, the data end on 2026-01-01"):
        compute(data, question(PROGRAMME, period("2026")))


def test_an_unknown_format_is_refused():
    with pytest.raises(Refused, match="did you mean 'json'"):
        format_named("jsn")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_definition_leaves_no_convention_unsaid(name):
    told = described(CATALOGUE[name])
    for field in (
        "population",
        "numerator",
        "denominator",
        "anchor",
        "window",
        "maturity",
        "attribution",
        "sources",
    ):
        assert told[field], field
    assert json.dumps(told)


# fmt: off
HOSTILE = [
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("+1+1",               "'+1+1"),
    ("-2+3",               "'-2+3"),
    ("@SUM(1)",            "'@SUM(1)"),
    ("\t=1",               "'\t=1"),
    ("\r=1",               "'\r=1"),
    ("'=1",                "''=1"),
    ("'s-Hertogenbosch",   "'s-Hertogenbosch"),
    ("Ahus",               "Ahus"),
    ('="a,b"',             "'=\"a,b\""),
]
# fmt: on


@pytest.mark.parametrize(("word", "cell"), HOSTILE)
def test_a_word_of_a_laboratory_that_begins_like_a_formula_is_no_formula_in_a_spreadsheet(word, cell):
    tested = Happening(
        date=date(2024, 5, 6), kind="tested", test="hpv", sample="clinician", findings="negative", lab=word
    )
    women = dataset([Life(born=date(1980, 1, 1), homes=[Home()], events=[tested])], data_cut=date(2025, 1, 1))
    results = compute(women, question("no-cervical", period("2024"), ids=["hpv_positivity"], by=["lab"]))
    told = render(results, Format.CSV)
    (row,) = csv.DictReader(io.StringIO(told.decode(), newline=""))
    assert (row["lab"], row["numerator"], row["denominator"]) == (cell, "0", "1")
    assert pl.read_parquet(io.BytesIO(render(results, Format.PARQUET)))["lab"].to_list() == [word]
    assert json.loads(render(results, Format.JSON))[0]["stratum"] == {"lab": word}
    assert pl.read_parquet(io.BytesIO(table_as("parquet", told)))["lab"].to_list() == [word]
    for book in (render(results, Format.XLSX), table_as("xlsx", told)):
        assert formulas_and_words(book) == ([], True)


def formulas_and_words(book):
    """The formulas of the first sheet, and whether its first row of data begins with a word."""
    space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    sheet = ET.fromstring(zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml"))
    return [one.text for one in sheet.iterfind(".//s:f", space)], sheet.find(
        ".//s:row[@r='2']/s:c", space
    ).get("t") == "s"


def test_numbers_of_a_spreadsheet_stay_numbers_also_negative_ones():
    frame = pl.DataFrame({"days": [-3], "share": [-0.5], "word": ["-3"]})
    assert as_csv(frame) == b"days,share,word\n-3,-0.5,'-3\n"
    assert unguarded(guarded(frame)).equals(frame)
