"""The shop: which piece answers which operation."""

import re
from collections.abc import Callable

from demo import products
from demo.account import Account
from demo.answers import Answer, Request, content_of, encode, refusal
from demo.orders import Orders

_NUMBER = re.compile("[1-9][0-9]{0,11}")
# An answer to a request, of which the number in the path is read already (0: its path has none).
Piece = Callable[[Request, int], Answer]


class Shop:
    def __init__(self, account: Account) -> None:
        orders = Orders()
        self._pieces: dict[str, Piece] = {
            "health": _health,
            "list_products": products.listing,
            "get_product": products.show,
            "get_stock": products.stock,
            "search": products.search,
            "create_order": orders.place,
            "list_orders": orders.listing,
            "get_order": orders.show,
            "cancel_order": orders.cancel,
            "create_payment": _payment,
            "sales_report": _sales,
            "login": account.login,
            "issue_token": account.issue_token,
        }
        self._page = account.page

    def answer(self, request: Request) -> Answer:
        """What a healthy shop says: 2xx, or 4xx where the request is wrong."""
        number = 0
        if request.value or "{" in request.route.path:
            if not _NUMBER.fullmatch(request.value):
                return refusal(404, f"{request.value[:50]!r} is no number of anything in this shop.")
            number = int(request.value)
        return self._pieces.get(request.route.name, self._page)(request, number)


_HEALTH = encode(200, {"status": "ok"})
_SALES = encode(200, {"orders": 1284, "revenue": 30_816_000, "currency": "KRW"})


def _health(request: Request, number: int) -> Answer:
    return _HEALTH


def _sales(request: Request, number: int) -> Answer:
    return _SALES


def _payment(request: Request, number: int) -> Answer:
    content = content_of(request)
    return (
        content if isinstance(content, Answer) else encode(201, {"id": 1001, "state": "accepted", "received": content})
    )
