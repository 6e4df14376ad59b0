"""A protocol's file that is damaged is refused, for the reason it was damaged."""

import re
from copy import deepcopy

import pytest
import yaml

from screening.protocols.cases import decide_case, load_cases
from screening.protocols.check import check
from screening.protocols.load import (
    assemble,
    based_on,
    family,
    find_family,
    installed_families,
    installed_files,
    load_families,
    load_protocol,
    parse,
)
from screening.refusals import NotFound, Refused

FILES = installed_files()
RAWS = {name: parse(text, file=name) for name, text in FILES.items()}
BY_ID = {raw["id"]: raw for raw in RAWS.values()}
WHOLE = {name: based_on(raw, BY_ID, file=name) for name, raw in RAWS.items()}
every_file = pytest.mark.parametrize("name", sorted(FILES))


def first_table(raw):
    return next(iter(raw["tables"].values()))


def load(raw):
    return load_protocol(raw, file="damaged.yaml")


def damaged(name):
    return deepcopy(WHOLE[name])


@every_file
def test_a_row_taken_out_leaves_a_gap_and_the_case_that_is_printed_meets_it(name):
    """In the intact protocol the printed case comes to exactly the row that was taken out."""
    raw = damaged(name)
    gone = raw["tables"]["histology"]["rows"].pop(0)
    gaps = [fault for fault in check(load(raw)) if fault.kind == "gap"]
    assert gaps
    assert gaps[0].combination
    raw_case = yaml.safe_load(gaps[0].case)[0]
    del raw_case["expect"]
    (case,) = load_cases(yaml.dump(raw_case), file="printed")
    decision = decide_case(find_family(installed_families(), WHOLE[name]["id"]), case)
    assert decision.trace[-1].rule == gone["id"]


@every_file
def test_two_rows_for_the_same_findings_are_an_overlap(name):
    raw = damaged(name)
    table = raw["tables"]["histology"]
    table["rows"].append({**table["rows"][0], "id": "TWICE-01"})
    assert any(fault.kind == "overlap" and "TWICE-01" in fault.message for fault in check(load(raw)))


@every_file
def test_a_row_that_never_fits_is_unreachable(name):
    raw = damaged(name)
    raw["tables"]["histology"]["rows"].append(
        {
            "id": "NEVER-01",
            "source": ["M"],
            "verified": False,
            "when": [],
            "then": {"stage": "treatment", "after": {}},
        }
    )
    assert [fault.message for fault in check(load(raw))] == ["NEVER-01: never fits anything"]


@every_file
def test_a_stage_nothing_leads_to_is_unreachable(name):
    raw = damaged(name)
    raw["stages"].append(
        stage("limbo", owes=[{"kind": "treat", "closed_by": ["treatment"], "within": {"days": 1}}])
    )
    assert any(
        fault.kind == "unreachable" and "limbo" in fault.message for fault in check(load_with_limbo(raw))
    )


def stage(name, **more):
    return {
        "id": f"STAGE-{name.upper()}",
        "name": name,
        "source": ["M"],
        "verified": False,
        "reason": name,
        **more,
    }


def load_with_limbo(raw):
    """Tables that name every stage must name the new one too: what is found there changes nothing."""
    for table in raw["tables"].values():
        if "stage" in table["facts"] and table["judges"] != ["follow_up_closed"]:
            whole = [row for row in table["rows"] if any("stage" not in when for when in row["when"])]
            for row in whole:
                names = [one["name"] for one in raw["stages"] if one["name"] != "limbo"]
                row["when"] = [when if "stage" in when else {**when, "stage": names} for when in row["when"]]
            table["rows"].append(
                {"id": f"LIMBO-{table['judges'][0].upper()}", "source": ["M"], "verified": False, "note": "nowhere to go",
                 "when": [{"stage": ["limbo"]}], "then": {}}
            )  # fmt: skip
    return load(raw)


@every_file
def test_a_stage_without_a_way_out_is_a_dead_end(name):
    raw = damaged(name)
    raw["stages"].append(
        stage("limbo", owes=[{"kind": "treat", "closed_by": ["referred"], "within": {"days": 1}}])
    )
    lead_into_limbo(raw)
    found = {fault.kind for fault in check(load_with_limbo(raw))}
    assert "dead_end" in found


@every_file
def test_a_stage_that_owes_nothing_is_a_dead_end(name):
    raw = damaged(name)
    raw["stages"].append(stage("limbo"))
    lead_into_limbo(raw)
    faults = [fault.message for fault in check(load_with_limbo(raw)) if fault.kind == "dead_end"]
    assert any("owes nothing" in message for message in faults)


@every_file
def test_a_deferral_without_an_end_is_a_dead_end(name):
    raw = damaged(name)
    raw["stages"].append(stage("limbo", defers=True))
    lead_into_limbo(raw)
    assert any("defers for ever" in fault.message for fault in check(load_with_limbo(raw)))


