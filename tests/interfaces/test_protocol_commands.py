"""Protocols on the command line: listed, proved, shown, compared, answered for."""

import asyncio
import json
from copy import deepcopy
from datetime import date

import pytest

from screening.protocols.load import based_on, installed_families, installed_files, parse
from screening.service.cli import main

FILES = installed_files()
RAWS = {name: parse(text, file=name) for name, text in FILES.items()}
BY_ID = {raw["id"]: raw for raw in RAWS.values()}
WHOLE = {name: based_on(raw, BY_ID, file=name) for name, raw in RAWS.items()}
OLD, NEW = "no-cervical-2018-07-01", "no-cervical-2024-04-16-extended"


@pytest.fixture
def screening(capsys):
    """Runs a command: its exit status, what it printed, and what it said beside that."""

    def run(*arguments):
        status = main(["protocol", *map(str, arguments)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_every_version_is_listed_with_its_dates_and_how_much_of_it_nobody_checked(screening):
    status, out, _ = screening("list", "--json")
    listed = {one["id"]: one for one in json.loads(out)}
    assert status == 0
    assert {one["family"] for one in listed.values()} == installed_families().keys()
    assert (listed[OLD]["since"], listed[OLD]["until"]) == ("2018-07-01", "2024-04-16")
    assert 0 < listed[OLD]["unverified"] < listed[OLD]["rules"]
    status, out, _ = screening("list")
    assert status == 0
    assert all(version in out for version in listed)


def test_all_protocols_are_complete_and_their_age_limits_stand_in_cases(screening):
    status, out, err = screening("check")
    assert (status, err) == (0, "")
    assert "complete" in out
    assert screening("check", "--json")[:2] == (0, "[]\n")


def test_where_there_are_no_cases_it_is_said_that_limits_were_not_compared(screening, tmp_path):
    status, out, err = screening("check", "--cases", tmp_path)
    assert status == 0
    assert "complete" in out
    assert "not compared with cases" in err
    assert "se-cervical" in err


# -- damaged copies: what was done to them, and what must be said ----------------------------------------


def histology(raw):
    return raw["tables"]["histology"]["rows"]


def gap(raw):
    histology(raw).pop(0)


def overlap(raw):
    histology(raw).append({**histology(raw)[0], "id": "SECOND-ANSWER"})


def unreachable(raw):
    never = {"id": "NEVER", "source": ["M"], "verified": False, "when": [], "then": {}, "note": "never"}
    histology(raw).append(never)


def dead_end(raw):
    stage = next(one for one in raw["stages"] if one["name"] == "treatment")
    stage["owes"] = [{"kind": "treat", "closed_by": ["referred"], "within": {"days": 1}}]
    stage.pop("lapses", None)


def untested_limit(raw):
    enters = raw["population"]["enters"]
    if enters.get("in_year"):
        enters["years"] -= 3
    else:
        enters["months"] = 7


def unknown_word(raw):
    histology(raw)[0]["when"] = [{"histology": ["green"]}]


def twice(raw):
    histology(raw).append(histology(raw)[0])


DAMAGES = [
    (gap, 1, "gap: table histology: no row fits"),
    (overlap, 1, "overlap: table histology:"),
    (unreachable, 1, "unreachable: NEVER: never fits anything"),
    (dead_end, 1, "dead_end:"),
    (untested_limit, 1, "untested_limit:"),
    (unknown_word, 2, "histology is never green; it is one of"),
    (twice, 2, "stands twice"),
]


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize(("damage", "status", "told"), DAMAGES, ids=[one[0].__name__ for one in DAMAGES])
def test_a_damaged_copy_fails_for_the_reason_it_was_damaged(screening, tmp_path, name, damage, status, told):
    raw = deepcopy(WHOLE[name])
    damage(raw)
    file = tmp_path / "damaged.yaml"
    file.write_text(json.dumps(raw, default=str), encoding="utf-8")
    found = screening("check", file)
    assert found[0] == status
    assert told in found[1 if status == 1 else 2]
    if status == 2:
        assert f"{file}:1" in found[2]


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_undamaged_copy_passes_by_itself(screening, tmp_path, name):
    file = tmp_path / "copy.yaml"
    file.write_text(FILES[name], encoding="utf-8")
    assert screening("check", file)[0] == 0


def test_a_gap_is_printed_as_a_case_to_fill_in(screening, tmp_path):
    raw = deepcopy(WHOLE["no/colorectal-2022-01-01.yaml"])
    gap(raw)
    file = tmp_path / "gap.yaml"
    file.write_text(json.dumps(raw, default=str), encoding="utf-8")
    _, out, _ = screening("check", file)
    assert "    history:" in out
    (fault, *_) = json.loads(screening("check", file, "--json")[1])
    assert fault["kind"] == "gap"
    assert fault["combination"]["histology"] == "cancer"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id: x\nfamily: ]", "x.yaml:2: not YAML"),
        ("id: x\nid: y\n", "x.yaml:2: not YAML: id stands twice"),
        ("- a list", "x.yaml:1: expected a mapping"),
        ("id: x\nfamily: f\nwhenn: 1\n", "x.yaml:3: Object contains unknown field `whenn`"),
        ("based_on: nowhere\nid: x\n", "based_on nowhere, which is not here"),
        ("based_on: no-breast-2021-01-01\nid: x\ndrop: [GONE]\n", "drops GONE"),
        ("based_on: x\nid: x\n", "based_on x, which is not here"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(screening, tmp_path, text, told):
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    status, out, err = screening("check", file)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_rule_twice_in_what_a_version_states_of_its_own_is_refused(screening, tmp_path):
    file = tmp_path / "twice.yaml"
    raw = deepcopy(RAWS["no/cervical-2018-07-01.yaml"])
    raw["tables"]["specimen"]["rows"].append(raw["tables"]["specimen"]["rows"][0])
    file.write_text(json.dumps(raw, default=str), encoding="utf-8")
    status, _, err = screening("check", file)
    assert status == 2
    assert "NO-CERV-2018-01: stands twice" in err


def test_a_file_that_is_not_there_is_refused_by_name(screening, tmp_path):
    status, _, err = screening("check", tmp_path / "missing.yaml")
    assert status == 2
    assert "missing.yaml" in err


# -- the book ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("md", "# BreastScreen Norway"),
        ("html", "<!doctype html>"),
        ("mermaid", "%%{init"),
        ("svg", "<svg"),
        ("json", "{"),
    ],
)
def test_the_book_is_printed_in_the_form_asked_for(screening, form, begins):
    status, out, err = screening("show", "no-breast", "--format", form)
    assert (status, err) == (0, "")
    assert out.startswith(begins)


