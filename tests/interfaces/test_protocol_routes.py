"""Protocols over HTTP: to read, to compare, to answer for."""

import pytest

from screening.protocols.load import installed_families, installed_files, load_families, use
from screening.rulebook.shelf import Shelf
from screening.vocabulary import Role

STAFF = (
    Role.LABORATORY,
    Role.SCHEDULER,
    Role.CLINICIAN,
    Role.PROGRAMME_STAFF,
    Role.ANALYST,
    Role.ADMINISTRATOR,
)


@pytest.mark.parametrize("role", STAFF)
async def test_every_member_of_staff_may_read_the_protocols(platform, role):
    async with platform.caller(role) as caller:
        listed = (await caller.get("/protocols")).json()
    assert {one["family"] for one in listed} == installed_families().keys()
    assert all(one["rules"] >= one["unverified"] > 0 for one in listed)


async def test_who_has_no_token_may_not(platform):
    async with platform.caller() as caller:
        assert (await caller.get("/protocols")).status_code == 401


@pytest.mark.parametrize(
    ("form", "media", "holds"),
    [
        ("html", "text/html", "<h1>BreastScreen Norway</h1>"),
        ("md", "text/markdown", "# BreastScreen Norway"),
        ("mermaid", "text/plain", "flowchart TD"),
        ("svg", "image/svg+xml", "<svg"),
        ("json", "application/json", '"title":"BreastScreen Norway"'),
    ],
)
async def test_a_book_comes_in_the_form_asked_for(platform, form, media, holds):
    async with platform.caller(Role.CLINICIAN) as caller:
        answer = await caller.get("/protocols/no-breast-2021-01-01", params={"format": form})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media)
    assert holds in answer.text


async def test_a_family_is_shown_by_its_newest_version(platform):
    async with platform.caller(Role.CLINICIAN) as caller:
        answer = await caller.get("/protocols/no-cervical", params={"format": "json"})
    assert answer.json()["id"].startswith("no-cervical-2024-04-16")


async def test_a_protocol_that_does_not_exist_is_not_found(platform):
    async with platform.caller(Role.CLINICIAN) as caller:
        answer = await caller.get("/protocols/fr-cervical")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_two_versions_are_compared_rule_by_rule(platform):
    async with platform.caller(Role.CLINICIAN) as caller:
        path = "/protocols/no-cervical-2018-07-01/difference/no-cervical-2024-04-16-extended"
        changes = (await caller.get(path)).json()
    changed = {one["rule"]: one for one in changes}
    assert changed["NO-CERV-2018-04"]["after"] is None
    assert changed["NO-CERV-2024X-04"]["before"] is None
    assert "24 months" in changed["NO-CERV-2018-04"]["before"]
    assert "12 months" in changed["NO-CERV-2024X-04"]["after"]


async def test_only_an_administrator_answers_for_unverified_rules_once_and_with_a_reason(platform):
    async with platform.caller(Role.PROGRAMME_STAFF) as caller:
        refused = await caller.post("/protocols/no-breast/activation", json={"reason": "pilot"})
    assert refused.status_code == 403
    async with platform.caller(Role.ADMINISTRATOR) as caller:
        empty = await caller.post("/protocols/no-breast/activation", json={"reason": " "})
        first = await caller.post("/protocols/no-breast/activation", json={"reason": "pilot in Agder"})
        again = await caller.post("/protocols/no-breast/activation", json={"reason": "pilot in Agder"})
    assert empty.status_code == 422
    assert first.json() == {"activated": ["no-breast-2021-01-01"]}
    assert again.json() == {"activated": []}
    facts = await platform.database.pool.fetchval(
        "select facts from audit where action = 'activated unverified protocol'"
    )
    assert facts["reason"] == "pilot in Agder"
    assert "NO-BREAST-TREAT-01" in facts["rules"]["no-breast-2021-01-01"]


async def test_the_files_in_use_are_told(platform):
    async with platform.caller(Role.PROGRAMME_STAFF) as caller:
        assert (await caller.get("/protocols/files")).json() == {"in_use": True, "trouble": None}


@pytest.fixture
def folder(tmp_path):
    """Protocol files of an installation's own."""
    (tmp_path / "no").mkdir()
    yield tmp_path
    use(load_families(installed_files()))


async def test_the_dashboard_leads_to_the_rules(platform):
    async with platform.caller(Role.PROGRAMME_STAFF) as caller:
        page = (await caller.get("/dashboard")).text
        assert '<a href="/protocols/no-cervical">' in page
        assert (await caller.get("/protocols/no-cervical")).status_code == 200
    assert 'role="alert"' not in page


async def test_bad_files_are_told_to_whoever_looks_and_the_last_good_ones_are_shown(run_platform, folder):
    async with run_platform(shelf=Shelf(folder)) as platform:
        text = installed_files()["no/breast-2021-01-01.yaml"].replace("BreastScreen Norway", "Another")
        (folder / "no" / "breast-2021-01-01.yaml").write_text(
            text.replace("stages:", "stagess:"), encoding="utf-8"
        )
        platform.app.state.shelf.look_again()
        async with platform.caller(Role.PROGRAMME_STAFF) as caller:
            health = (await caller.get("/health")).json()
            files = (await caller.get("/protocols/files")).json()
            page = (await caller.get("/dashboard")).text
            book = (await caller.get("/protocols/no-breast")).text
    assert health == {"status": "ok", "protocols": "changed files refused, the last good set stays in use"}
    assert files["in_use"] is False
    assert "no/breast-2021-01-01.yaml:" in files["trouble"]
    assert 'role="alert">Changed protocol files are refused' in page
    assert "BreastScreen Norway" in book
