"""A definition as plain data: what the API lists and the page prints."""

from typing import Any

from msgspec import structs

from analytics.indicators.model import Indicator
from analytics.indicators.reference import Reference, references


def described(of: Indicator) -> dict[str, Any]:
    """Every convention of the indicator in words and numbers."""
    return {
        "id": of.id,
        "title": of.title,
        "programme": of.programme.id,
        "whose": of.whose,
        "population": of.population,
        "numerator": of.numerator,
        "denominator": of.denominator,
        "unit": of.unit_text,
        "counts": of.unit.value,
        "anchor": of.anchor.value,
        "ages": {
            "from": of.ages.low,
            "before": of.ages.high,
            "rule": of.ages.rule.value,
            "at": of.anchor.value,
        },
        "window": str(of.window),
        "maturity": str(of.maturity),
        "scope": of.scope.value,
        "result_rule": of.result_rule.value,
        "exclusions": list(of.exclusions),
        "attribution": of.attribution.value,
        "strata": [stratum.value for stratum in of.strata],
        "interval": {"method": of.measure.method, "level": 0.95},
        "standards": [
            {
                "level": s.level.value,
                "direction": s.direction.value,
                "screen": s.screen,
                "value": s.value,
                "whose": s.whose,
                "source": s.source,
                "verified": s.verified,
            }
            for s in of.standards
        ],
        "published": [_published(reference) for reference in references() if reference.indicator == of.id],
        "sources": list(of.sources),
        "note": of.note,
    }


def _published(reference: Reference) -> dict[str, Any]:
    told = structs.asdict(reference)
    return {name: value for name, value in told.items() if name not in ("indicator", "programme")}
