"""`python -m demo --port N`: the demo shop on this machine, for nobody else."""

import argparse

import uvicorn

from demo.app import Demo


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A small API to put under load.")
    parser.add_argument("--port", type=int, default=18000, help="default: %(default)s")
    port = parser.parse_args().port
    # The queue of connections is longer than any number of users that one machine can make.
    uvicorn.run(
        Demo(),
        host="127.0.0.1",
        port=port,
        access_log=False,
        log_level="warning",
        backlog=4096,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
