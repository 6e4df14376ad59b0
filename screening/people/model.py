"""People as others see them."""

from datetime import date
from typing import Any

import msgspec


class Known(msgspec.Struct, frozen=True):
    """A person as the projection has them."""

    id: int
    holder_id: int
    merged_into: int | None
    values: dict[str, Any]


class PersonRow(msgspec.Struct, frozen=True):
    """A person as the projection has them; `holder_id` is the entry their history is read through."""

    id: int
    holder_id: int
    born: date
    sex: str
    died_on: date | None