def test_what_is_not_known_is_refused_with_what_there_is(screening):
    status, _, err = screening("show", "fr-cervical")
    assert status == 2
    assert "no protocol fr-cervical; there are au-cervical" in err


# -- differences ---------------------------------------------------------------------------------------


def test_two_versions_are_compared_rule_by_rule(screening):
    status, out, _ = screening("diff", OLD, NEW)
    assert status == 0
    assert "- NO-CERV-2018-04:" in out
    assert "+ NO-CERV-2024X-04:" in out
    assert json.loads(screening("diff", OLD, NEW, "--json")[1])["population"] is None


def test_a_version_is_the_same_as_itself(screening):
    assert json.loads(screening("diff", OLD, OLD, "--json")[1])["rules"] == []


def test_a_draft_is_compared_with_what_is_in_use(screening, tmp_path):
    draft = tmp_path / "draft.yaml"
    text = FILES["no/colorectal-2022-01-01.yaml"].replace("after: {weeks: 6}", "after: {weeks: 8}")
    draft.write_text(text, encoding="utf-8")
    (change,) = json.loads(screening("diff", "no-colorectal", draft, "--json")[1])["rules"]
    assert change["rule"] == "NO-CRC-CALL-REMINDER"
    assert "6 weeks" in change["before"]
    assert "8 weeks" in change["after"]


def test_two_programmes_are_not_compared(screening):
    status, _, err = screening("diff", "no-breast", "no-cervical")
    assert status == 2
    assert "different programmes" in err


