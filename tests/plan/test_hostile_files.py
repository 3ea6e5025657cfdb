"""Whatever stands in a file that is read, it is a plan that all commands bear, or refused in one line.

By hypothesis: it changes one part of a sound file, and the bytes of it; `make test-long` tries thousands.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from components.common.errors import HybridError
from components.settings.stack_file import StackFile
from pictures.residency import svg as residency_picture
from pictures.topology import svg as topology_picture
from plan import saved
from plan.diff import diff
from plan.graph import graph, mermaid
from plan.model import Plan, PlanError
from plan.project import Project
from policies.errors import GateError
from policies.exemptions import exemption
from policies.gate.rules import own_findings
from policies.map.residency import residency_map
from policies.packs.analyzer import Requests
from policies.rules.findings import Origin, Subject
from tests.plan.engine_files import BUCKET, RECORD, SIGNATURE, STACK, everything, state, step
from tests.run.soak import trials

SECONDS = 10.0
# To make a failing file smaller takes minutes, and says little more.
FEW = settings(max_examples=trials(50, 5000), phases=[Phase.explicit, Phase.reuse, Phase.generate])
TYPES = (
    "aws:lightsail/instance:Instance",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:s3/bucketReplicationConfiguration:BucketReplicationConfiguration",
    "aws:ssm/parameter:Parameter",
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig",
    "cloudflare:index/worker:Worker",
    "cloudflare:index/workersScript:WorkersScript",
    "hybrid:host:PostgresHost",
    "hybrid:edge:FailoverHost",
)
NAMES = (
    "region",
    "tags",
    "bucket",
    "rules",
    "policy",
    "specification",
    "observability",
    "caching",
    "origin",
    "bindings",
)
HOSTILE: tuple[Any, ...] = (
    *(
        "",
        "x",
        [],
        {},
        None,
        True,
        0,
        -1,
        10**400,
        1e308,
        float("nan"),
        float("inf"),
        "\ud800",
        "\x00",
        "\u202e",
        "a" * 70_000,
    ),
    *(
        STACK,
        BUCKET,
        [BUCKET],
        [[]],
        [{}],
        [None],
        {"": None},
        {"urn": 5},
        {"a": {"b": [{"c": "d"}]}},
        "${urn:pulumi:a#b}",
    ),
    {SIGNATURE: ""},
    {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"},
    {SIGNATURE: []},
    {"$secret": {"$computed": "x"}},
)
values = st.one_of(
    st.sampled_from(HOSTILE), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists)
)


def resources() -> list[dict[str, Any]]:
    others = [
        state(f"urn:pulumi:dev::hybrid::{token}::r{number}", inputs={name: {"a": ["b"]} for name in NAMES})
        for number, token in enumerate(TYPES)
    ]
    record = state(f"{RECORD}www", inputs={"type": "CNAME", "content": "cname.vercel-dns-0.com", "name": "www"})
    return [*everything(), record, *others]


def exported() -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": resources(), "pending_operations": []}}


def kept() -> dict[str, Any]:
    return {"version": 3, "checkpoint": {"stack": "dev", "latest": {"resources": resources()}}}


def previewed() -> dict[str, Any]:
    steps = [step("create", one) for one in resources()]
    return {"config": {"hybrid:a": "1"}, "steps": steps, "changeSummary": {"create": len(steps)}, "diagnostics": []}


def of_ours() -> dict[str, Any]:
    resource = {
        **{"urn": BUCKET, "type": "aws:s3/bucket:Bucket", "name": "bucket", "custom": True, "parent": None},
        **{"provider": None, "inputs": {"bucket": "b"}, "outputs": {}, "dependencies": []},
        **{"property_dependencies": {}, "options": {}, "source": {"path": "a.py", "line": 1}, "identifier": ""},
        "is_left_over": False,
    }
    document = {
        "format": 1,
        "project": "hybrid",
        "stack": "dev",
        "settings": {},
        "resources": [resource],
        "outputs": {},
    }
    return copy.deepcopy(document)


KINDS = (exported, kept, previewed, of_ours)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return copy.deepcopy(value)
    around = document
    for key in path[:-1]:
        around = around[key]
    around[path[-1]] = copy.deepcopy(value)
    return document


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    document = draw(st.sampled_from(KINDS))()
    for _ in range(draw(st.integers(1, 3))):
        paths = [*places(document)]
        document = changed(document, paths[draw(st.integers(0, 10_000)) % len(paths)], draw(values))
    return json.dumps(document).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes taken out, put in, or cut off."""
    data = json.dumps(draw(st.sampled_from(KINDS))()).encode()
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 40)))
    pieces = st.sampled_from(
        [b"", b"NaN", b"1e999", b'"\\ud800"', b"\xed\xa0\x80", b"\xff\xfe", b"[" * 3000, b'"a":1,"a":2', b"\x00"]
    )
    return data[:start] + draw(pieces | st.binary(max_size=8)) + data[draw(st.sampled_from([end, len(data)])) :]


