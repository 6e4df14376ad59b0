"""Every guideline case, one file per paragraph: history in, decision out."""

from pathlib import Path

import pytest

from screening.protocols.cases import decide_case, disagreements, load_cases
from screening.protocols.check import check
from screening.protocols.load import family, installed_families

HERE = Path(__file__).parent
CASES_OF = {
    folder.name: [
        (file, case)
        for file in sorted(folder.glob("*.yaml"))
        for case in load_cases(file.read_text(encoding="utf-8"), file=file.name)
    ]
    for folder in sorted(HERE.iterdir())
    if folder.is_dir() and folder.name != "__pycache__"
}
CASES = [
    pytest.param(name, case, id=f"{name}/{file.stem}: {case.title}")
    for name, cases in CASES_OF.items()
    for file, case in cases
]
VERSIONS = [
    pytest.param(version, id=version.protocol.id)
    for one in installed_families().values()
    for version in one.versions
]


@pytest.mark.parametrize(("programme", "case"), CASES)
def test_the_decision_is_what_the_guideline_says(programme, case):
    assert case.expect is not None, "a guideline case says what should follow"
    assert disagreements(decide_case(family(programme), case), case.expect) == []


@pytest.mark.parametrize("programme", sorted(installed_families()))
def test_every_row_of_every_version_is_exercised_by_a_case(programme):
    used = set()
    for _, case in CASES_OF[programme]:
        decision = decide_case(family(programme), case)
        used |= {step.rule for step in decision.trace} | {decision.rule}
        used |= {one.rule for one in decision.obligations}
    rows = {row.id for version in family(programme).versions for row in version.protocol.rows()}
    assert rows - used == set()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_protocol_is_complete_and_every_age_limit_has_a_case_on_both_sides(version):
    cases = [case for _, case in CASES_OF[version.protocol.family]]
    assert [fault.message for fault in check(version, cases)] == []


def test_there_are_enough_cases():
    assert len(CASES) >= 300
