"""Logs hold no personal data, also where something goes wrong with it in hand."""

import pytest
import structlog

from screening.refusals import Refused
from screening.service.logs import configure_logs


@pytest.fixture(autouse=True)
def configured(capsys):
    configure_logs()
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("number", ["17858099978", "178580 99978", "19800517-1234", "800517+1234"])
def test_a_failure_is_told_without_the_number_in_its_reason_or_in_its_variables(number, capsys):
    held = number
    try:
        raise ValueError(f"Key (system, number)=(NO, {held}) already exists")
    except ValueError:
        structlog.get_logger().exception("not stored")
    logged = capsys.readouterr().err
    assert "Key (system, number)=(NO, " in logged
    assert "test_logs.py" in logged
    assert number not in logged
    assert number[-4:] not in logged.replace("already", "")


@pytest.mark.parametrize(("asked", "told"), [("", ["kept"]), ("debug", ["swept", "kept"]), ("ERROR", [])])
def test_the_log_tells_what_is_asked_for_and_by_default_no_sweeps(asked, told, monkeypatch, capsys):
    monkeypatch.setenv("SCREENING_LOG_LEVEL", asked)
    configure_logs()
    structlog.get_logger().debug("swept")
    structlog.get_logger().info("kept")
    logged = capsys.readouterr().err
    assert [word for word in ("swept", "kept") if word in logged] == told


def test_a_log_level_that_there_is_not_is_refused(monkeypatch):
    monkeypatch.setenv("SCREENING_LOG_LEVEL", "loud")
    with pytest.raises(Refused, match="SCREENING_LOG_LEVEL"):
        configure_logs()
