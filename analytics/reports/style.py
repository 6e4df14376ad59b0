"""How pages look. Apart from what draws pictures, which takes long to load."""

from functools import cache
from hashlib import sha256
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")


@cache
def style() -> str:
    return _STYLE.read_text(encoding="utf-8")


@cache
def style_version() -> str:
    """Changes with the style, so that a browser may keep it."""
    return sha256(style().encode()).hexdigest()[:12]
