"""One programme in one file: whole, self-contained, readable without seeing the pictures, in two languages."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from analytics.extract.lives import Happening, Home, Life, Owed, dataset
from analytics.indicators import beside, catalogue, kept
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.places import counties
from analytics.reports import views, views_after_referral, views_compared
from analytics.reports.asked import asked
from analytics.reports.chosen import HOME
from analytics.reports.counts import Counts
from analytics.reports.medium import Served
from analytics.reports.page import indicator_page, page, programme_page
from analytics.reports.views import Look
from analytics.reports.words import Language, Wording, norwegian

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

VOID = {"meta", "br", "img", "link", "hr", "input", "source"}


def woman(number):
    """Reminded in spring 2024; two of three answer, one of six has HPV and is seen."""
    sent = date(2024, 1, 1) + timedelta(days=number)
    events = [Happening(date=sent, kind="reminded", letter="reminder")]
    if number % 3:
        finding = "hpv_16" if number % 6 == 1 else "negative"
        events += [Happening(date=sent + timedelta(days=40), kind="tested", test="hpv", sample="clinician", findings=finding)]  # fmt: skip
        if finding == "hpv_16":
            seen = sent + timedelta(days=60 + number)
            events += [
                Happening(date=sent + timedelta(days=60), kind="referred", to="colposcopy"),
                Happening(date=seen, kind="appointment_attended", to="colposcopy"),
                Happening(date=seen, kind="tested", test="histology", findings="cin3"),
            ]
    return Life(
        born=date(1956 + number % 43, 1, 1),
        homes=[Home(municipality=f"{list(counties())[number % 15]}01")],
        events=events,
        owed=[Owed(kind="remind", opened_on=sent, due_on=sent, evidence="reminded", evidence_on=sent)]
        if number % 10
        else [Owed(kind="remind", opened_on=sent, due_on=sent)],
    )


@pytest.fixture(scope="module")
def html():
    data = dataset([woman(number) for number in range(120)], data_cut=date(2026, 7, 1))
    return page(Kept(data), "no-cervical", period("2024"))


class Outline(HTMLParser):
    """Open tags in order, and whether each was closed where it should."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append((tag, told))
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if tag == "a" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [dict(attrs)["id"]] if "id" in dict(attrs) else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def outline(html):
    parsed = Outline()
    parsed.feed(html)
    assert parsed.open == []
    return parsed


def test_the_page_needs_nothing_else(html):
    assert "<script" not in html
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]*", html) == []
    assert "@import" not in html
    assert "undefined" not in html


def test_the_page_says_its_language_and_leads_everywhere(html, outline):
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links} <= set(outline.ids)


def test_every_indicator_has_its_section_definition_and_pictures(html, outline):
    for name, of in CATALOGUE.items():
        assert name in outline.ids
        assert of.denominator in html


def test_every_picture_is_told_in_words_and_has_its_table(html, outline):
    pictures = [told for tag, told in outline.tags if tag == "div" and "picture" in told.get("class", "")]
    assert len(pictures) > len(CATALOGUE)
    assert all(told["role"] == "img" and told["aria-label"] for told in pictures)
    figures = sum(tag == "figure" for tag, _ in outline.tags)
    assert sum(tag == "table" for tag, _ in outline.tags) >= figures


def test_nobody_is_lost_is_said_with_numbers(html):
    assert "120 people, 120 statuses: nobody is lost." in html


def looked_at(data, language=Language.ENGLISH, **filters):
    """The programme's page as the server gives it: without the pictures."""
    wanted = asked("no-cervical", period("2024"), language, filters=filters)
    return programme_page(Look(Counts(Kept(data)), wanted), Served())


def test_a_lost_person_is_shouted():
    data = dataset([woman(1), woman(2)], data_cut=date(2026, 7, 1))
    bucket = data.buckets[0]
    lost = type(bucket)(
        bucket.persons, bucket.residences, bucket.events, bucket.obligations, bucket.standings.limit(1)
    )
    told = looked_at(type(data)(data.manifest, [lost]))
    assert "2 people, but 1 statuses: 1 without a decision." in told


@pytest.mark.parametrize("programme", ["no-cervical", "no-breast", "no-colorectal", "en-bowel"])
def test_a_programme_that_has_just_begun_has_a_page(programme):
    told = page(Kept(dataset([], data_cut=date(2024, 6, 1))), programme, period("2024"))
    assert "Nothing was observed." in told


