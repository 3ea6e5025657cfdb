"""Systems Manager as far as Run Command goes, checked against AWS's own description of its calls.

It runs the engine's command line for the local host, as the declared document would on a host in the cloud.
"""

import base64
import gzip
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.validate import validate_parameters
from werkzeug.wrappers import Request, Response

from components.host.recovery import DRILL_PARAMETERS, PARAMETERS
from tests import web_server

NODE = "mi-0123456789abcdef0"
COMMAND = "00000000-0000-4000-8000-000000000001"
MODEL = botocore.session.get_session().get_service_model("ssm")
# Of what ends at once the invocation is there with the next look.
JOIN_SECONDS = 10
Engine = Callable[[dict[str, Any]], tuple[int, str, str]]
"""Takes a request; exit code, stdout and stderr."""


def packed(answer: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(answer).encode())).decode()


def engine(argv: list[str]) -> Engine:
    """The engine's command line as it is run here."""

    def run(request: dict[str, Any]) -> tuple[int, str, str]:
        done = subprocess.run(argv, input=json.dumps(request), capture_output=True, text=True, timeout=600, check=False)
        return done.returncode, packed(json.loads(done.stdout)), done.stderr

    return run


def requested(given: dict[str, Any]) -> Any:
    """What the document that is sent makes of its parameters."""
    is_drill = given["DocumentName"].endswith("-drill")
    allowed = DRILL_PARAMETERS if is_drill else PARAMETERS
    ((name, (value,)),) = given["Parameters"].items()
    assert re.fullmatch(allowed[name][1], value)
    return {"act": "drill", "seed": json.loads(value)} if is_drill else json.loads(base64.b64decode(value))


class Manager:
    """One node and its commands. `details` other than Success or Failed are what became of the next command."""

    def __init__(self, run: Engine, *, online: bool = True, details: str = "", cut: int = 24_000) -> None:
        self.run, self.online, self.details, self.cut = run, online, details, cut
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.cancelled = threading.Event()
        self._found: dict[str, Any] | None = None
        self._looks = 0

    def answer(self, name: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        validate_parameters(given, MODEL.operation_model(name).input_shape)
        self.calls.append((name, given))
        found: tuple[int, dict[str, Any]] = getattr(self, name)(given)
        return found

    def DescribeInstanceInformation(self, _: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        status = "Online" if self.online else "ConnectionLost"
        return 200, {"InstanceInformationList": [{"InstanceId": NODE, "PingStatus": status}]}

    def SendCommand(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        if self.details == "Refused":
            return 400, {"__type": "AccessDeniedException", "message": "not allowed to ssm:SendCommand"}
        self._found, self._looks = None, 0
        request = requested(given)
        # A client that waits too long for the answer to this call sends it again.
        thread = threading.Thread(target=self._keep, args=(request,))
        thread.start()
        thread.join(JOIN_SECONDS)
        return 200, {"Command": {"CommandId": COMMAND, "DocumentName": given["DocumentName"]}}

    def _keep(self, request: Any) -> None:
        self._found = self._ran(request)

    def _ran(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.details:
            status = {"Cancelled": "Cancelled", "Running": "InProgress"}.get(self.details, "TimedOut")
            return {"Status": status, "StatusDetails": self.details, "ResponseCode": -1, "StandardOutputContent": ""}
        code, out, output = self.run(request)
        status = "Failed" if code else "Success"
        return {
            "Status": status,
            "StatusDetails": status,
            "ResponseCode": code,
            "StandardOutputContent": out[: self.cut],
            "StandardErrorContent": output,
        }

    def GetCommandInvocation(self, _: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        """Not known at once, then waiting, then ended, as with AWS."""
        self._looks += 1
        if self._looks == 1:
            return 400, {"__type": "InvocationDoesNotExist"}
        if self._found is None:
            return 200, {"Status": "InProgress", "StatusDetails": "InProgress"}
        if self.cancelled.is_set():
            return 200, {**self._found, "Status": "Cancelled", "StatusDetails": "Cancelled"}
        return 200, {"Status": "Pending", "StatusDetails": "Pending"} if self._looks == 2 else self._found

    def CancelCommand(self, _: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        self.cancelled.set()
        return 200, {}


@contextmanager
def served(manager: Manager) -> Iterator[str]:
    """Its address."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        name = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        code, answer = manager.answer(name, Request(environ).get_json(force=True))
        return Response(json.dumps(answer), code, content_type="application/x-amz-json-1.1")(environ, start)

    with web_server.served(application) as address:
        yield address