def require_one_line(error: HybridError, path: Path) -> None:
    said = str(error)
    assert path.name in said
    assert len(said.splitlines()) == 1
    assert len(said) < 600
    said.encode()


def require_named(error: HybridError, start: str) -> None:
    assert [line for line in str(error).splitlines() if not line.startswith(start)] == []


def use(plan: Plan) -> None:
    """All that commands do with a plan, but for the packs' own processes."""
    found = graph(plan)
    assert mermaid(found)
    assert topology_picture(found)
    assert residency_picture(residency_map(plan))
    assert diff(plan, plan) == []
    assert Requests.about(plan).together is not None
    for origin in Origin:
        list(own_findings(Subject(plan=plan, origin=origin, previous=plan)))


def require_read_or_refused(data: bytes, folder: Path) -> None:
    path = folder / "file.json"
    path.write_bytes(data)
    started = time.monotonic()
    try:
        plan = saved.read(path)
    except PlanError as error:
        require_one_line(error, path)
    else:
        use(plan)
    assert time.monotonic() - started < SECONDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_file_is_read(kind: Callable[[], Any], folder: Path) -> None:
    path = folder / "sound.json"
    path.write_text(json.dumps(kind()))
    use(saved.read(path))


@FEW
@given(documents())
def test_a_changed_part_is_read_or_refused(folder: Path, data: bytes) -> None:
    require_read_or_refused(data, folder)


@FEW
@given(damaged())
def test_damaged_bytes_are_read_or_refused(folder: Path, data: bytes) -> None:
    require_read_or_refused(data, folder)


YAML_PIECES = (
    *(
        "&a [*a]",
        "? [a]: b",
        "{1: a, b: c}",
        "2027-99-99",
        "!!binary x",
        "!!float x",
        "!!python/name:os.system",
        "!!set {a}",
    ),
    *(
        "!!int x",
        "1" * 5000,
        "[" * 2000,
        "{a: " * 2000,
        "a: b\n  a: b",
        "\x00",
        "\ud800",
        "\u2028",
        "- - - -",
        "<<: *a",
    ),
    *(
        "&a [x]\n  b: *a",
        "hybrid:a: {secure: [1]}",
        "1:2:3",
        "~",
        "=",
        "!!timestamp x",
        "{? {a: b} : c}",
        "\t",
        "%YAML 9\n---",
    ),
)
SETTINGS = (
    "config:\n  hybrid:environment: dev\n  hybrid:mediaBuckets: [media]\n  hybrid:postgresHosts:\n    - name: a\n"
)
EXEMPTION = """exemptions:
  - rule: resources-are-in-canada
    resource: "*$aws:s3/bucket:Bucket::media"
    reason: it is there for a reason of twenty letters
    owner: a@example.com
    expires: 2027-01-31
"""


@st.composite
def yaml_files(draw: st.DrawFn, text: str) -> bytes:
    """A part of it replaced by something that YAML takes for more than it looks, or by anything."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 30)))
    piece = draw(st.sampled_from(YAML_PIECES) | st.text(max_size=6))
    return (text[:start] + piece + text[end:]).encode("utf-8", "surrogatepass")


@FEW
@given(yaml_files(SETTINGS))
def test_settings_are_read_or_refused(folder: Path, data: bytes) -> None:
    (folder / "Pulumi.yaml").write_text("name: hybrid\nruntime: python\n")
    path = folder / "Pulumi.dev.yaml"
    path.write_bytes(data)
    try:
        Project.load(folder).configuration("dev")
    except PlanError as error:
        require_one_line(error, path)
    StackFile.of("dev", folder).place("postgresHosts.0.name")


@FEW
@given(yaml_files(EXEMPTION))
def test_exemptions_are_read_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "exemptions.yaml"
    path.write_bytes(data)
    try:
        exemption.read(path)
    except GateError as error:
        require_named(error, "exemptions.yaml:")


def configured(path: Path) -> object:
    return Project.load(path.parent).configuration("dev")


@pytest.mark.parametrize("read", [configured, exemption.read])
def test_a_text_that_grows_as_it_is_read_is_refused(read: Callable[[Path], object], folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: hybrid\nruntime: python\n")
    path = folder / "Pulumi.dev.yaml"
    lines = [f"l{number}: &l{number} [{', '.join([f'*l{number - 1}'] * 9)}]" for number in range(1, 9)]
    path.write_text("\n  ".join(["config:", "l0: &l0 [x]", *lines]) + "\n")
    with pytest.raises(HybridError, match="it has no end"):
        read(path)
