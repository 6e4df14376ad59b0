"""The book of every protocol is kept here, so that a change of a rule is reviewed as a change of the book.

Write them anew with `python tests/architecture/test_protocol_books.py`, and read what changed.
"""

import re
from pathlib import Path

import pytest

from screening.protocols.book import book, markdown
from screening.protocols.diagram import mermaid
from screening.protocols.load import installed_families
from screening.protocols.pages import page, svg

BOOKS = Path(__file__).parent / "books"
VERSIONS = {
    version.protocol.id: version for family in installed_families().values() for version in family.versions
}
every_version = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)


@every_version
def test_the_book_is_as_it_was_reviewed(version):
    kept = (BOOKS / f"{version.protocol.id}.md").read_text(encoding="utf-8")
    assert markdown(book(version)) == kept, (
        "a rule changed: write the books anew, and have the change reviewed"
    )


def test_no_book_is_kept_of_a_protocol_that_is_gone():
    assert {file.stem for file in BOOKS.glob("*.md")} == VERSIONS.keys()


@every_version
def test_every_rule_stands_in_the_book_with_its_source_and_whether_it_was_checked(version):
    made = book(version)
    told = {row[0]: row for section in made.sections if "checked" in section.header for row in section.rows}
    told |= {
        row[1]: row for section in made.sections if section.header[:1] == ("of",) for row in section.rows
    }
    for rule in version.protocol.rules():
        assert rule.id in told
        assert rule.verified == ("not verified" not in told[rule.id])
    assert made.unverified == sum(not rule.verified for rule in version.protocol.rules())


@every_version
def test_the_picture_shows_every_stage(version):
    drawn = svg(mermaid(version))
    assert drawn.startswith("<svg")
    shown = re.sub(r"<[^>]+>", "", drawn)
    for stage in version.protocol.stages:
        assert all(word in shown for word in stage.name.split("_")), stage.name


@every_version
def test_the_page_needs_nothing_from_elsewhere(version):
    made = page(book(version))
    assert not re.findall(r"""(?:src|href)=["'](?!#)|@import|url\((?!#)""", made)
    assert len(re.findall(r'id="([A-Z0-9-]+)"', made)) == len(set(re.findall(r'id="([A-Z0-9-]+)"', made)))


if __name__ == "__main__":
    BOOKS.mkdir(exist_ok=True)
    for name, version in VERSIONS.items():
        (BOOKS / f"{name}.md").write_text(markdown(book(version)), encoding="utf-8")
