"""What the SDKs mark as secret is what the generated table says."""

import importlib.util
import json
import re
from pathlib import Path

from components.resource_types.provider_secrets import PROVIDER_SECRETS


def test_the_table_is_what_the_sdks_mark() -> None:
    # Imported, the packages would take minutes.
    found: dict[str, set[str]] = {}
    for package in ("pulumi_aws", "pulumi_cloudflare", "pulumi_random", "pulumi_tls"):
        spec = importlib.util.find_spec(package)
        folder = Path(spec.origin or "").parent if spec else Path()
        for path in folder.rglob("*.py"):
            text = path.read_text()
            for marked in re.finditer(r"additional_secret_outputs=(\[[^\]]*\])", text):
                (token,) = re.findall(r"__self__\)\.__init__\(\s*'([^']+)'", text[marked.end() :])[:1]
                name = f"pulumi:providers:{token}" if path.name == "provider.py" else token
                found.setdefault(name, set()).update(json.loads(marked[1]))
    assert {name: {*inputs, *made} for name, (inputs, made) in PROVIDER_SECRETS.items()} == found
