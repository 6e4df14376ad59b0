"""The benchmarks are themselves used: each is called by its name, with few repetitions, and tells its figures."""

import json

import pytest

from screening.service.cli import main
from screening.service.commands.bench import BENCHMARKS


def test_a_benchmark_prints_one_document_of_figures(capsys):
    assert main(["bench", "decide", "--lives", "2", "--repeats", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["lives"] > 0
    assert told["decisions_per_second"] > 0


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_says_how_it_is_called(name, capsys):
    with pytest.raises(SystemExit) as done:
        main(["bench", name, "--help"])
    assert done.value.code == 0
    assert f"usage: screening bench {name}" in capsys.readouterr().out


def test_a_benchmark_nobody_knows_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as done:
        main(["bench", "patience"])
    assert done.value.code == 2
    assert "advance" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "few"),
    [
        ("advance", ["--people", "300", "--workers", "1", "--repetitions", "1"]),
        ("results", ["--seconds", "0.2", "--people", "50", "--repetitions", "1", "--bulk", "1000"]),
    ],
)
def test_a_benchmark_of_the_platform_measures_it_beside_its_floor(name, few, capsys):
    assert main(["bench", name, *few]) == 0
    told = json.loads(capsys.readouterr().out)
    measured = told.get("ways", [told])
    assert all(way["ratio"] > 0 for way in measured)


def test_a_start_is_measured_from_an_empty_folder_to_the_first_answer(capsys):
    assert main(["bench", "start", "--repetitions", "1"]) == 0
    seconds = json.loads(capsys.readouterr().out)["seconds"]
    assert seconds["first"] > seconds["second"] > seconds["database_second"] > 0
