"""Every guideline case, one file per paragraph: history in, decision out."""

from pathlib import Path

import pytest

from screening.protocols.cases import decide_case, disagreements, load_cases
from screening.protocols.load import family

HERE = Path(__file__).parent
CASES = [
    pytest.param(folder.name, case, id=f"{folder.name}/{file.stem}: {case.title}")
    for folder in sorted(HERE.iterdir())
    if folder.is_dir()
    for file in sorted(folder.glob("*.yaml"))
    for case in load_cases(file.read_text(encoding="utf-8"), file=file.name)
]


@pytest.mark.parametrize(("programme", "case"), CASES)
def test_the_decision_is_what_the_guideline_says(programme, case):
    assert case.expect is not None, "a guideline case says what should follow"
    assert disagreements(decide_case(family(programme), case), case.expect) == []


def test_every_row_of_every_version_is_exercised_by_a_case():
    used = set()
    for param in CASES:
        programme, case = param.values
        decision = decide_case(family(programme), case)
        used |= (
            {step.rule for step in decision.trace}
            | {one.rule for one in decision.obligations}
            | {decision.rule}
        )
    programmes = {
        folder.name for folder in HERE.iterdir() if folder.is_dir() and folder.name.startswith("no-")
    }
    rows = {
        row.id for name in programmes for version in family(name).versions for row in version.protocol.rows()
    }
    assert rows - used == set()
