#!/bin/sh
# One act with the backups, as an operator asks for it; the answer is a JSON object on stdout.
set -eu
export HOME="${HOME:-/root}" PYTHONDONTWRITEBYTECODE=1
cd /opt/hybrid/current
exec venv/bin/python -m host.recovery /run/hybrid/specification.json --root / --compact --request '{{ Request }}'
