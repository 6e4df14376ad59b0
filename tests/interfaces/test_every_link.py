"""Every link, filter and download of the dashboard, followed from the pages themselves.

A made-up nation's extract is served; what a page leads to must answer, be what it says it is, and hold the numbers
that stand on the page.
"""

import io
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
import polars as pl
import pytest
import pytest_asyncio

from analytics.extract.dataset import open_extract
from analytics.indicators.catalogue import of_programme
from analytics.reports.chosen import HOME
from analytics.scale.nation import Nation, write
from screening.service.http_server import serving
from screening.service.reading_room import reading_room

MEDIA = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
}
PERIOD = "2022"


@pytest.fixture(scope="module")
def extract(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every-link") / "nation"
    write(Nation(people=3_000), folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url(extract):
    async with serving(reading_room(open_extract(extract)), port=0) as address:
        yield address


@pytest_asyncio.fixture
async def reader(url):
    async with httpx.AsyncClient(base_url=url, timeout=600) as asking:
        yield asking


class Page(HTMLParser):
    """Links, pictures, the words of each filter, and the table of each figure beside its downloads."""

    def __init__(self, html):
        super().__init__()
        self.links, self.pictures, self.choices, self.figures = [], [], {}, []
        self._select = self._cells = self._figure = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if tag == "figure":
            self._figure = {"rows": [], "files": []}
            self.figures.append(self._figure)
        elif tag == "select":
            self._select = self.choices.setdefault(told["name"], [])
        elif tag == "option":
            self._select.append(told["value"])
        elif tag == "tr" and self._figure:
            self._figure["rows"].append([])
        elif tag in ("td", "th") and self._figure:
            self._cells = []
        elif tag == "a" and "download" in told:
            self._figure["files"].append(told["href"])
        elif tag in ("a", "link"):
            self.links.append(told["href"])
        elif tag in ("img", "source"):
            self.pictures.append(told.get("src") or told["srcset"])

    def handle_data(self, data):
        if self._cells is not None:
            self._cells.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cells is not None:
            self._figure["rows"][-1].append("".join(self._cells))
            self._cells = None
        if tag == "figure":
            self._figure = None


def number(text):
    """A count as the English page writes it; None where the cell holds none."""
    plain = text.replace(",", "")
    return int(plain) if re.fullmatch(r"-?\d+", plain) else None


def of_the_table(figure):
    """The pairs n, of where the table has them; else all counts in it but those of what there was none of."""
    head, *rows = figure["rows"]
    if "n" in head and "of" in head:
        n, of = head.index("n"), head.index("of")
        return [(number(row[n]), number(row[of])) for row in rows if number(row[of]) is not None]
    return [value for row in rows for value in map(number, row[1:]) if value]


def of_the_file(frame, figure):
    head = figure["rows"][0]
    if "n" in head and "of" in head:
        return list(frame.select("numerator", "denominator").iter_rows())
    counts = [
        frame[name] for name in ("count", "numerator", "denominator", "not_counted") if name in frame.columns
    ]
    values = {value for column in counts for value in column.to_list()}
    return [*values, *(column.sum() for column in counts)]


def of_the_book(content):
    """The cells of the first sheet: how many rows, and the sum of its numbers."""
    space = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    sheet = ET.fromstring(zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml"))
    cells = [
        c for c in sheet.iterfind(".//s:c", space) if c.get("t") != "s" and c.find("s:v", space) is not None
    ]
    return len(sheet.findall(".//s:row", space)) - 1, sum(
        float(c.find("s:v", space).text) for c in cells if c.get("t") is None
    )


async def page_of(reader, address):
    answer = await reader.get(address)
    assert answer.status_code == 200, (address, answer.text[-600:])
    assert answer.headers["content-type"].startswith("text/html"), address
    assert "undefined" not in answer.text
    return Page(answer.text)


async def check_downloads(reader, page, forms):
    """Each file of each figure opens and holds the numbers of the table beside it."""
    checked = 0
    for figure in page.figures:
        taken = {}
        for address in figure["files"]:
            form = urlsplit(address).path.rpartition(".")[2]
            if form not in forms:
                continue
            answer = await reader.get(address)
            assert answer.status_code == 200, (address, answer.text[:300])
            assert answer.headers["content-type"].split(";")[0] == MEDIA[form], address
            taken[form] = answer.content
        frame = pl.read_csv(taken["csv"], infer_schema_length=None) if "csv" in taken else None
        if frame is not None and figure["rows"]:
            known = of_the_file(frame, figure)
            missing = [value for value in of_the_table(figure) if known and value not in known]
            assert missing == [], figure["files"]
        if "parquet" in taken:
            assert pl.read_parquet(taken["parquet"]).height == frame.height
        if "xlsx" in taken:
            assert of_the_book(taken["xlsx"])[0] == frame.height, figure["files"]
        if "svg" in taken:
            ET.fromstring(taken["svg"])
        checked += 1
    return checked


@pytest.mark.parametrize("programme", HOME)
async def test_every_link_and_picture_of_a_programmes_page_leads_somewhere(reader, programme):
    page = await page_of(reader, f"/dashboard/{programme}?period={PERIOD}&lang=en")
    offered = {of.id for of in of_programme(programme)}
    led_to = {parse_qs(urlsplit(link).query).get("indicator", [""])[0] for link in page.links}
    assert offered <= led_to
    assert {name for name in page.choices["indicator"] if name} == offered
    others = [link for link in page.links if "indicator=" not in link and link.startswith("/")]
    for address in dict.fromkeys([*others, *page.pictures]):
        answer = await reader.get(address)
        assert answer.status_code == 200, address
        if ".svg" in address:
            assert answer.headers["content-type"].startswith("image/svg+xml")
            assert b"<svg" in answer.content[:100]
    assert await check_downloads(reader, page, MEDIA) >= 4


async def check_filters(reader, programme, indicator):
    """The last word of each filter: its page opens, and holds what its files hold."""
    base = {"period": PERIOD, "lang": "en"} | ({"indicator": indicator} if indicator else {})
    page = await page_of(reader, f"/dashboard/{programme}?{urlencode(base)}")
    for name in page.choices.keys() - {"indicator"}:
        asked = urlencode(base | {name: page.choices[name][-1]})
        await check_downloads(reader, await page_of(reader, f"/dashboard/{programme}?{asked}"), ("csv",))
    return page.choices.keys()


@pytest.mark.parametrize(
    ("programme", "indicator", "filters"),
    [
        ("no-cervical", "hpv_positivity", {"county", "age_group", "sample", "lab"}),
        ("no-breast", "assessment_referral_rate", {"county", "age_group", "unit"}),
        ("no-colorectal", "adenoma_detection_rate", {"county", "age_group", "sex", "unit"}),
    ],
)
async def test_every_filter_narrows_and_its_page_holds_what_its_files_hold(
    reader, programme, indicator, filters
):
    assert await check_filters(reader, programme, indicator) == filters | {"indicator", "period"}


@pytest.mark.parametrize(
    ("programme", "indicator"),
    [
        ("no-cervical", "time_to_colposcopy"),
        ("no-breast", "assessment_referral_rate"),
        ("no-colorectal", "assessment_attendance"),
    ],
)
async def test_the_files_of_an_indicator_hold_the_numbers_on_its_page(reader, programme, indicator):
    page = await page_of(reader, f"/dashboard/{programme}?indicator={indicator}&period={PERIOD}&lang=en")
    assert await check_downloads(reader, page, ("csv", "parquet", "xlsx")) >= 1


@pytest.mark.scale
@pytest.mark.parametrize("programme", HOME)
async def test_every_filter_of_a_whole_programme(reader, programme):
    assert {"period", "county", "age_group"} <= await check_filters(reader, programme, "")


@pytest.mark.scale
@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("programme", HOME)
async def test_every_page_picture_and_file_of_every_indicator(reader, programme, language):
    for of in of_programme(programme):
        page = await page_of(
            reader, f"/dashboard/{programme}?indicator={of.id}&period={PERIOD}&lang={language}"
        )
        for address in page.pictures:
            assert (await reader.get(address)).status_code == 200, address
        await check_downloads(reader, page, MEDIA if language == "en" else ())


@pytest.mark.browser
@pytest.mark.parametrize("programme", HOME)
async def test_a_browser_and_a_screen_reader_find_no_fault(url, chromium, programme):
    from axe_playwright_python.async_playwright import Axe
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(600_000)
        faults = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("response", lambda answer: answer.status >= 400 and faults.append(answer.url))
        for asked in (f"period={PERIOD}&lang=nb", f"indicator=participation&period={PERIOD}&lang=en"):
            await page.goto(f"{url}/dashboard/{programme}?{asked}")
            assert faults == []
            found = await Axe().run(page)
            told = [(one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]]
            assert told == [], asked
            faults.clear()  # the examination itself says which policy it met
        await browser.close()
