"""A life told in one line, for cases counted by hand.

`letter 2024-03-01, hpv hpv_16 2024-05-01 self, owed repeat_test 2024-05-01 2025-05-01 done 2025-04-02`
"""

from datetime import date

from analytics.extract.lives import Happening, Home, Life, Owed, dataset
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period

TO = {"no-cervical": "colposcopy", "no-breast": "breast_assessment", "no-colorectal": "colonoscopy"}
BORN = {"no-cervical": date(1980, 5, 17), "no-breast": date(1965, 5, 17), "no-colorectal": date(1965, 5, 17)}
LETTERS = {"letter": ("reminded", "reminder"), "invited": ("invited", "invitation"), "kit": ("kit_dispatched", "kit"),
           "replacement": ("kit_dispatched", "kit_replacement")}  # fmt: skip
PLAIN = {"result": "result_given", "undeliverable": "letter_undeliverable", "back": "kit_returned", "died": "died",
         "emigrated": "emigrated", "reinstated": "reinstated"}  # fmt: skip


def life(line, programme):
    parts = [part.split() for part in line.split(",") if part.strip()]
    told = {
        "born": BORN[programme],
        "sex": "female",
        "homes": [Home()],
        "events": [],
        "owed": [],
        "programme": programme,
    }
    for word, *rest in parts:
        match word:
            case "born":
                told["born"] = day(rest[0])
            case "man":
                told["sex"] = "male"
            case "home":
                told["homes"] = [*(h for h in told["homes"] if h != Home()), home(*rest)]
            case "owed":
                told["owed"].append(owed(len(told["owed"]), *rest))
            case _:
                told["events"].append(event(word, rest, TO[programme]))
    return Life(**told)


def day(text):
    return date.fromisoformat(text)


def home(municipality, since="1900-01-01", until=None):
    return Home(municipality=municipality, since=day(since), until=day(until) if until else None)


def owed(number, kind, opened, due, end="open", on=None):
    ends = {
        "open": {},
        "done": {"evidence": "tested", "evidence_on": on and day(on)},
        "withdrawn": {"withdrawn_on": on and day(on)},
    }
    return Owed(kind=kind, opened_on=day(opened), due_on=day(due), subject=str(number), **ends[end])


def event(word, rest, to):
    named = {k: v for k, _, v in (part.partition("=") for part in rest if "=" in part)}
    words = [part for part in rest if "=" not in part]
    match word:
        case "hpv" | "cytology" | "histology" | "fit" | "consensus" | "colonoscopy":
            *findings, on, how = words if not words[-1][:4].isdigit() else [*words, None]
            told = {"kind": "tested", "test": word, "findings": " ".join(findings)}
            told |= {"sample": how or "clinician"} if word == "hpv" else {"method": how}
        case "read":
            reader, score, on = words
            told = {"kind": "tested", "test": "mammography", "reader": reader, "findings": score}
        case "referred" | "seen":
            on, *where = words
            told = {
                "kind": "appointment_attended" if word == "seen" else word,
                "to": where[0] if where else to,
            }
        case "booked":
            on, _, for_date = words
            told = {"kind": "appointment_booked", "to": to, "for_date": day(for_date)}
        case "treated" | "diagnosed" | "ceased":
            code, on = words
            told = {"kind": word, "code": code}
        case _ if word in LETTERS:
            (on,) = words
            told = dict(zip(("kind", "letter"), LETTERS[word], strict=True))
        case _:
            (on,) = words
            told = {"kind": PLAIN[word]}
    numbers = {
        k: float(v) if k in ("size_mm", "cutoff") else int(v) if k == "nodes" else v for k, v in named.items()
    }
    return Happening(date=day(on), **told, **numbers)


def cases(text):
    """(indicator, numerator, denominator, value or None, line) of a file of cases."""
    name = ""
    for row in text.splitlines():
        line = row.partition("#")[0].strip()
        if line and not row[0].isspace():
            name = line
        elif line:
            verdict, _, rest = line.partition(" ")
            counts, _, value = verdict.partition("=")
            numerator, denominator = counts.split("/")
            yield name, int(numerator), int(denominator), float(value) if value else None, rest.strip()


def figure(name, *lines, programme="no-cervical", when="2024", cut=date(2028, 1, 1), **asked):
    """The one row of an indicator for people told in these lines (or as they are), as data of `cut` tell it."""
    (row,) = figures(name, *lines, programme=programme, when=when, cut=cut, **asked).iter_rows(named=True)
    return row


def figures(name, *lines, programme="no-cervical", when="2024", cut=date(2028, 1, 1), **asked):
    people = [life(line, programme) if isinstance(line, str) else line for line in lines]
    return compute(
        dataset(people, data_cut=cut), question(programme, period(when), ids=[name], **asked)
    ).frame


def counts(name, *lines, **asked):
    """(numerator, denominator)."""
    row = figure(name, *lines, **asked)
    return row["numerator"], row["denominator"]
