"""Pages that are not ours, shown so that they cannot touch the product.

A sandbox without `allow-same-origin` gives such a page an origin of its own: it has no cookies, reads nothing of ours,
and what it asks of us comes from a stranger. Its policy names all that it may load. Popups stay in the sandbox.
"""

from django.http import HttpResponse

_SANDBOX = "sandbox allow-scripts allow-popups allow-downloads"
_NOWHERE = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_INLINE = "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
_WITH_FILES = "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'"


def seal(response: HttpResponse, *, files: bool = False) -> HttpResponse:
    """The response with the headers that lock it in. `files`: it loads scripts and more from beside it; else it has
    everything in itself, and reaches nothing."""
    response.headers["Content-Security-Policy"] = f"{_SANDBOX}; {_NOWHERE}; {_WITH_FILES if files else _INLINE}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"  # its address may open something
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"  # any other shuts popups of the sandbox out
    return response
