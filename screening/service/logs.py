"""Logs as lines on stderr, without personal data."""

import io
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import ExcInfo

from screening.service.settings import log_level

# Enough digits for a national identity number, however they are grouped.
_NUMBER = re.compile(r"\d{6}[ +-]?\d{3,}")


def configure_logs() -> None:
    """From now on a traceback shows code and reasons, never what the variables held.

    Told is what SCREENING_LOG_LEVEL asks for and what is graver.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(log_level()),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_without_numbers),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _without_numbers(told: TextIO, failed: ExcInfo) -> None:
    """A database's reason may quote the row that it refused."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, failed)
    told.write(_NUMBER.sub("[number]", text.getvalue()))
