"""A program is recorded as it is declared, several stacks of it in one go."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plan import record as recording
from plan.model import Computed, PlanError, Resource, Secret
from plan.project import Project
from plan.record import record, record_all

Program = Callable[..., Path]

PASSWORD = """
import pulumi, pulumi_random as random
password = random.RandomPassword("password", length=20).result
"""
STACK = "urn:pulumi:dev::trial"


def only(resources: list[Resource]) -> Resource:
    (resource,) = resources
    return resource


def test_a_generated_password_stays_secret_and_traceable(program: Program) -> None:
    source = PASSWORD + (
        "import pulumi_cloudflare as cloudflare\n"
        "cloudflare.DnsRecord('r', zone_id='z', name='n', ttl=1, type='TXT',"
        " content=pulumi.Output.concat('a:', password))"
    )
    plan = record("dev", program(source))
    content = only(plan.of_type("cloudflare:index/dnsRecord:DnsRecord")).inputs["content"]
    assert isinstance(content, Secret)
    assert content.value == Computed(f"a:${{{STACK}::random:index/randomPassword:RandomPassword::password#result}}")


def test_an_output_that_nobody_gave_is_a_reference(program: Program) -> None:
    source = """
import pulumi, pulumi_aws as aws
bucket = aws.s3.Bucket("b", bucket="name")
aws.s3.BucketPolicy("p", bucket=bucket.bucket, policy=pulumi.Output.json_dumps({"Resource": [bucket.arn]}))
"""
    inputs = only(record("dev", program(source)).of_type("aws:s3/bucketPolicy:BucketPolicy")).inputs
    assert inputs["bucket"] == "name"
    assert inputs["policy"].references == [(f"{STACK}::aws:s3/bucket:Bucket::b", "arn")]


def test_urns_carry_the_types_of_all_ancestors(program: Program) -> None:
    source = """
