"""The load, in a process of its own: rows, each in a transaction of its own, and a line for each that was acknowledged.

The file outlives whatever happens to the database: a line "try" before a row is sent, a line "ack" once the server has
acknowledged its commit. A row that was tried and has no "ack" may be there or not.
"""

import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

INSERT = """
INSERT INTO public.explored (id, filler) VALUES (%s, %s)
RETURNING pg_current_xact_id()::text, pg_current_wal_insert_lsn()::text
"""
# A row that fits a page with others, and is not compressed: much log of few rows, which cost processor time.
FILLER = "f" * 1600
AGAIN_SECONDS = 0.1
ENTRY = "explored "
"""How the description of an entry begins that the API was given; its row's number follows."""
ANSWER_SECONDS = 15


def main() -> None:
    """Its standard input is one JSON object: file, way, first, connections, pace_seconds."""
    wanted = json.load(sys.stdin)
    is_over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_over.set())
    lock = threading.Lock()
    with open(wanted["file"], "a", buffering=1) as file:

        def note(*values: Any) -> None:
            with lock:
                file.write(f"{json.dumps(values)}\n")

        count = wanted["connections"]
        threads = [
            threading.Thread(target=write, args=(wanted, wanted["first"] + place, count, note, is_over))
            for place, write in enumerate([_write, *[_call if "account" in wanted["way"] else _write] * (count - 1)])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _write(wanted: Any, number: int, step: int, note: Any, is_over: threading.Event) -> None:
    while not is_over.is_set():
        try:
            with psycopg.connect(wanted["way"]["conninfo"], autocommit=True, connect_timeout=3) as connection:
                while not is_over.is_set():
                    number += step
                    note("try", number, time.time())
                    row = connection.execute(INSERT, (number, FILLER)).fetchone()
                    note("ack", number, time.time(), *(row or ()))
                    is_over.wait(wanted["pace_seconds"])
        except psycopg.Error:
            is_over.wait(AGAIN_SECONDS)


def _call(wanted: Any, number: int, step: int, note: Any, is_over: threading.Event) -> None:
    """Entries by the API, as a client of it has them added. Where in the log they are is not known."""
    # What writes SQL alone would wait a second for them.
    import httpx

    from local.common.errors import LocalError
    from local.common.ports import Ports
    from local.common.state import State
    from local.identity.part import access_token
    from local.processes.stack import Stack
    from local.stack.traffic import ROUTE, bearer
    from plan.project import ROOT

    way = wanted["way"]
    stack = Stack(project=ROOT, state=State(Path(way["state"])), ports=Ports(way["first_port"]))
    url = f"http://127.0.0.1:{stack.ports.web}{ROUTE}"
    while not is_over.is_set():
        try:
            token = bearer(access_token(stack))
            with httpx.Client(headers=token, trust_env=False, timeout=ANSWER_SECONDS) as client:
                while not is_over.is_set():
                    number += step
                    note("try", number, time.time())
                    entry = {"accountId": way["account"], "description": f"{ENTRY}{number}", "amountCents": 0}
                    client.post(url, json=entry).raise_for_status()
                    note("ack", number, time.time(), None, None)
                    is_over.wait(wanted["pace_seconds"])
        except (LocalError, httpx.HTTPError):
            is_over.wait(AGAIN_SECONDS)


if __name__ == "__main__":
    main()
