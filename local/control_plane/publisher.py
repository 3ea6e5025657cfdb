"""Has changes seen outside: sends them to the name server, and shows what was withheld once its time has come."""

import sys
from threading import Event, Thread

from local.control_plane.control_plane import ControlPlane
from local.control_plane.zone_feed import Answers, NameServerError, answers, change, current

RETRY_SECONDS = 0.2


class Publisher:
    """One thread; a name server that is away gets all that it has missed when it is back."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._awake = Event()
        self._known: dict[str, Answers] = {}
        """What the name server answers, by zone; nothing where that is not known."""
        self._fault = ""
        self._is_ended = False
        self._thread = Thread(target=self._run, daemon=True)
        control_plane.on_publication(self._awake.set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_ended = True
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_ended:
            self._awake.clear()
            self._control_plane.show_due()
            is_sent = self._send()
            wait = self._control_plane.seconds_to_next()
            if not is_sent:
                wait = min(RETRY_SECONDS, RETRY_SECONDS if wait is None else wait)
            self._awake.wait(wait)

    def _send(self) -> bool:
        """Whether the name server has all."""
        server = self._control_plane.settings.name_server
        if server is None:
            return True
        records = self._control_plane.published()["records"].values()
        try:
            for zone in self._control_plane.settings.zones:
                own = (record for record in records if record["zone_id"] == zone.id)
                wanted = answers(own, self._control_plane.settings.edge_address)
                if zone.name not in self._known:
                    self._known[zone.name] = current(server, zone.name)
                change(server, zone.name, self._known[zone.name], wanted)
                self._known[zone.name] = wanted
        except NameServerError as error:
            self._known.clear()
            if str(error) != self._fault:
                print(f"name server: {error}", file=sys.stderr, flush=True)
            self._fault = str(error)
            return False
        self._fault = ""
        return True
