"""The demo's own issuer of tokens: a key that lives as long as the process."""

import time

from analytics.world.findings import HOME_LABORATORY
from screening.service.auth import OwnKey, Verifier
from screening.service.console import print_note
from screening.vocabulary import Role

NAME = "https://demo.screening.invalid"
AUDIENCE = "screening"
_LIFE_SECONDS = 30 * 24 * 3600


class DemoIssuer:
    def __init__(self) -> None:
        self._key = OwnKey()
        self._minted: dict[tuple[str, str | None], str] = {}

    def verifier(self) -> Verifier:
        return Verifier(self._key, issuer=NAME, audience=AUDIENCE)

    def token(self, role: str, organisation: str | None = None) -> str:
        """A bearer token for that role; for a laboratory, of that laboratory."""
        if (role, organisation) not in self._minted:
            self._minted[role, organisation] = self._key.mint(self._claims(role, organisation))
        return self._minted[role, organisation]

    def print_tokens(self) -> None:
        """One for each role a token may carry, on stderr; the laboratory's is the home samples' laboratory's."""
        for role in Role:
            if role != Role.SYSTEM:
                token = self.token(role, HOME_LABORATORY if role == Role.LABORATORY else None)
                print_note(f"  {role:<16} {token}")

    def _claims(self, role: str, organisation: str | None) -> dict[str, object]:
        claims: dict[str, object] = {
            "iss": NAME, "aud": AUDIENCE, "sub": f"demo-{organisation or role}", "roles": [role],
            "exp": int(time.time()) + _LIFE_SECONDS,
        }  # fmt: skip
        return claims | ({"laboratory": organisation} if organisation else {})
