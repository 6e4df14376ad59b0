"""The page of a programme: whole, self-contained, readable without seeing the pictures."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from analytics.extract.lives import Happening, Home, Life, Owed, dataset
from analytics.indicators import catalogue
from analytics.indicators.period import period
from analytics.places import counties
from analytics.reports.page import page

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

VOID = {"meta", "br", "img", "link", "hr", "input"}


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
    return page(data, "no-cervical", period("2024"))


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
    assert all(told["role"] == "img" and told["aria-label"] for told in pictures)
    figures = sum(tag == "figure" for tag, _ in outline.tags)
    tables = sum(tag == "table" for tag, _ in outline.tags)
    assert tables >= figures - html.count("Nothing was observed.") - 1


def test_nobody_is_lost_is_said_with_numbers(html):
    assert "120 people, 120 statuses: nobody is lost." in html


def test_a_lost_person_is_shouted():
    data = dataset([woman(1), woman(2)], data_cut=date(2026, 7, 1))
    bucket = data.buckets[0]
    lost = type(bucket)(
        bucket.persons, bucket.residences, bucket.events, bucket.obligations, bucket.standings.limit(1)
    )
    told = page(type(data)(data.manifest, [lost]), "no-cervical", period("2024"))
    assert "2 people, but 1 statuses: 1 to be found." in told


def test_a_programme_that_has_just_begun_has_a_page():
    told = page(dataset([], data_cut=date(2024, 6, 1)), "no-cervical", period("2024"))
    assert "Nothing was observed." in told


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
