"""Every letter that a protocol may send is written, in the programme's own name."""

from datetime import date
from io import BytesIO

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from invitations.letters.render import LANGUAGES, Letter, pdf, plain_text, programmes, texts, wording
from screening.protocols.load import installed_families

TODAY = date(2025, 3, 3)
FAMILIES = sorted(installed_families())
NORWEGIAN = [name for name in FAMILIES if name.startswith("no-")]


def letters_of(family):
    return {
        letter for version in installed_families()[family].versions for letter in version.protocol.letters
    }


def letter(programme, template, language="en"):
    return Letter(
        programme, template, language, TODAY, ["Kari Prøve", "Storgata 1", "0155 OSLO"],
        kit="900000001", kit_expires_on=date(2026, 1, 31), taken_on=date(2025, 2, 20),
    )  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_letter_a_protocol_names_is_written_in_english(family):
    assert set(texts(family, "en").letters) == letters_of(family)


@pytest.mark.parametrize("family", NORWEGIAN)
def test_every_norwegian_letter_is_written_in_norwegian(family):
    assert set(texts(family, "nb").letters) == letters_of(family)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_letters_are_written_that_nobody_sends(language):
    assert programmes(language) <= set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_fact_a_letter_asks_for_is_filled_in(family):
    for template in letters_of(family):
        words = wording(letter(family, template))
        assert "{" not in words.subject + "".join(words.paragraphs)


@pytest.mark.parametrize(
    ("language", "told"), [("nb", "etter regel NO-CERV-2024X-14"), ("en", "by rule NO-CERV-2024X-14")]
)
def test_a_letter_says_by_which_rule_it_was_written(language, told):
    given = replace(letter("no-cervical", "result_positive", language), rule="NO-CERV-2024X-14")
    assert told in plain_text(given)[1]
    assert told in PdfReader(BytesIO(pdf([given], title="Batch 1"))).pages[0].extract_text()


def test_a_letter_comes_in_the_name_of_its_own_programme():
    assert "BreastScreen" in texts("no-breast", "en").sender
    subject, body = plain_text(letter("no-breast", "result_negative", "nb"))
    assert "20. februar 2025" in body
    assert subject == "Svar på mammografien din"


def test_where_a_programme_is_not_written_in_the_persons_language_it_is_written_in_english():
    english = letter("en-bowel", "kit", "nb")
    assert english.written_in == "en"
    assert "31 January 2026" in "".join(wording(english).paragraphs)


def test_letters_of_several_programmes_go_into_one_file_each_under_its_own_sender():
    pages = pdf([letter("no-breast", "reminder"), letter("no-colorectal", "kit")], title="Batch 1")
    assert pages.startswith(b"%PDF")
