"""The dashboard as it is served: pages whose address says what they show, pictures, rows to take away, keyboard."""

import io
import zipfile
from html.parser import HTMLParser

import polars as pl
import pytest
import pytest_asyncio

from screening.vocabulary import Role

# Sixty women of Oslo and Akershus, reminded in spring 2022; two of three answer, one of six has HPV.
_PEOPLE = """
insert into person (id, holder_id, born, sex, name, municipality) overriding system value
select 100 + n, 100 + n, make_date(1956 + n % 40, 1, 1), 'female', 'Prøve', case when n % 2 = 0 then '0301' else '3201' end
  from generate_series(1, 60) n
"""
_RESIDENCES = "insert into residence select id, municipality, born from person where id > 100"
_STANDINGS = """
insert into standing (person_id, programme, status, reason, protocol, rule)
select id, 'no-cervical', 'waiting', '', '', '' from person where id > 100
"""
_EVENTS = """
insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)
select 100 + n, 'no-cervical', kind, day, day, 'test', gen_random_uuid(), body
  from generate_series(1, 60) n
 cross join lateral (values
       ('reminded', date '2022-01-01' + n, '{"letter": "reminder"}'::jsonb, true),
       ('tested', date '2022-02-10' + n, jsonb_build_object('test', 'hpv', 'sample', 'clinician', 'lab', 'lab' || n % 4,
        'findings', jsonb_build_array(case when n % 6 = 1 then 'hpv_16' else 'negative' end)), n % 3 > 0),
       ('referred', date '2022-03-01' + n, '{"to": "colposcopy", "unit": "clinic1"}'::jsonb, n % 6 = 1),
       ('appointment_attended', date '2022-04-01' + n, '{"to": "colposcopy", "unit": "clinic1"}'::jsonb, n % 6 = 1)
       ) as happened (kind, day, body, so)
 where so
"""
PATH = "/dashboard/no-cervical"
ASKED = {"indicator": "participation", "period": "2022", "lang": "en"}


@pytest_asyncio.fixture
async def served(platform):
    for statement in (_PEOPLE, _RESIDENCES, _STANDINGS, _EVENTS):
        await platform.database.pool.execute(statement)
    return platform


@pytest_asyncio.fixture
async def staff(served):
    async with served.caller(Role.PROGRAMME_STAFF) as asking:
        asking.timeout = 300
        yield asking