@every_file
def test_a_loop_that_never_comes_back_is_endless(name):
    raw = damaged(name)
    owes = [{"kind": "treat", "closed_by": ["treatment"], "within": {"days": 1}}]
    turn = {
        "id": "TURN-{}",
        "source": ["M"],
        "verified": False,
        "after": {"months": 1},
        "then": {"stage": ""},
    }
    for here, there in (("limbo", "limbo_2"), ("limbo_2", "limbo")):
        lapse = {**turn, "id": f"TURN-{here.upper()}", "then": {"stage": there}}
        raw["stages"].append(stage(here, owes=[{**owes[0], "closed_by": ["closing"]}], lapses=lapse))
    lead_into_limbo(raw)
    for table in raw["tables"].values():
        for row in table["rows"]:
            row["when"] = [spread(when) for when in row["when"]]
    faults = check(load_with_limbo(raw))
    assert any(fault.kind == "endless" for fault in faults)


def spread(when):
    return when


def lead_into_limbo(raw):
    """The first row of the treatment table leads there."""
    raw["tables"]["treatment"]["rows"][0]["then"] = {"stage": "limbo", "after": {"months": 1}}


@every_file
def test_a_finding_in_routine_call_that_changes_nothing_is_unanswered(name):
    raw = damaged(name)
    row = next(row for table in raw["tables"].values() for row in table["rows"] if leads_from_call(row))
    row["then"], row["note"] = {}, "nobody knows"
    assert any(fault.kind == "unanswered" and row["id"] in fault.message for fault in check(load(raw)))


def leads_from_call(row):
    return row["then"].get("stage") == "assessment" and any(
        "call" in when.get("stage", []) for when in row["when"]
    )


@every_file
def test_a_row_that_changes_nothing_says_why(name):
    raw = damaged(name)
    row = next(
        row
        for table in raw["tables"].values()
        for row in table["rows"]
        if not row["then"] and table["judges"] != ["treated"]
    )
    row["note"] = ""
    assert any("does not say why" in fault.message for fault in check(load(raw)))


def edit(path, value):
    """Set, or with None remove, what a path of keys leads to."""

    def change(raw):
        *way, last = path
        for key in way:
            raw = raw[key]
        if value is None:
            del raw[last]
        else:
            raw[last] = value

    return change


HIST = ("tables", "histology", "rows", 0)
REFUSED = [
    ("unknown key", edit((*HIST, "whenn"), []), "unknown field `whenn`"),
    ("missing key", edit((*HIST, "id"), None), "missing required field `id`"),
    ("wrong type", edit(("population", "enters"), {"years": "fifty"}), "Expected `int`"),
    ("unknown test", edit(("groups", "spit"), []), "spit"),
    ("unknown obligation", edit(("stages", 1, "owes"), [{"kind": "pray", "closed_by": []}]), "pray"),
    ("unknown stage", edit((*HIST, "then"), {"stage": "heaven"}), "stage heaven does not exist"),
    ("unknown fact", edit((*HIST, "when"), [{"mood": ["good"]}]), "mood is not a fact of this table"),
    ("unknown fact of a table", edit(("tables", "histology", "facts"), ["stage", "histology", "mood"]), "no fact mood"),
    ("unknown word", edit((*HIST, "when"), [{"histology": ["green"]}]), "histology is never green"),
    ("unknown letter", edit(("call", "steps", 0, "letter"), "poem"), "letter poem does not exist"),
    ("letter nobody sends", lambda raw: raw["letters"].append("poem"), "no rule sends poem"),
    ("unknown source", edit((*HIST, "source"), ["S999"]), "source S999 is not listed"),
    ("no source", edit((*HIST, "source"), []), "names no source"),
    ("rule twice", lambda raw: raw["tables"]["histology"]["rows"].append(raw["tables"]["histology"]["rows"][0]), "stands twice"),
    ("finding in no group", lambda raw: raw["groups"]["histology"][0]["findings"].pop(), "is in no group"),
    ("finding in two groups", lambda raw: raw["groups"]["histology"][-1]["findings"].append(
        raw["groups"]["histology"][0]["findings"][0]), "is in two groups"),
    ("evidence of nothing", edit(("stages", 1, "owes", 0, "closed_by"), ["hope"]), "hope closes nothing"),
    ("test nobody judges", edit(("tables", "histology", "judges"), ["diagnosed"]), "no table judges histology"),
    ("news judged twice", lambda raw: raw["tables"]["closing"]["judges"].append("treated"), "judged by two tables"),
    ("step that calls nobody", edit(("call", "steps", 0, "kind"), "treat"), "treat calls nobody"),
    ("months of a year", edit(("population", "leaves"), {"years": 70, "months": 3, "in_year": True}), "`months` mean nothing"),
    ("no step", edit(("call", "steps"), []), "nobody would ever be called"),
    ("no call", lambda raw: raw["stages"].pop(0), "there is no stage call"),
    ("code of no histology", edit(("diagnoses",), {"C18": "green"}), "C18 stands for green"),
    ("backwards in time", edit(("in_force",), {"since": "2020-01-01", "until": "2019-01-01", "laboratories": ["standard"]}),
     "not after it begins"),
]  # fmt: skip


