"""What an installation decides, from the environment."""

import os
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import available_timezones

import msgspec

from screening.refusals import Refused

PROGRAMMES = ("no-cervical",)
PROCESSING = ("P", "T", "D")  # HL7 v2 table 0103
LOG_LEVELS = ("debug", "info", "warning", "error")


class Cadences(msgspec.Struct, frozen=True):
    """When each job runs: a crontab line in the programme's time zone, from SCREENING_CADENCE_<JOB>.

    `advance` often: who becomes due on a day is decided soon after it began. `send` by day, Monday to
    Friday: nobody is woken by a digital letter, or reads of a finding when there is nobody to ask. What
    runs once a day keeps clear of the hour between two and three, which one night a year lacks and one
    has twice.
    """

    advance: str = "*/5 * * * *"
    send: str = "*/10 7-19 * * mon-fri"
    sweep: str = "* * * * *"
    wake: str = "*/10 * * * *"
    seal: str = "*/5 * * * *"
    watch: str = "0 7 * * *"


class Settings(msgspec.Struct, frozen=True):
    """Every setting, with the variable it comes from."""

    database_url: str | None = None  # DATABASE_URL: a PostgreSQL of yours; None: the embedded one
    oidc_issuer: str | None = None  # OIDC_ISSUER: whose tokens are believed
    audience: str = "screening"  # SCREENING_AUDIENCE: for whom tokens must be meant
    accept_synthetic: bool = False  # SCREENING_ACCEPT_SYNTHETIC=1: test persons may be loaded
    processing: str = "P"  # SCREENING_PROCESSING: HL7 messages taken: P production, T training, D debugging
    mailbox_url: str | None = None  # SCREENING_MAILBOX_URL: the digital mailbox; None: everything is printed
    mailbox_token: str | None = None  # SCREENING_MAILBOX_TOKEN: what it knows us by; None: it does not ask
    spool: Path = Path("spool")  # SCREENING_SPOOL: the print house's folder
    own_printer: bool = False  # SCREENING_OWN_PRINTER=1: no print house counts; what is spooled is sent
    acknowledged_within: int = 3  # SCREENING_ACKNOWLEDGED_WITHIN: days a carrier has to count a batch
    protocols: Path | None = (
        None  # SCREENING_PROTOCOLS: a folder of <country>/<file>.yaml of yours; None: ours alone
    )
    figures_at_most: int = 60  # SCREENING_FIGURES_AT_MOST: seconds that shown figures may lag behind
    figures: Path | None = (
        None  # SCREENING_FIGURES: a folder to keep their dataset in; None: read anew at each start
    )
    time_zone: str = "Europe/Oslo"  # SCREENING_TIME_ZONE: where the programme's days begin
    cadences: Cadences = Cadences()  # SCREENING_CADENCE_ADVANCE, …_SEND, …: when jobs run


def settings_from_environment() -> Settings:
    defaults = Settings()
    return Settings(
        database_url=os.environ.get("DATABASE_URL") or None,
        oidc_issuer=os.environ.get("OIDC_ISSUER") or None,
        audience=os.environ.get("SCREENING_AUDIENCE", defaults.audience),
        accept_synthetic=os.environ.get("SCREENING_ACCEPT_SYNTHETIC") == "1",
        processing=_one_of("SCREENING_PROCESSING", defaults.processing, PROCESSING),
        mailbox_url=os.environ.get("SCREENING_MAILBOX_URL") or None,
        mailbox_token=os.environ.get("SCREENING_MAILBOX_TOKEN") or None,
        spool=Path(os.environ.get("SCREENING_SPOOL", defaults.spool)),
        own_printer=os.environ.get("SCREENING_OWN_PRINTER") == "1",
        acknowledged_within=_whole("SCREENING_ACKNOWLEDGED_WITHIN", defaults.acknowledged_within, "days"),
        protocols=_folder("SCREENING_PROTOCOLS"),
        figures_at_most=_whole("SCREENING_FIGURES_AT_MOST", defaults.figures_at_most, "seconds"),
        figures=_folder("SCREENING_FIGURES"),
        time_zone=_one_of("SCREENING_TIME_ZONE", defaults.time_zone, available_timezones()),
        cadences=_cadences(),
    )


def log_level() -> str:
    """SCREENING_LOG_LEVEL: from which level on the log tells; debug tells of every sweep too."""
    return _one_of("SCREENING_LOG_LEVEL", "info", LOG_LEVELS, lower=True)


def _one_of(variable: str, default: str, known: Collection[str], *, lower: bool = False) -> str:
    """Refuses another, naming the nearest of those that there are."""
    said = os.environ.get(variable) or default
    said = said.lower() if lower else said
    if said not in known:
        near = get_close_matches(said, known, n=3) or sorted(known)[:6]
        raise Refused("setting_invalid", f"{variable}={said!r}: expected one such as {', '.join(near)}")
    return said


def _folder(variable: str) -> Path | None:
    said = os.environ.get(variable)
    return Path(said) if said else None


def _whole(variable: str, default: int, of: str) -> int:
    said = os.environ.get(variable, str(default))
    if not said.isdecimal():
        raise Refused("setting_invalid", f"{variable}={said!r}: expected a number of {of}")
    return int(said)


def _cadences() -> Cadences:
    variables = {name: f"SCREENING_CADENCE_{name.upper()}" for name in Cadences.__struct_fields__}
    return Cadences(**{name: os.environ[key] for name, key in variables.items() if os.environ.get(key)})