class Checked(HTMLParser):
    """What a reader who cannot see needs: collected while reading the page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.captions, self.labels, self.levels = [], 0, set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append((tag, told))
        self.captions += tag == "caption"
        self.labels |= {told["for"]} if tag == "label" else set()
        self.levels += [int(tag[1])] if tag in {"h1", "h2", "h3"} else []

    def of(self, *names):
        return [told for tag, told in self.tags if tag in names]


@pytest.mark.parametrize("path", ["/dashboard", PATH, f"{PATH}?indicator=participation&period=2022"])
async def test_every_page_can_be_read_aloud(staff, path):
    page = await staff.get(path)
    assert page.status_code == 200
    told = Checked(page.text)
    assert all(image["alt"] for image in told.of("img"))
    assert told.captions == len(told.of("table"))
    assert {select["id"] for select in told.of("select")} <= told.labels
    assert all(cell["scope"] in {"col", "row"} for cell in told.of("th"))
    assert told.levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(told.levels, told.levels[1:], strict=False))
    assert [len(told.of(landmark)) for landmark in ("main", "header", "nav")] == [1, 1, 1]
    ids = [attributes["id"] for _, attributes in told.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


async def test_nothing_is_loaded_from_elsewhere_and_nothing_may_run(staff):
    page = await staff.get(PATH, params=ASKED)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    told = Checked(page.text)
    links = [*(i["src"] for i in told.of("img")), *(a["href"] for a in told.of("a", "link"))]
    assert all(link.startswith(("/dashboard", "/published", "#", "data:,")) for link in links)
    assert not told.of("script")


async def test_filters_stand_in_the_address_and_narrow_what_is_counted(staff):
    everybody = await staff.get(f"{PATH}/years.csv", params=ASKED)
    oslo = await staff.get(f"{PATH}/years.csv", params={**ASKED, "county": "Oslo"})
    of = [pl.read_csv(answer.content)["denominator"].sum() for answer in (everybody, oslo)]
    assert of == [60, 30]
    page = await staff.get(PATH, params={**ASKED, "county": "Oslo"})
    assert '<option value="Oslo" selected="">' in page.text
    assert "county=Oslo" in next(i["src"] for i in Checked(page.text).of("img"))


async def test_a_laboratory_and_a_unit_are_filters_where_the_indicator_knows_them(staff):
    asked = {"indicator": "hpv_positivity", "period": "2022", "lang": "en"}
    whole = await staff.get(f"{PATH}/years.csv", params=asked)
    one = await staff.get(f"{PATH}/years.csv", params={**asked, "lab": "lab1"})
    assert [pl.read_csv(answer.content)["denominator"].sum() for answer in (whole, one)] == [40, 10]
    page = await staff.get(PATH, params={**asked, "lab": "lab1"})
    assert '<option value="lab1" selected="">' in page.text
    assert "remove: lab1" in page.text
    attendance = await staff.get(PATH, params={"indicator": "colposcopy_attendance_90d", "lang": "en"})
    assert '<select name="unit"' in attendance.text
    assert '<select name="lab"' not in attendance.text


async def test_a_laboratory_is_seen_beside_the_others_and_over_the_years(staff):
    asked = {"indicator": "hpv_positivity", "period": "2022"}
    taken = await staff.get(f"{PATH}/by-lab.csv", params=asked)
    rows = pl.read_csv(taken.content)
    assert dict(rows.select("lab", "denominator").iter_rows()) == {f"lab{n}": 10 for n in range(4)}


async def test_a_filter_that_the_indicator_cannot_be_split_by_is_passed_over_and_said(staff):
    page = await staff.get(PATH, params={**ASKED, "lab": "lab1"})
    assert page.status_code == 200
    assert (
        "This indicator cannot be split by that, so it is not narrowed to it: laboratory lab1." in page.text
    )
    assert "lab=lab1" not in page.text
    rows = await staff.get(f"{PATH}/years.csv", params={**ASKED, "lab": "lab1"})
    assert rows.status_code == 422


@pytest.mark.parametrize(("language", "word"), [("nb", "Testet etter brev"), ("en", "Tested after a letter")])
async def test_the_page_speaks_the_language_asked_for_or_preferred(staff, language, word):
    asked = await staff.get(PATH, params={**ASKED, "lang": language})
    preferred = await staff.get(
        PATH,
        params={k: v for k, v in ASKED.items() if k != "lang"},
        headers={"accept-language": f"{language};q=0.9"},
    )
    assert word in asked.text
    assert f'<html lang="{language}">' in preferred.text


async def test_each_view_can_be_taken_away_in_each_form(staff):
    taken = {
        form: (await staff.get(f"{PATH}/ages.{form}", params=ASKED)).content
        for form in ("csv", "parquet", "xlsx", "svg")
    }
    rows = pl.read_parquet(taken["parquet"])
    assert rows["denominator"].sum() == 60
    assert pl.read_csv(taken["csv"])["numerator"].to_list() == rows["numerator"].to_list()
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(taken["xlsx"])).namelist()
    assert taken["svg"].startswith(b"<svg")


async def test_what_is_taken_away_tells_what_it_is(staff):
    alone = (await staff.get(f"{PATH}/ages.svg", params={**ASKED, "county": "Oslo"})).text
    on_the_page = (
        await staff.get(f"{PATH}/ages.svg", params={**ASKED, "county": "Oslo", "width": "520"})
    ).text
    for told in ("By age", "Tested after a letter or kit (%) · 2022 · Oslo", "Data as of"):
        assert told in alone
        assert told not in on_the_page
    book = await staff.get(f"{PATH}/ages.xlsx", params=ASKED)
    sheets = zipfile.ZipFile(io.BytesIO(book.content))
    assert b'name="About"' in sheets.read("xl/workbook.xml")
    words = sheets.read("xl/sharedStrings.xml").decode()
    assert "women aged 25-69 when called" in words
    assert "Do not publish" in words


async def test_who_did_not_come_is_told_by_age_with_counts(staff):
    page = await staff.get(PATH, params=ASKED)
    assert "20 of those called were not tested" in page.text


async def test_what_the_browser_has_is_not_sent_again(staff):
    first = await staff.get(f"{PATH}/years.csv", params=ASKED)
    again = await staff.get(
        f"{PATH}/years.csv", params=ASKED, headers={"if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/dashboard/no-cervikal", 422, "did you mean &#x27;no-cervical&#x27;"),
        (f"{PATH}?indicator=participaton", 404, "did you mean"),
        (f"{PATH}?period=2022-13", 422, "is not a period"),
        (f"{PATH}?county=Olso", 422, "did you mean"),
        (f"{PATH}?conty=Oslo", 422, "did you mean 'county'"),
        (f"{PATH}/years.csv?indicator=participation&widht=300", 422, "did you mean 'width'"),
        (f"{PATH}?lab=lab11", 422, "no lab 'lab11'; did you mean 'lab1'"),
        (f"{PATH}?indicator=participation&lab=lap1", 422, "did you mean 'lab1'"),
        (
            f"{PATH}?county=Oslo&county=Agder",
            422,
            "'county' was given 2 times; give it once, it can say one thing",
        ),
        ("/dashboard?period=2022&period=2023", 422, "'period' was given 2 times"),
        (f"{PATH}/years.csv?indicator=participation&width=300&width=400", 422, "'width' was given 2 times"),
        (f"{PATH}?lang=xx", 422, "known: en, nb"),
        (f"{PATH}/yeers.csv?indicator=participation", 404, "did you mean"),
        (f"{PATH}/years.doc?indicator=participation", 404, "expected a view as"),
    ],
)
async def test_what_cannot_be_shown_is_refused_naming_the_nearest(staff, path, status, told):
    answer = await staff.get(path)
    assert answer.status_code == status
    assert told.replace("&#x27;", "'") in answer.text.replace("&#x27;", "'")


async def test_a_refusal_speaks_the_readers_language_and_leads_on(staff):
    answer = await staff.get(f"{PATH}?county=Olso&lang=nb")
    assert "Dette kan ikke vises" in answer.text
    assert "Livmorhalsscreening" in answer.text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{PATH}?county=Olso", "Ukjent fylke: «Olso». Mente du «Oslo»? Kjente: Oslo, "),
        (f"{PATH}?lab=X", "Ukjent laboratorium: «X». Kjente: lab0, lab1, lab2, lab3."),
        (f"{PATH}?indicator=participaton", "Ukjent indikator: «participaton». Mente du «participation»?"),
        (f"{PATH}?conty=Oslo", "Ukjent parameter: «conty». Mente du «county»?"),
        (f"{PATH}?county=Oslo&county=Agder", "«county» står flere ganger i adressen"),
        ("/dashboard/no-cervikal", "Ukjent program: «no-cervikal». Mente du «no-cervical»?"),
        (f"{PATH}?period=2022-13", "«2022-13» er ingen periode: be om et år"),
        (f"{PATH}?period=2031", "2031 begynner etter at dataene slutter, 3.\u00a0juni 2024."),
    ],
)
async def test_a_norwegian_reader_is_told_the_reason_in_norwegian(staff, path, told):
    answer = await staff.get(path, headers={"accept-language": "nb"})
    assert told in answer.text
    assert 'lang="en"' not in answer.text.split("<main")[1]


async def test_every_page_says_that_its_small_numbers_are_not_for_publication(staff):
    for path in ("/dashboard", PATH, f"{PATH}?indicator=participation"):
        page = await staff.get(path, params={"lang": "en"} if "?" not in path else None)
        assert "small numbers are shown as they are. Do not publish" in page.text
        assert 'href="/published"' in page.text


async def test_a_programme_that_has_not_begun_shouts_at_nobody(staff):
    page = await staff.get("/dashboard/no-breast", params={"lang": "en"})
    assert "it has not begun here" in page.text
    assert "without a decision" not in page.text
    assert "Not reached" not in page.text
    index = await staff.get("/dashboard", params={"lang": "en"})
    assert index.text.count("No data yet: it has not begun here.") == 2


async def test_what_a_filter_cannot_narrow_is_not_shown_as_if_it_did(staff):
    narrowed = await staff.get(PATH, params={"period": "2022", "lab": "lab1", "lang": "en"})
    assert "cannot be told apart by these filters" in narrowed.text
    assert "Of everybody: the filters do not narrow this." in narrowed.text
    assert (await staff.get(f"{PATH}/steps.csv", params={"lab": "lab1"})).status_code == 404


@pytest.mark.parametrize("role", [Role.LABORATORY, Role.CLINICIAN])
async def test_other_roles_see_no_page_and_no_rows(served, role):
    async with served.caller(role) as other:
        for path in ("/dashboard", PATH, f"{PATH}/years.csv?indicator=participation"):
            assert (await other.get(path)).status_code == 403


@pytest.mark.browser
async def test_the_page_is_used_by_keyboard_at_a_desk_and_on_a_phone(served, chromium):
    from playwright.async_api import async_playwright

    token = served.token(Role.PROGRAMME_STAFF)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium)
        for width in (1440, 390):
            page = await browser.new_page(
                viewport={"width": width, "height": 900},
                extra_http_headers={"Authorization": f"Bearer {token}"},
            )
            page.set_default_timeout(300_000)
            failures = []
            page.on("console", lambda message, heard=failures: heard.append(message.text))
            await page.goto(f"{served.url}{PATH}?period=2022&lang=en")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            order = []
            for _ in range(9):
                await page.keyboard.press("Tab")
                order.append(
                    await page.evaluate("document.activeElement.id || document.activeElement.textContent")
                )
            assert order == [
                "Skip to the content", "Quality of screening", "Cervical screening", "Breast screening",
                "Colorectal screening", "Norsk", "The rules, as a book",
                "What is published, with small numbers hidden", "f-indicator",
            ]  # fmt: skip
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            await page.select_option("#f-indicator", "participation")
            await page.click("button")
            assert "indicator=participation" in page.url
            assert "period=2022" in page.url
            assert failures == []
        await browser.close()