def test_norwegian_is_told_in_norwegian_words_and_numbers():
    data = dataset([woman(number) for number in range(60)], data_cut=date(2026, 7, 1))
    told = looked_at(data, Language.NORWEGIAN)
    assert '<html lang="nb">' in told
    assert "Livmorhalsscreening" in told
    assert re.search(r"\d,\d\u00a0%", told)
    assert "nobody is lost" not in told


@pytest.mark.parametrize("programme", HOME)
def test_every_indicator_at_home_has_its_norwegian_name(programme):
    say = Wording(Language.NORWEGIAN)
    assert [of.id for of in catalogue.of_programme(programme) if not say.knows(of.title)] == []


def told_of(of):
    """Every phrase of a definition that is made for that indicator."""
    return [of.population, of.denominator, of.numerator, *of.exclusions, *([of.note] if of.note else [])]


@pytest.mark.parametrize("programme", HOME)
def test_every_definition_at_home_is_told_in_norwegian(programme):
    say = Wording(Language.NORWEGIAN)
    untold = {text for of in catalogue.of_programme(programme) for text in told_of(of) if not say.knows(text)}
    assert untold == set()


def test_a_translated_phrase_has_the_places_of_its_original():
    places = re.compile(r"{\w+}")
    differ = [
        english
        for english, norwegian_ in norwegian().items()
        if sorted(places.findall(english)) != sorted(places.findall(norwegian_))
    ]
    assert differ == []


def test_a_number_is_written_as_its_language_writes_it():
    told = [
        (say.count(1234567), say.figure(67.34, "%"), say.number(0.256))
        for say in map(Wording, (Language.ENGLISH, Language.NORWEGIAN))
    ]
    assert told == [("1,234,567", "67.3%", "0.26"), ("1\u00a0234\u00a0567", "67,3\u00a0%", "0,26")]


def test_the_programme_can_be_narrowed_to_one_county():
    data = dataset([woman(number) for number in range(60)], data_cut=date(2026, 7, 1))
    told = looked_at(data, county="Oslo")
    assert " of 4</p>" in told
    assert "remove: Oslo" in told


def test_the_way_from_invited_to_cancer_follows_the_filters():
    counts = Counts(Kept(dataset([woman(number) for number in range(120)], data_cut=date(2027, 7, 1))))

    def called(**where):
        steps, cohort = counts.steps("no-cervical", period("2024"), where)
        assert cohort.text == "2024"
        return steps[0].count

    by_county = [called(county=name) for name in counties().values()]
    assert (sum(by_county), max(by_county)) == (called(), 8)
    ages = catalogue.indicator("participation", "no-cervical").ages.labels
    assert sum(called(age_group=group) for group in ages) == called()
    assert (called(sex="female"), called(county="Oslo", age_group="25-29")) == (called(), 0)


def small(number, *, county, referred, seen_after):
    """Referred on that day, and seen so many days later, or never."""
    events = [Happening(date=referred, kind="referred", to="colposcopy")]
    if seen_after is not None:
        seen = referred + timedelta(days=seen_after)
        events.append(Happening(date=seen, kind="appointment_attended", to="colposcopy"))
    return Life(born=date(1980, 1, 1 + number % 28), homes=[Home(municipality=county)], events=events)


def attendance(lives, when):
    wanted = asked(
        "no-cervical", period(when), Language.ENGLISH, indicator="colposcopy_attendance_90d", filters={}
    )
    return Look(Counts(Kept(dataset(lives, data_cut=date(2026, 1, 1)))), wanted)


def test_nobody_is_called_highest_because_of_a_handful():
    lives = [
        small(n, county="0301", referred=date(2025, 3, 1), seen_after=30 if n else None) for n in range(20)
    ]
    lives += [small(n, county="5501", referred=date(2025, 3, 1), seen_after=None) for n in range(2)]
    told = views.counties(attendance(lives, "2025-Q1")).told
    assert told == [
        "Oslo: 95.0% (19 of 20).", "Too few to be told apart, fewer than 10: Troms (0 of 2).",
    ]  # fmt: skip
    assert views_compared.map_of_counties(attendance(lives, "2025-Q1")) is None