# -- beside a database ---------------------------------------------------------------------------------


@pytest.fixture
def beside(monkeypatch, url, screening):
    """The same, beside a database of its own."""
    monkeypatch.setenv("DATABASE_URL", url)
    return lambda *arguments: asyncio.to_thread(screening, *arguments)


async def test_a_comparison_says_for_whom_and_writes_nothing_but_who_looked(beside, database):
    await database.pool.execute(
        "insert into person (id, holder_id, born, sex, name)"
        " values (1, 1, '1980-01-01', 'female', 'A'), (2, 2, '1985-01-01', 'female', 'B')"
    )
    await database.pool.execute(
        "insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)"
        " select 1, 'no-cervical', 'tested', '2024-05-06', '2024-05-06', 'test', gen_random_uuid(), body::jsonb"
        ' from (values (\'{"test": "hpv", "findings": ["hpv_31"], "sample": "clinician"}\'),'
        ' (\'{"test": "cytology", "findings": ["nilm"], "sample": "clinician"}\')) as b(body)'
    )
    asked = ("diff", OLD, NEW, "--population", "--as-of", "2025-03-03", "--processes", "1")
    status, out, _ = await beside(*asked, "--json")
    told = json.loads(out)["population"]
    assert status == 0
    assert (told["people"], told["changed"], told["due_earlier"]) == (2, 1, 1)
    assert told["listed"][0] == {
        "person": 1, "status_before": "in_follow_up", "status_after": "in_follow_up", "due_before": "2026-05-06",
        "due_after": "2025-05-06", "opened": ["repeat_test"], "withdrawn": ["repeat_test"],
    }  # fmt: skip
    _, out, _ = await beside(*asked)
    assert "2 people decided by both: 1 would change" in out
    assert "person 1: in follow up, due 2026-05-06 -> in follow up, due 2025-05-06" in out
    for table in ("standing", "obligation", "sending"):
        assert await database.pool.fetchval(f"select count(*) from {table}") == 0
    actions = [row["action"] for row in await database.pool.fetch("select action from audit order by id")]
    assert actions.count("compared protocols") == 2


async def test_unverified_rules_are_not_acted_on_until_somebody_answers_for_them_by_name(
    beside, database, monkeypatch, capsys
):
    advance = lambda: asyncio.to_thread(main, ["advance"])  # noqa: E731
    assert await advance() == 2
    assert "nobody has verified: no-cervical-2005-01-01 (44 rules)" in capsys.readouterr().err
    answer = ("activate", "no-cervical", "--reason", "pilot in Agder", "--by")
    assert (await beside(*answer, " "))[0] == 2
    status, out, _ = await beside(*answer, "Kari Lege", "--json")
    assert status == 0
    assert len(json.loads(out)["activated"]) == 4
    assert "already" in (await beside(*answer, "Kari Lege"))[1]
    assert await advance() == 0
    record = await database.pool.fetchrow(
        "select actor, facts from audit where action = 'activated unverified protocol'"
    )
    assert record["actor"] == "Kari Lege"
    assert record["facts"]["reason"] == "pilot in Agder"
    assert "NO-CERV-2024X-08" in record["facts"]["rules"][NEW]


async def test_nobody_answers_for_a_programme_that_does_not_exist(beside):
    status, _, err = await beside("activate", "fr-cervical", "--reason", "r", "--by", "n")
    assert status == 2
    assert "no programme fr-cervical" in err


def test_of_two_versions_as_new_the_default_laboratorys_is_shown_and_the_other_is_named(screening):
    family = installed_families()["no-cervical"]
    usual = family.version(date(2026, 1, 1), None).protocol.id
    status, out, err = screening("show", "no-cervical", "--json")
    assert (status, json.loads(out)["id"]) == (0, usual)
    newest = [v.protocol for v in family.versions if v.protocol.in_force.since == date(2024, 4, 16)]
    assert len(newest) == 2
    assert all(one.id in err for one in newest)
    assert screening("show", OLD)[2] == ""
