"""Request headers that one server alone may see. Apart from what sends them: who keeps them needs no HTTP client."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretHeaders:
    """Request headers for one `origin` ("https://host:443"): they go to no other. Never shown, so not in `repr`."""

    origin: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    def for_origins(self, *origins: str) -> list[tuple[str, str]]:
        """The headers where one of `origins` is theirs."""
        return list(self.pairs) if self.origin in origins else []
