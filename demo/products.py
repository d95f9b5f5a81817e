"""What the shop sells."""

from demo.answers import Answer, Request, encode, page_of, refusal
from demo.schemas import PRODUCTS, Json

_NAMES = ("녹차", "Earl Grey", "유자차", "Arabica", "약과", "Tea cup")
_CATEGORIES = ("tea", "tea", "tea", "coffee", "한과", "cups")
_A_PAGE = 20


def product(number: int) -> Json:
    kind = number % len(_NAMES)
    return {
        "id": number,
        "name": f"{_NAMES[kind]} {number}",
        "category": _CATEGORIES[kind],
        "price": price(number),
    }


def price(number: int) -> int:
    return 4000 + number * 500


def show(request: Request, number: int) -> Answer:
    return _PAGES[number] if number <= PRODUCTS else _unknown(number)


def stock(request: Request, number: int) -> Answer:
    return encode(200, {"product_id": number, "left": number * 7 % 50}) if number <= PRODUCTS else _unknown(number)


def _unknown(number: int) -> Answer:
    return refusal(404, f"There is no product {number}.")


def search(request: Request, number: int) -> Answer:
    word = request.asked("q")
    if not word:
        return refusal(400, "Say what to search for: ?q=")
    return encode(200, {"q": word, "items": [product(n) for n in range(1, 6)]})


def listing(request: Request, number: int) -> Answer:
    category, page = request.asked("category"), page_of(request)
    if page is None:
        return refusal(400, "page is a number from 1.")
    found = [n for n in range(1, PRODUCTS + 1) if not category or _CATEGORIES[n % len(_NAMES)] == category]
    first = (page - 1) * _A_PAGE
    return encode(200, {"items": [product(n) for n in found[first : first + _A_PAGE]], "count": len(found)})


_PAGES = {number: encode(200, product(number)) for number in range(1, PRODUCTS + 1)}
