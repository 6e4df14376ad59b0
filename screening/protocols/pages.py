"""The book as a page for the browser, and its picture as SVG."""

import re
from functools import cache
from html import escape
from importlib import resources

import mmdr

from screening.protocols.book import UNVERIFIED, Book, Section


@cache
def svg(diagram: str) -> str:
    """A mermaid diagram drawn, without a browser and without the network."""
    return mmdr.render(diagram).svg()


def page(made: Book) -> str:
    """One self-contained document."""
    style = resources.files("screening.protocols").joinpath("book.css").read_text(encoding="utf-8")
    contents = "".join(f'<li><a href="#{_anchor(one)}">{escape(one.title)}</a></li>' for one in made.sections)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(made.title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
        f"<header><h1>{escape(made.title)}</h1><p><code>{escape(made.id)}</code></p>{_verdict(made)}</header>"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav><main>'
        f"{''.join(_section(one) for one in made.sections)}</main></body></html>"
    )


def _verdict(made: Book) -> str:
    checked = made.rules - made.unverified
    return (
        f'<p class="verdict"><strong>{checked}</strong> of {made.rules} rules checked against a source,'
        f" <mark>{made.unverified} not verified</mark></p>"
    )


def _anchor(section: Section) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in section.title.lower())


def _section(section: Section) -> str:
    text = f"<p>{escape(section.text)}</p>" if section.text else ""
    picture = _picture(svg(section.diagram)) if section.diagram else ""
    table = _table(section) if section.rows else ""
    return (
        f'<section id="{_anchor(section)}"><h2>{escape(section.title)}</h2>{text}{picture}{table}</section>'
    )


def _picture(drawn: str) -> str:
    """Never shrunk so far that its words cannot be read: a wide one is scrolled."""
    found = _WIDTH.search(drawn)
    width = found[1] if found else "0"
    label = 'tabindex="0" aria-label="The way through, as a picture"'
    return f'<figure class="diagram" style="--natural: {width}px" {label}>{drawn}</figure>'


_WIDTH = re.compile(r'viewBox="\S+ \S+ ([0-9.]+)')


def _table(section: Section) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.header)
    body = "".join(_line(section, row) for row in section.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _line(section: Section, row: tuple[str, ...]) -> str:
    cells = [_cell(name, value) for name, value in zip(section.header, row, strict=True)]
    unverified = ' class="unverified"' if UNVERIFIED in row else ""
    anchor = (
        f' id="{escape(row[0])}"' if section.header[0] == "rule" and section.title != "Not verified" else ""
    )
    return f"<tr{unverified}{anchor}>{''.join(cells)}</tr>"


def _cell(name: str, value: str) -> str:
    if name == "rule":
        return f'<th scope="row"><a href="#{escape(value)}"><code>{escape(value)}</code></a></th>'
    label = f' data-label="{escape(name)}"'  # where the page is narrow, the header is told beside each cell
    if value == UNVERIFIED:
        return f"<td{label}><mark>{UNVERIFIED}</mark></td>"
    told = (
        escape(value)
        .replace(" — or — ", '<br><span class="or">or</span> ')
        .replace("; ", ";<br>" if name == "when" else "; ")
    )
    return f"<td{label}>{told}</td>"
