"""AWS's command line, as far as `ssm start-session` with a forwarded port goes: checks its arguments, then forwards."""

import json
import os
import socket
import sys
import threading

WANTED = ["ssm", "start-session", "--region", "ca-central-1", "--target", "mi-0123456789abcdef0"]
DOCUMENT = ["--document-name", "AWS-StartPortForwardingSession", "--parameters"]


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def main(arguments: list[str]) -> None:
    if arguments[:-1] != WANTED + DOCUMENT:
        sys.exit(f"aws: unexpected arguments {arguments}")
    if refusal := os.environ.get("AWS_STAND_IN_REFUSAL"):
        sys.exit(refusal)
    parameters = json.loads(arguments[-1])
    (there,), (here,) = parameters["portNumber"], parameters["localPortNumber"]
    print(f"Starting session; port {here} opened", flush=True)
    with socket.create_server(("127.0.0.1", int(here))) as listener:
        while True:
            client, _ = listener.accept()
            origin = socket.create_connection(("127.0.0.1", int(there)))
            for pair in ((client, origin), (origin, client)):
                threading.Thread(target=copy, args=pair, daemon=True).start()


main(sys.argv[1:])
