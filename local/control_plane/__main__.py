"""python -m local.control_plane SETTINGS.json: serves until it is ended; what it answers is on the disk by then."""

import os
import sys
import threading
from pathlib import Path

from local.control_plane.control_plane import ControlPlane
from local.control_plane.publisher import Publisher
from local.control_plane.server import Server
from local.control_plane.settings import Settings


def main() -> None:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_bytes())
    control_plane = ControlPlane(settings)
    threading.excepthook = _end
    Publisher(control_plane).start()
    with Server(control_plane) as server:
        print(f"control plane on http://127.0.0.1:{settings.port}", flush=True)
        server.serve_forever()


def _end(fault: threading.ExceptHookArgs) -> None:
    """Ends the part when one of its services ends, so that it is seen as not running."""
    threading.__excepthook__(fault)
    os._exit(1)


if __name__ == "__main__":
    main()