@every_file
@pytest.mark.parametrize(("what", "damage", "told"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_damaged_file_is_refused_for_that_reason(name, what, damage, told):
    raw = damaged(name)
    damage(raw)
    with pytest.raises(Refused, match=re.escape(told)):
        load(raw)


def test_a_refusal_names_file_and_line_of_the_rule():
    name = "no/colorectal-2022-01-01.yaml"
    text = FILES[name].replace("letter: kit_replacement", "letter: poem")
    line = next(
        number for number, one in enumerate(text.splitlines(), start=1) if "NO-CRC-STAGE-NEW-KIT" in one
    )
    with pytest.raises(Refused, match=f"{name}:{line}: NO-CRC-STAGE-NEW-KIT: letter poem"):
        load_families({name: text})


def test_a_refusal_names_the_line_of_a_wrong_type():
    name = "no/colorectal-2022-01-01.yaml"
    text = FILES[name].replace("above: 15", "above: many")
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if "NO-CRC-CUTOFF" in one)
    with pytest.raises(Refused, match=rf"{name}:{line}: Expected `float \| null`"):
        load_families({name: text})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "then: {stage: treatment, reason: cancer found at",
            "thenn: {stage: treatment, reason: cancer found at",
        ),
        (
            "verified: false, when: [{stage: [call], colonoscopy:",
            "verified: false, wenn: [{stage: [call], colonoscopy:",
        ),
        ("within: {weeks: 4}", "within: {wekks: 4}"),
    ],
)
def test_a_refusal_names_the_line_of_a_key_that_does_not_exist(old, new):
    name = "no/colorectal-2022-01-01.yaml"
    line = next(number for number, one in enumerate(FILES[name].splitlines(), start=1) if old in one)
    with pytest.raises(Refused, match=rf"{name}:{line}: Object contains unknown field"):
        load_families({name: FILES[name].replace(old, new)})


def test_what_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(Refused, match=r"x\.yaml:2: not YAML"):
        parse("id: x\nfamily: ]", file="x.yaml")


def test_yes_and_no_are_answers_where_a_rule_says_whether_it_was_checked():
    assert parse("a: {verified: yes}\nb: {verified: no}\nc: no", file="x") == {
        "a": {"verified": True}, "b": {"verified": False}, "c": "no",
    }  # fmt: skip


def test_two_versions_for_the_same_days_and_laboratories_are_refused():
    versions = family("no-cervical").versions
    with pytest.raises(Refused, match=r"stand|in force for the same days"):
        assemble(
            "no-cervical",
            [*versions, load({**deepcopy(WHOLE["no/cervical-2018-07-01.yaml"]), "id": "other"})],
        )
    with pytest.raises(Refused, match="two files hold"):
        assemble("no-cervical", [*versions, versions[0]])


def test_a_base_that_is_not_there_and_a_rule_it_has_not_are_refused():
    with pytest.raises(Refused, match="based_on nowhere"):
        based_on({"id": "x", "based_on": "nowhere"}, {}, file="x.yaml")
    with pytest.raises(Refused, match="drops GONE"):
        based_on({"id": "x", "based_on": "base", "drop": ["GONE"]}, {"base": {"id": "base"}}, file="x.yaml")


def test_an_unknown_protocol_is_not_found():
    with pytest.raises(NotFound, match="no protocol fr-cervical"):
        family("fr-cervical")


def test_a_version_is_found_by_its_id():
    assert [one.protocol.id for one in family("no-cervical-2018-07-01").versions] == [
        "no-cervical-2018-07-01"
    ]


def test_a_day_and_a_laboratory_pick_the_version():
    from datetime import date

    rules = family("no-cervical")
    picked = lambda day, profile: rules.version(day, profile).protocol.id  # noqa: E731
    assert picked(date(2024, 4, 15), "extended") == "no-cervical-2018-07-01"
    assert picked(date(2024, 4, 16), "extended") == "no-cervical-2024-04-16-extended"
    assert picked(date(2024, 4, 16), "standard") == "no-cervical-2024-04-16-standard"
    assert picked(date(2024, 4, 16), None) == "no-cervical-2024-04-16-extended"
    assert picked(date(2024, 4, 16), "unheard of") == "no-cervical-2024-04-16-extended"
    assert picked(date(1990, 1, 1), None) == "no-cervical-2005-01-01"
