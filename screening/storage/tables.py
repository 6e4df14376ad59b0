"""One MetaData for all rooms, and the column kinds they share."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint, MetaData
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def words_only(column: str, words: type[StrEnum] | Iterable[str]) -> CheckConstraint:
    """A CHECK that admits only these words; comes from the vocabulary or from a state machine's table."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_word")


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: the watermark of incremental readers, which never skips."""

    cache_ok = True

    def get_col_spec(self, **_more: object) -> str:
        return "xid8"
