"""Whatever is sent to the API of the running stack: it answers as its document says, and never with an error of ours.

Requests are made from the document by schemathesis, as it allows and as it does not, in sequences too.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from local.identity import keys
from local.identity.part import bindings
from plan.project import ROOT
from tests.commands import ran
from tests.local.stack_under_test import StackUnderTest, declared
from tests.run.soak import IS_SOAK, trials

CONFIG = """
hooks = "tests.local.hostile_files"
headers = {{ Authorization = "Bearer {token}" }}

[checks]
# 422: an Idempotency-Key that was used for another request, an account of nobody's, a span that is too long.
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 422]
"""


def token(stack: StackUnderTest, subject: str) -> str:
    """Of somebody who has nothing yet."""
    signing = json.loads(keys.file(stack.here.state).read_text())[0]
    bound = bindings(stack.here, declared())
    claims = {
        "iss": bound["OIDC_ISSUER"],
        "aud": bound["OIDC_AUDIENCE"],
        "sub": subject,
        "exp": int(time.time()) + 3600,
    }
    return jwt.encode({"alg": keys.ALGORITHM, "kid": signing["kid"]}, claims, RSAKey.import_key(signing))


@pytest.mark.local
@pytest.mark.slow
def test_the_api_answers_whatever_is_sent_as_its_document_says(stack: StackUnderTest, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(token=token(stack, "hostile")))
    seed = int.from_bytes(os.urandom(3)) if IS_SOAK else 1
    document = f"http://127.0.0.1:{stack.here.ports.api}/api/openapi.json"
    options = ["--checks=all", f"--max-examples={trials(5, 200)}", f"--seed={seed}", "--generation-database=none"]
    argv = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", document, *options]
    answer = ran(argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"Selected: (\d+)/\1\s+Tested: \1\s", answer.stdout), answer.stdout