def test_a_quarter_in_which_some_may_still_be_seen_in_time_is_not_judged():
    lives = [small(n, county="0301", referred=date(2025, 4, 1), seen_after=30) for n in range(8)]
    lives += [small(n, county="0301", referred=date(2025, 12, 1), seen_after=None) for n in range(4)]
    (view,) = views_after_referral.fates(attendance(lives, "2025"))
    assert view.told == [
        "Of 8 referred, all were seen within 90 days.",
        "◌ Some may still be seen within 90 days: 2025-Q4.",
    ]


def test_a_report_can_be_of_one_indicator_one_county_and_in_norwegian():
    data = dataset([woman(number) for number in range(60)], data_cut=date(2026, 7, 1))
    told = page(
        Kept(data),
        "no-cervical",
        period("2024"),
        Language.NORWEGIAN,
        ids=["participation"],
        filters={"county": "Oslo"},
    )
    assert re.findall(r'<section id="(\w+)"', told) == ["participation"]
    assert "av 4</p>" in told
    assert "Må ikke publiseres eller gis videre" in told


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_a_desk_and_a_phone(html, tmp_path, chromium, width):
    from playwright.sync_api import sync_playwright

    file = tmp_path / "page.html"
    file.write_text(html)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium)
        shown = browser.new_page(viewport={"width": width, "height": 900})
        failures = []
        shown.on("console", lambda message: failures.append(message.text))
        shown.goto(file.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert failures == []
        browser.close()


@pytest.fixture
def readings(monkeypatch):
    """Grows by one with each reading of the dataset for indicators."""
    known = []

    def counted(dataset, wanted):
        known.append(wanted)
        return beside.counted(dataset, wanted)

    monkeypatch.setattr(kept, "counted", counted)
    return known


def test_a_report_and_a_page_are_counted_from_one_reading(readings):
    """What is not asked for ahead is counted by itself, each time from a reading of everybody."""
    data = dataset([woman(number) for number in range(120)], data_cut=date(2025, 1, 1))

    def of_one_reading(draw):
        readings.clear()
        assert "<h1" in draw(Kept(data))
        assert len(readings) == 1

    oslo = {"county": "Oslo"}
    of_one_reading(lambda of: page(of, "no-cervical", period("2024")))
    of_one_reading(lambda of: page(of, "no-cervical", period("2024"), filters=oslo))
    of_one_reading(lambda of: programme_page(look_at(of), SERVED))
    for one in ONE_OF_EACH:
        of_one_reading(lambda of, one=one: indicator_page(look_at(of, indicator=one), SERVED))


def test_a_page_of_one_county_or_age_needs_no_further_reading(readings):
    """Who looks at the whole programme looks at a county next."""
    data = Kept(dataset([woman(number) for number in range(120)], data_cut=date(2025, 1, 1)))
    for one in ("participation", "hpv_positivity", "time_to_colposcopy"):
        indicator_page(look_at(data, indicator=one), SERVED)
        readings.clear()
        for only in ({"county": "Oslo"}, {"age_group": "40-44"}, {"county": "Oslo", "age_group": "40-44"}):
            assert "<h1" in indicator_page(look_at(data, indicator=one, **only), SERVED)
        assert readings == []


SERVED = Served(None, None, releases=False)
# What a page asks for hangs on what is measured, from when on, and whether there is a curve: an indicator of each.
ONE_OF_EACH = {(type(of.measure), of.anchor): name for name, of in CATALOGUE.items()}.values()


def look_at(kept_, *, indicator=None, **filters):
    wanted = asked("no-cervical", period("2024"), Language.ENGLISH, indicator=indicator, filters=filters)
    return Look(Counts(kept_), wanted)


def test_where_nobody_was_called_the_page_says_so_and_draws_no_empty_steps():
    data = Kept(dataset([woman(number) for number in range(12)], data_cut=date(2025, 7, 1)))
    wanted = asked("no-cervical", period("2021"), Language.ENGLISH, filters={})
    told = programme_page(Look(Counts(data), wanted), SERVED)
    assert "Nobody was called in 2021." in told
    assert "People first called in 2021" not in told


def test_an_indicator_of_which_nothing_was_observed_says_so():
    data = dataset([woman(number) for number in range(12)], data_cut=date(2026, 7, 1))
    wanted = asked("no-cervical", period("2015"), Language.ENGLISH, indicator="treatment_rate", filters={})
    assert "Nothing was observed." in indicator_page(Look(Counts(Kept(data)), wanted), Served())