import pulumi, pulumi_random as random
class Outer(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("t:a:Outer", "outer", {"dataClass": "public"})
        Inner(self)
        self.register_outputs({"seven": 7})
class Inner(pulumi.ComponentResource):
    def __init__(self, parent):
        super().__init__("t:a:Inner", "inner", None, pulumi.ResourceOptions(parent=parent))
        random.RandomPassword("p", length=9, opts=pulumi.ResourceOptions(parent=self, protect=True))
Outer()
"""
    plan = record("dev", program(source))
    password = only(plan.of_type("random:index/randomPassword:RandomPassword"))
    assert password.urn == f"{STACK}::t:a:Outer$t:a:Inner$random:index/randomPassword:RandomPassword::p"
    assert password.options.protect
    outer = only(plan.children(None))
    assert outer.inputs == {"dataClass": "public"}
    assert outer.outputs == {"seven": 7}
    assert outer.source is not None
    assert (outer.source.path, outer.source.line) == ("__main__.py", 12)


def test_defaults_and_stack_settings_reach_the_program(program: Program) -> None:
    config = "config:\n  size: {type: integer, default: 7}\n  names: {type: array, items: {type: string}}\n"
    source = """
import pulumi
settings = pulumi.Config()
pulumi.export("size", settings.require_int("size"))
pulumi.export("names", settings.require_object("names"))
"""
    plan = record("dev", program(source, config, "{'trial:names': [a, b]}"))
    assert plan.outputs == {"size": 7, "names": ["a", "b"]}


def test_an_encrypted_setting_is_secret_without_being_decrypted(program: Program) -> None:
    source = "import pulumi\npulumi.export('key', pulumi.Config().require_secret('key'))"
    plan = record("dev", program(source, stack_config="{'trial:key': {secure: 'v1:abc'}}"))
    assert plan.outputs["key"] == Secret("[secret trial:key]")
    assert plan.settings["trial:key"] == Secret("[secret trial:key]")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\nraise ValueError('no such thing')", "dev: __main__.py:2: ValueError: no such thing"),
        ("import missing_module", "dev: __main__.py:1: ModuleNotFoundError: No module named 'missing_module'"),
        ("import sys\nsys.exit(3)", "dev: __main__.py:2: SystemExit: 3"),
        ("import pulumi\npulumi.Config().require('size')", "Missing required configuration variable 'trial:size'"),
        ("import os\nos._exit(3)", "dev: the program ended its own process (exit 3)"),
        (PASSWORD * 2, "two resources of type random:index/randomPassword:RandomPassword have this name"),
        (
            "import pulumi_aws as aws\naws.get_caller_identity_output().account_id.apply(print)",
            "looks something up in a cloud",
        ),
    ],
)
def test_a_program_that_fails_gives_one_clear_error(program: Program, source: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        record("dev", program(source))
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_what_the_program_prints_does_not_spoil_the_plan(program: Program) -> None:
    assert record("dev", program("print('{\"error\": 1}')")).resources == ()


def test_an_unknown_stack_names_the_known_ones(program: Program) -> None:
    with pytest.raises(
        PlanError, match=r"^dv: is not a stack of this project \(no Pulumi\.dv\.yaml\); did you mean dev\? Known: dev$"
    ):
        record("dv", program(""))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Pulumi.yaml", "name: [", "is not YAML"),
        ("Pulumi.yaml", "runtime: python", "has no name"),
        ("Pulumi.dev.yaml", "- a", "holds no settings"),
        ("Pulumi.dev.yaml", "confg:\n  a: 1\n", "confg: is not a section of a stack's file; did you mean config?"),
        ("Pulumi.dev.yaml", "config: 5", "its config is not a mapping"),
        (
            "Pulumi.dev.yaml",
            "config:\n  trial:a: 1\n  trial:b: 1\n  trial:a: 2\n  trial:b: 2\n",
            "line 4, column 3: trial:a: duplicate key, first in line 2; "
            "line 5: trial:b: duplicate key, first in line 3",
        ),
    ],
)
def test_a_damaged_project_file_is_named(program: Program, name: str, text: str, message: str) -> None:
    folder = program("")
    (folder / name).write_text(text)
    with pytest.raises(PlanError, match=message) as caught:
        record("dev", folder)
    assert name in str(caught.value)


def test_a_missing_project_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"Pulumi\.yaml: can't be read: No such file"):
        record("dev", tmp_path)


CONFIG = "config:\n  size: {type: integer, default: 7}\n"
SOURCE = """
import os, pulumi, own
own.seen.append(pulumi.get_stack())
pulumi.export("seen", own.seen)
pulumi.export("size", pulumi.Config().require_int("size"))
"""


def two_stacks(folder: Path) -> Path:
    (folder / "own.py").write_text("import pulumi\nseen = [str(pulumi.Config().require_int('size'))]\n")
    (folder / "Pulumi.prod.yaml").write_text("config: {'trial:size': 9}\n")
    return folder


def test_each_stack_runs_the_program_s_own_modules_again(program: Program) -> None:
    dev, prod = record_all(["dev", "prod"], two_stacks(program(SOURCE, CONFIG)))
    assert dev.outputs == {"seen": ["7", "dev"], "size": 7}
    assert prod.outputs == {"seen": ["9", "prod"], "size": 9}


def test_a_fault_names_its_own_stack(program: Program) -> None:
    source = f"{SOURCE}if pulumi.get_stack() == 'prod': raise ValueError('too big')"
    with pytest.raises(PlanError, match=r"^prod: __main__\.py:6: ValueError: too big$"):
        record_all(["dev", "prod"], two_stacks(program(source, CONFIG)))


def test_a_stack_that_ends_its_process_does_not_end_the_other_s(program: Program) -> None:
    source = f"{SOURCE}if pulumi.get_stack() == 'dev': os._exit(3)"
    with pytest.raises(PlanError, match=r"^dev: the program ended its own process \(exit 3\)$"):
        record_all(["prod", "dev"], two_stacks(program(source, CONFIG)))


def test_a_program_that_never_ends_is_ended(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "TIMEOUT_SECONDS", 2)
    with pytest.raises(PlanError, match=r"^dev: the program did not end within 2 s$"):
        record("dev", program("import time\ntime.sleep(1000)"))


def test_no_credential_reaches_the_program(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "nothing")
    seen = "[key for key in os.environ if key.startswith(('AWS_', 'CLOUDFLARE_'))]"
    source = f"import os, pulumi\npulumi.export('seen', {seen})"
    assert record("dev", program(source)).outputs == {"seen": []}


def test_no_export_is_lost_on_a_busy_machine(program: Program) -> None:
    """Pulumi's mocks registered a stack of their own: where that came last, the program's exports were gone."""
    source = """
import time, pulumi
from plan.recorder import Recorder
registered = Recorder.RegisterResourceOutputs
def late(self, request):
    if not request.outputs.fields:
        time.sleep(1)
    return registered(self, request)
Recorder.RegisterResourceOutputs = late
pulumi.export("seen", "once")
"""
    assert record("dev", program(source)).outputs == {"seen": "once"}


def test_settings_are_read_as_the_engine_reads_them(program: Program) -> None:
    """By YAML 1.1 `yes` would be a switch, and a time that begins with a one or a two a number."""
    folder = program("")
    (folder / "Pulumi.dev.yaml").write_text(
        "config: {a: yes, b: 17:15, c: true, d: 5, e: [on, False, -7], f: 2027-01-31, g: '5', h: 1_0}\n"
    )
    values = Project.load(folder).configuration("dev").values
    assert [values[f"trial:{key}"] for key in "abcdefgh"] == [
        *("yes", "17:15", "true", "5", '["on",false,-7]', '"2027-01-31"', "5", "10")
    ]


def test_what_a_function_of_the_program_makes_is_declared_where_that_is_called(program: Program) -> None:
    source = """import pulumi_aws as aws
def make(name):
    return aws.s3.Bucket(name, bucket=name)
make("one")
make("two")
"""
    plan = record("dev", program(source))
    assert [one.declared_at for one in plan.of_type("aws:s3/bucket:Bucket")] == ["__main__.py:4", "__main__.py:5"]
