"""Every error the product shows to a person, and nothing else.

ProductError
├── Malformed    400  the request could not be read
├── NotSignedIn  401  nobody known is behind the request
├── NotAllowed   403  the person may look, but not do this
├── Missing      404  no such thing, or not for this person
├── Conflict     409  not in this state
├── TooLarge     413  more than the product takes
├── WrongKind    415  a body of a kind that the address does not take
├── Refused      422  readable, but it breaks a rule; `details` names each field
├── TooMany      429  one person asks for too much at once
├── Unreachable  502  an address the product was told to read did not answer
└── Busy         503  all together ask for too much at once

A message is a translated sentence with the way out. One place turns an error into a page
(`metricvault.pages.show_error`), a toast (the same, for HTMX) or the API's shape (`metricvault.api`).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detail:
    """One problem. `field` is a dotted path (`scenarios.0.stages.1.duration`), or "" for the whole."""

    field: str
    message: str


class ProductError(Exception):
    """An error with a sentence for the user, the details of it, and an HTTP status."""

    status = 500
    code = "error"
    retry_after = 0  # seconds after which to come again, for the header of that name; 0: not known

    def __init__(self, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)

    def as_dict(self) -> dict[str, object]:
        """The API's one error shape (REST.md)."""
        details = [{"field": detail.field, "message": detail.message} for detail in self.details]
        return {"error": {"code": self.code, "message": str(self.message), "details": details}}

    @property
    def headers(self) -> dict[str, str]:
        """What an answer with this error bears beside its body."""
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}


class Malformed(ProductError):
    status, code = 400, "malformed"


class NotSignedIn(ProductError):
    status, code = 401, "not_signed_in"


class NotAllowed(ProductError):
    status, code = 403, "forbidden"


class Missing(ProductError):
    status, code = 404, "not_found"


class Conflict(ProductError):
    status, code = 409, "conflict"


class TooLarge(ProductError):
    status, code = 413, "too_large"


class WrongKind(ProductError):
    status, code = 415, "wrong_kind"


class Refused(ProductError):
    status, code = 422, "refused"


class TooMany(ProductError):
    status, code, retry_after = 429, "too_many", 10

    def __init__(self, message: str, details: Sequence[Detail] = (), *, retry_after: int = 10) -> None:
        super().__init__(message, details)
        self.retry_after = retry_after


class Unreachable(ProductError):
    status, code = 502, "unreachable"


class Busy(ProductError):
    status, code, retry_after = 503, "busy", 10
