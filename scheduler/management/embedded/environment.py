"""What `manage.py serve` settles before Django reads its settings: data directory, port, secret, broker address.

Standard library only: settings aren't there yet.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

BASE_DIR = Path(__file__).resolve().parents[3]
LOCK_WAIT = 10.0  # seconds; children of a killed predecessor need a few to go


def refuse(sentence: str) -> NoReturn:
    """One clear line on standard error, exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", help="port of the web server on 127.0.0.1 (default: PORT or 8000)")
    parser.add_argument("--data", help="where database, broker and mail are kept (default: DATA_DIR or var/)")
    parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
    parser.add_argument(
        "--follow-parent", action="store_true", help="stop when the process that started this one is gone"
    )


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        refuse(f"serve: {message}.")


def prepare(arguments: list[str]) -> None:
    """Turn the arguments of `serve` into the environment that this process and its children read."""
    if {"-h", "--help"} & set(arguments):
        os.environ.setdefault("DEBUG", "1")  # the help text needs no secret
        return
    parser = _OneLineParser(prog="serve", add_help=False)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    if options.port is not None:
        os.environ["PORT"] = options.port
    if options.data is not None:
        os.environ["DATA_DIR"] = options.data
    data = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").expanduser().resolve()
    os.environ["DATA_DIR"] = str(data)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "broker").mkdir(mode=0o700, exist_ok=True)
        hold_data_dir(data)
        if not os.environ.get("SECRET_KEY"):
            kept_secret(data / "secret-key")
    except OSError as problem:
        refuse(f"DATA_DIR: {data} can't be used ({problem.strerror}).")


_lock: int | None = None


def hold_data_dir(data: Path) -> int:
    """Lock the data directory for this process; children inherit the descriptor and hold on while they live.

    Exits where another `serve` has it. Returns the descriptor, the same one each time.
    """
    global _lock
    if _lock is None:
        descriptor = os.open(data / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    refuse(f"DATA_DIR: {data} is in use by another `serve`.")
                time.sleep(0.2)
        _lock = descriptor
    return _lock


def kept_secret(path: Path, *, length: int = 48) -> str:
    """The random text in `path`, made at first use, readable by its owner only."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(length) + "\n")
    except FileExistsError:
        pass
    return path.read_text().strip()


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1:port can be listened on."""
    with socket.socket() as listener:
        # As the web server does it: a port that is only closing down counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
