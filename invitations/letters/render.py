"""From an obligation's facts to words, and from words to a page."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from threading import Lock
from typing import Any, cast

import msgspec
import typst

from screening.protocols import yaml12
from screening.refusals import Refused

LANGUAGES = ("nb", "en")
_MONTHS = {
    "nb": ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober",
           "november", "desember"],
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"],
}  # fmt: skip

_BY_RULE = {"nb": "Du får dette brevet etter regel {rule}.", "en": "You get this letter by rule {rule}."}


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: str
    paragraphs: list[str]


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All letters of a programme in one language."""

    programme: str
    sender: str
    contact: str
    letters: dict[str, Wording]


class Letter(msgspec.Struct, frozen=True):
    """One letter to one person, with every fact it may need; None where the letter has no use for it.

    `language`: the person's own; where the programme has no letters in it they are written in English.
    `rule`: by which the letter was owed, told so that whoever is asked about it can look it up.
    """

    programme: str
    template: str
    language: str
    written_on: date
    address: Sequence[str]
    kit: str | None = None
    kit_expires_on: date | None = None
    taken_on: date | None = None
    rule: str | None = None

    @property
    def written_in(self) -> str:
        return self.language if programmes(self.language) & {self.programme} else "en"


@cache
def programmes(language: str) -> frozenset[str]:
    """The programmes that have letters in a language; refuses a language nobody writes."""
    if language not in LANGUAGES:
        raise Refused("language_unknown", f"no letters in {language!r}; there are {', '.join(LANGUAGES)}")
    files = resources.files("invitations.letters").joinpath(language).iterdir()
    return frozenset(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


@cache
def texts(programme: str, language: str) -> Texts:
    """A programme's wording in a language; refuses what is not written."""
    known = programmes(language)
    if programme not in known:
        raise Refused(
            "letter_unknown",
            f"{programme} has no letters in {language!r}; there are those of {', '.join(sorted(known))}",
        )
    file = f"{language}/{programme}.yaml"
    content = resources.files("invitations.letters").joinpath(file).read_text(encoding="utf-8")
    return msgspec.convert(yaml12.read(content, file=file), Texts)


def wording(letter: Letter) -> Wording:
    """Subject and paragraphs with the letter's facts in place."""
    language = letter.written_in
    known = texts(letter.programme, language).letters
    if letter.template not in known:
        told = f"{letter.programme} has no letter {letter.template!r}; there are {', '.join(sorted(known))}"
        raise Refused("letter_unknown", told)
    facts = {
        "kit": letter.kit or "",
        "expires": told_date(letter.kit_expires_on, language),
        "taken": told_date(letter.taken_on, language),
    }
    plain = known[letter.template]
    return Wording(plain.subject, [_filled(paragraph, facts) for paragraph in plain.paragraphs])


def _filled(paragraph: str, facts: Mapping[str, str]) -> str:
    for name, value in facts.items():
        paragraph = paragraph.replace("{" + name + "}", value)
    return paragraph


def told_date(day: date | None, language: str) -> str:
    """A date as people write it in that language; empty for None."""
    if day is None:
        return ""
    month = _MONTHS[language][day.month - 1]
    return f"{day.day}. {month} {day.year}" if language == "nb" else f"{day.day} {month} {day.year}"


def plain_text(letter: Letter) -> tuple[str, str]:
    """(subject, body) of the same letter for a digital mailbox."""
    words = wording(letter)
    contact = texts(letter.programme, letter.written_in).contact
    return words.subject, "\n\n".join([*words.paragraphs, contact, *_reason(letter)])


def _reason(letter: Letter) -> list[str]:
    return [] if letter.rule is None else [_BY_RULE[letter.written_in].replace("{rule}", letter.rule)]


def pdf(letters: Sequence[Letter], *, title: str) -> bytes:
    """One accessible PDF (PDF/UA-1) of letters to people of one language, a page each, in the order given."""
    senders = sorted({texts(letter.programme, letter.written_in).sender for letter in letters})
    batch: dict[str, Any] = {
        "title": title, "language": letters[0].written_in, "author": "; ".join(senders),
        "letters": [_page(letter) for letter in letters],
    }  # fmt: skip
    template, compiler = _press()
    with _one_at_a_time:
        written = compiler.compile(
            template, sys_inputs={"batch": msgspec.json.encode(batch).decode()}, pdf_standards="ua-1"
        )
    return cast("bytes", written)  # a PDF is one file; pictures of pages would be a list


_one_at_a_time = Lock()


@cache
def _press() -> tuple[bytes, typst.Compiler]:
    """The template, and a compiler that has its fonts loaded: its own, so that a letter looks the same everywhere."""
    template = resources.files("invitations.letters").joinpath("letter.typ").read_bytes()
    return template, typst.Compiler(ignore_system_fonts=True)


def _page(letter: Letter) -> dict[str, Any]:
    words, known = wording(letter), texts(letter.programme, letter.written_in)
    return {
        "programme": known.programme, "sender": known.sender, "contact": known.contact, "language": letter.written_in,
        "address": list(letter.address), "date": told_date(letter.written_on, letter.written_in),
        "subject": words.subject, "paragraphs": words.paragraphs, "kit": letter.kit,
        "reason": " ".join(_reason(letter)),
    }  # fmt: skip
