"""What an installation decides, from the environment."""

import os
from pathlib import Path

import msgspec

PROGRAMMES = ("no-cervical",)


class Settings(msgspec.Struct, frozen=True):
    """Every setting, with the variable it comes from."""

    database_url: str | None = None  # DATABASE_URL: a PostgreSQL of yours; None: the embedded one
    oidc_issuer: str | None = None  # OIDC_ISSUER: whose tokens are believed
    audience: str = "screening"  # SCREENING_AUDIENCE: for whom tokens must be meant
    accept_synthetic: bool = False  # SCREENING_ACCEPT_SYNTHETIC=1: test persons may be loaded
    processing: str = "P"  # SCREENING_PROCESSING: HL7 messages taken: P production, T training, D debugging
    mailbox_url: str | None = None  # SCREENING_MAILBOX_URL: the digital mailbox; None: everything is printed
    spool: Path = Path("spool")  # SCREENING_SPOOL: the print house's folder
    time_zone: str = "Europe/Oslo"  # SCREENING_TIME_ZONE: where the programme's days begin


def settings_from_environment() -> Settings:
    defaults = Settings()
    return Settings(
        database_url=os.environ.get("DATABASE_URL") or None,
        oidc_issuer=os.environ.get("OIDC_ISSUER") or None,
        audience=os.environ.get("SCREENING_AUDIENCE", defaults.audience),
        accept_synthetic=os.environ.get("SCREENING_ACCEPT_SYNTHETIC") == "1",
        processing=os.environ.get("SCREENING_PROCESSING", defaults.processing),
        mailbox_url=os.environ.get("SCREENING_MAILBOX_URL") or None,
        spool=Path(os.environ.get("SCREENING_SPOOL", defaults.spool)),
        time_zone=os.environ.get("SCREENING_TIME_ZONE", defaults.time_zone),
    )
