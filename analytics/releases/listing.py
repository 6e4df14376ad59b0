"""What is published, for people: each release with its tables, in one page that needs nothing else."""

from collections.abc import Sequence

from analytics.indicators.programmes import PROGRAMMES
from analytics.releases.forms import FORMS
from analytics.releases.states import Record
from analytics.reports.chosen import TITLES
from analytics.reports.markup import Markup, tag
from analytics.reports.medium import Whole
from analytics.reports.parts import document, top
from analytics.reports.views import head_of
from analytics.reports.words import Language, Wording

_CHANGES = "changes.csv"
_EXPLAINED = (
    ("definitions.json", "how each figure is counted"),
    ("csv-metadata.json", "the columns, for machines"),
)


def listing(published: Sequence[Record], language: Language) -> str:
    """The newest first, as they are given."""
    say, medium = Wording(language), Whole()
    lead = say("Open to everybody. Numbers so small that they would tell of single persons are left out.")
    found = [_release(one, say) for one in published]
    nothing = tag("p", say("Nothing is published yet."), class_="lead")
    heading = tag("header", tag("h1", say("Published figures")), tag("p", lead, class_="lead"))
    main = tag("main", heading, *(found or [nothing]), id="content")
    return document(say("Published figures"), say, medium, top(None, say, medium), main)


def _release(one: Record, say: Wording) -> Markup:
    programme = say(TITLES[PROGRAMMES[one.programme].cancer])
    when = [say("Data as of {day}", day=say.day(one.data_cut))]
    if one.published_on is not None:
        when.append(say("published {day}", day=say.day(one.published_on)))
    names = list(one.manifest["sha256"])
    tables = [name.removesuffix(".csv") for name in names if name.endswith(".csv") and name != _CHANGES]
    rows = [_table(one.id, stem, say) for stem in tables]
    head = tag("tr", *(tag("th", say(word), scope="col") for word in ("table", "as a file")))
    files = tag("table", tag("thead", head), tag("tbody", *rows), class_="list")
    explained = [
        *_EXPLAINED,
        *([(_CHANGES, "what changed since the release before")] if _CHANGES in names else []),
    ]
    more = [tag("li", _link(one.id, name, say(phrase))) for name, phrase in explained]
    return tag("section", tag("h2", f"{programme} {one.period}"), tag("p", " · ".join(when), class_="note"), files,
               tag("ul", *more))  # fmt: skip


def _table(release: int, stem: str, say: Wording) -> Markup:
    what = say("the whole country") if stem == "all" else say("by {strata}", strata=_strata(stem, say))
    names = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}
    links = [_link(release, f"{stem}.{form}", names[form]) for form in ("csv", *FORMS)]
    return tag(
        "tr", tag("th", what, scope="row"), tag("td", *(part for link in links for part in (link, " ")))
    )


def _strata(stem: str, say: Wording) -> str:
    return say.listed([say(head_of(stratum)) for stratum in stem.split("-")])


def _link(release: int, name: str, text: str) -> Markup:
    return tag("a", text, href=f"/published/{release}/{name}")
