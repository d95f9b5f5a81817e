"""The shop's orders, in bounded memory however many are placed.

Whether an order was cancelled is known of the last `MOST` that were placed, what was in it of the last `DETAILED`.
An order of which the details are forgotten looks like a sample; one older than the last `MOST` is 404.
"""

from collections import OrderedDict
from itertools import chain, islice

from demo.answers import Answer, Request, content_of, encode, page_of, refusal
from demo.products import price
from demo.schemas import FIRST_ORDER, PRODUCTS, Json

MOST = 16_000_000
DETAILED = 20_000
SAMPLES = 100  # orders at the end of the list that were always there
_A_PAGE = 20


class Orders:
    def __init__(self) -> None:
        self.newest = FIRST_ORDER
        self._cancelled = bytearray(MOST)  # the system gives memory to the parts that are written only
        self._details: OrderedDict[int, Json] = OrderedDict()

    def place(self, request: Request, number: int) -> Answer:
        content = content_of(request)
        if isinstance(content, Answer):
            return content
        self.newest += 1
        self._cancelled[self.newest % MOST] = 0
        self._details[self.newest] = _details(self.newest, content)
        if len(self._details) > DETAILED:
            self._details.popitem(last=False)
        headers = ((b"location", b"/orders/%d" % self.newest), _etag(self.newest))
        return encode(201, {"id": self.newest, "state": "accepted", "received": content}, headers)

    def show(self, request: Request, number: int) -> Answer:
        if not self._is_there(number):
            return _gone(number)
        return encode(200, self._details.get(number) or _sample(number), (_etag(number),))

    def cancel(self, request: Request, number: int) -> Answer:
        if not self._is_there(number):
            return _gone(number)
        if number > FIRST_ORDER:
            self._cancelled[number % MOST] = 1
            self._details.pop(number, None)
        return Answer(204, b"")

    def listing(self, request: Request, number: int) -> Answer:
        page = page_of(request)
        if page is None:
            return refusal(400, "page is a number from 1.")
        everything = chain(reversed(self._details.values()), map(_sample, range(SAMPLES, 0, -1)))
        first = (page - 1) * _A_PAGE
        items = list(islice(everything, first, first + _A_PAGE))
        return encode(200, {"items": items, "count": len(self._details) + SAMPLES})

    def _is_there(self, number: int) -> bool:
        if number <= FIRST_ORDER:
            return True
        return self.newest - MOST < number <= self.newest and not self._cancelled[number % MOST]


def _sample(number: int) -> Json:
    return {"id": number, "state": "paid", "recipient": "홍길동", "total": 24000}


def _details(number: int, content: Json) -> Json:
    """What is kept of an order: a few short values, whatever was sent."""
    kept: Json = {
        name: _short(content[name]) for name in ("product_id", "quantity", "address", "gift") if name in content
    }
    total = 24000
    if _is_count(content["product_id"], PRODUCTS) and _is_count(content["quantity"], 99):
        total = price(content["product_id"]) * content["quantity"]
    return {"id": number, "state": "paid", "recipient": _short(content["recipient"]), "total": total, **kept}


def _short(value: object) -> object:
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    return str(value)[:200] if isinstance(value, str) else None


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and 1 <= value <= most


def _etag(number: int) -> tuple[bytes, bytes]:
    return b"etag", b'"%d-1"' % number


def _gone(number: int) -> Answer:
    return refusal(404, f"There is no order {number}: it was cancelled, or not placed yet.")
