"""One database URL, said the way each library wants it."""

from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from screening.refusals import Refused


def refuse_unsound(url: str) -> None:
    """Refuses what names no PostgreSQL; the URL is not repeated, it may hold a password."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:  # a port, or brackets around a host, that are none
        sound = False
    if not sound:
        raise Refused(
            "setting_invalid",
            "DATABASE_URL: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, the port a number",
        )


def for_sqlalchemy(url: str) -> str:
    """The same database for SQLAlchemy's asyncpg dialect; the project's URLs are libpq's."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+asyncpg"))


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def socket_url(*, directory: str, port: int, user: str, database: str) -> str:
    """A server that listens on a Unix socket only."""
    query = urlencode({"host": directory, "port": port})
    return f"postgresql://{user}@/{database}?{query}"


def host_of(url: str) -> str:
    """The host, or the socket's directory, for messages; never user or password."""
    parts = urlsplit(url)
    return parts.hostname or parse_qs(parts.query).get("host", ["local socket"])[0]
