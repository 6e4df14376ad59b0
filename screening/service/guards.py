"""What every answer carries against being kept, framed, or taken for what it is not."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

# Answers are about people: they are kept in no cache, taken for nothing but what they say they are, and run nothing.
_GUARDS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
}


async def guard(message: Message, scope: Scope) -> None:
    """The framework's own page of the API's description loads what draws it, and holds nobody's data."""
    if message["type"] == "http.response.start" and not scope["path"].startswith("/schema"):
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _GUARDS.items():
            headers.setdefault(name, value)
