"""Small previews and states, shaped as the engine writes them."""

import json
from pathlib import Path
from typing import Any

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:c2FsdA==:bm90aGluZw=="}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STACK = "urn:pulumi:dev::hybrid::pulumi:pulumi:Stack::hybrid-dev"
PROVIDER = "urn:pulumi:dev::hybrid::pulumi:providers:aws::montreal"
HOLDER = "urn:pulumi:dev::hybrid::hybrid:storage:Holder::holder"
BUCKET = "urn:pulumi:dev::hybrid::hybrid:storage:Holder$aws:s3/bucket:Bucket::bucket"
RECORD = "urn:pulumi:dev::hybrid::cloudflare:index/dnsRecord:DnsRecord::"
LIBRARY = {"sourcePosition": "project:///.venv/lib/python3.11/site-packages/pulumi_aws/provider.py#805"}

State = dict[str, Any]


def state(urn: str, **changes: Any) -> State:
    """One resource; its type is the URN's."""
    type_token = urn.split("::")[2].rpartition("$")[2]
    return {
        "urn": urn,
        "type": type_token,
        "custom": not type_token.startswith(("hybrid:", "pulumi:pulumi:")),
        "parent": STACK,
        "sourcePosition": "project:///__main__.py#7",
        **changes,
    }


def stack() -> State:
    return {
        "urn": STACK,
        "type": "pulumi:pulumi:Stack",
        "custom": False,
        "outputs": {"url": "https://a", "key": SECRET},
    }


def everything() -> list[State]:
    """A provider, a component and its bucket."""
    return [
        stack(),
        state(PROVIDER, inputs={"region": "ca-central-1", "version": "7.51.1", "__internal": {}}, **LIBRARY),
        state(HOLDER, inputs={"dataClass": "none"}, outputs={"name": "b"}),
        state(
            BUCKET,
            parent=HOLDER,
            provider=f"{PROVIDER}::9476e780",
            id="b",
            inputs={"bucket": "b", "size": 3.0, "key": SECRET, "list": [{"a": SECRET}], "none": None},
            outputs={"bucket": "b", "arn": "arn:aws:s3:::b"},
            protect=True,
            ignoreChanges=["tags"],
            dependencies=[PROVIDER, HOLDER],
            propertyDependencies={"bucket": [HOLDER], "size": None},
        ),
    ]


def exported(folder: Path, *states: State, **deployment: Any) -> Path:
    """A file of `pulumi stack export`."""
    document = {"version": 3, "deployment": {"resources": [*states], **deployment}}
    return _written(folder / "state.json", document)


def step(op: str, new: State | None = None, old: State | None = None) -> State:
    found = {"op": op, "urn": (new or old or {})["urn"], "oldState": old, "newState": new}
    return {key: value for key, value in found.items() if value is not None}


def previewed(folder: Path, *steps: State, **changes: Any) -> Path:
    """A file of `pulumi preview --json`."""
    counted = {op: sum(found["op"] == op for found in steps) for op in {found["op"] for found in steps}}
    document = {"config": {"hybrid:a": "1", "hybrid:b": "[secret]"}, "steps": [*steps], "changeSummary": counted}
    return _written(folder / "preview.json", {**document, **changes})


def _written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path
