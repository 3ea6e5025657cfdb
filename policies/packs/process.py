"""Runs a pack as the engine does, and watches what it reads (`python -m policies.packs.process FOLDER`).

It serves until its input ends; then it prints what it has read, as a line of JSON, and ends.
"""

import json
import os
import runpy
import sys
import threading

# The library's own looking around, at its start, changes no answer.
import pulumi_policy  # noqa: F401

from plan import child_process
from plan.inputs import Inputs
from plan.project import ROOT
from plan.watch import Watch


def main(folder: str) -> None:
    child_process.end_with_parent()
    child_process.import_from_source(ROOT)
    watch = Watch(Inputs.of_packs())
    watch.install()
    threading.Thread(target=_tell_in_the_end, args=(watch,), daemon=True).start()
    with watch.looking():
        runpy.run_path(folder, run_name="__main__")


def _tell_in_the_end(watch: Watch) -> None:
    # Past Python's own streams: one that waits keeps a process from ending, and to the other a rule may be writing.
    while os.read(0, 1024):
        pass
    try:
        os.write(1, f"\n{json.dumps(watch.result())}\n".encode())
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
