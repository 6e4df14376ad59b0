"""Which of several forms a caller wants, by the rules of HTTP (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence


def chosen(accept: str, offers: Sequence[str]) -> str | None:
    """The best of the offered media types, earlier ones first among equals; None where none is acceptable.

    An empty header accepts everything. What is no media range is passed over.
    """
    ranges = [one for part in accept.split(",") if (one := _range(part)) is not None]
    if not ranges:
        return offers[0] if not accept.strip() else None
    best = max(offers, key=lambda offer: _quality(offer, ranges))
    return best if _quality(best, ranges) > 0 else None


Range = tuple[str, str, float]  # type, subtype, quality


def _range(part: str) -> Range | None:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    kind, slash, subtype = media.lower().partition("/")
    quality = next((p[2:] for p in parameters if p[:2].lower() == "q="), "1")
    try:
        return (kind, subtype, min(max(float(quality), 0.0), 1.0)) if slash else None
    except ValueError:
        return None


def _quality(offer: str, ranges: Sequence[Range]) -> float:
    """That of the most specific range it falls into."""
    kind, _, subtype = offer.partition("/")
    fitting = [
        ((a != "*") + (b != "*"), quality)
        for a, b, quality in ranges
        if a in ("*", kind) and b in ("*", subtype)
    ]
    return max(fitting, default=(0, 0.0))[1]


def unchanged(if_none_match: str, etag: str) -> bool:
    """Whether the caller already holds this representation (RFC 9110, section 13.1.2): weak comparison."""
    held = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in held or etag.removeprefix("W/") in held
