"""`python -m demo --port N`: the demo shop on this machine, for nobody else unless `--host` says so."""

import argparse
import os

import uvicorn

from demo.account import EXPIRES_IN
from demo.app import Demo


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A small API to put under load.")
    parser.add_argument("--port", type=int, default=18000, help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens; default: %(default)s")
    parser.add_argument(
        "--token-seconds",
        type=float,
        default=os.environ.get("DEMO_TOKEN_SECONDS") or str(EXPIRES_IN),
        help="how long a token of POST /oauth/token holds; default: DEMO_TOKEN_SECONDS, or an hour",
    )
    asked = parser.parse_args()
    # The queue of connections is longer than any number of users that one machine can make.
    uvicorn.run(
        Demo(asked.token_seconds),
        host=asked.host,
        port=asked.port,
        access_log=False,
        log_level="warning",
        workers=1,  # WEB_CONCURRENCY is meant for the product beside it
        backlog=4096,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
