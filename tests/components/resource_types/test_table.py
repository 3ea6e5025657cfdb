"""Every declared type of resource has a row with all facts, and a forgotten one is named with the line to add."""

import re
import sys
from collections import Counter

import pytest

from components.common.labels import DataClass
from components.resource_types import row, tokens
from components.resource_types.aws import AWS
from components.resource_types.cloudflare import CLOUDFLARE
from components.resource_types.others import OTHERS
from components.resource_types.row import Layer, Location, Price, ResourceType, edge
from components.resource_types.table import RESOURCE_TYPES, file, judged, layer_of, line, of
from plan.model import Plan
from policies.safety import cost
from tests.commands import ROOT, ran

FACTS = ("shown", "replaced_by", "usd")


def forgotten(token: str, *, is_component: bool) -> str:
    """What to add, and to which file; empty where nothing is missing."""
    if judged(token) is None:
        return line(token)
    missing = [f"{fact}=" for fact in FACTS if getattr(of(token), fact) is None]
    return "" if is_component or not missing else f'{file(token)}: "{token}": add {", ".join(missing)}'


def test_every_declared_type_has_a_row_with_all_facts(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    declared = {(one.type, not one.custom) for plan in (dev_plan, prod_plan, direct_plan) for one in plan.resources}
    missing = [to_add for token, group in sorted(declared) if (to_add := forgotten(token, is_component=group))]
    assert not missing, "\n".join(missing)


def test_what_is_forgotten_is_named_with_its_file() -> None:
    token = "aws:kinesis/stream:Stream"
    row_to_add = 'regional("WHAT IT HOLDS AND WHERE.", shown=holds("WHAT IT IS"), replaced_by={"WHAT REPLACES IT"}'
    assert forgotten(token, is_component=False) == (
        f'components/resource_types/aws.py: add "{token}": {row_to_add}, usd=None)'
    )
    assert forgotten("cloudflare:index/zone:Zone", is_component=False) == (
        'components/resource_types/cloudflare.py: "cloudflare:index/zone:Zone": add shown=, replaced_by=, usd='
    )
    assert forgotten("hybrid:edge:WebSite", is_component=True) == ""


@pytest.mark.parametrize("token", ["aws:a/b:C", "cloudflare:index/a:A", "hybrid:a:A", "gcp:a/b:C"])
def test_the_line_to_add_is_code_of_a_file_that_exists(token: str) -> None:
    place, _, code = line(token).partition(": add ")
    assert isinstance(eval(f"{{{code}}}", vars(row))[token], ResourceType)
    assert (ROOT / place).exists()


@pytest.mark.parametrize("token", sorted(RESOURCE_TYPES))
def test_a_row_is_in_the_file_where_it_is_looked_for(token: str) -> None:
    rows = {"aws": AWS, "cloudflare": CLOUDFLARE, "others": OTHERS}
    assert token in rows[file(token).removeprefix("components/resource_types/").removesuffix(".py")]


def test_no_type_has_two_rows() -> None:
    written = "".join(
        (ROOT / f"components/resource_types/{name}.py").read_text() for name in ("aws", "cloudflare", "others")
    )
    counted = Counter(re.findall(r'^    "([^"]+:[^"]+)": ', written, re.MULTILINE))
    assert set(counted) == set(RESOURCE_TYPES)
    assert [token for token, count in counted.items() if count > 1] == []


def test_a_token_that_several_files_name_stands_once() -> None:
    named: dict[str, set[str]] = {}
    folders = ("policies", "plan", "pictures", "local", "database", "backups", "scripts", "bench", "components/secrets")
    for path in (path for folder in folders for path in ROOT.glob(f"{folder}/**/*.py")):
        for token in re.findall(r'"([a-z]+:[A-Za-z0-9]+(?:/[A-Za-z0-9]+)?:[A-Za-z0-9]+)"', path.read_text()):
            named.setdefault(token, set()).add(str(path.relative_to(ROOT)))
    written = {token: name for name, token in vars(tokens).items() if name.isupper()}
    repeated = [
        f"components/resource_types/tokens.py: {written.get(token, 'add ' + token)}, for {', '.join(sorted(paths))}"
        for token, paths in named.items()
        if len(paths) > 1 or token in written
    ]
    assert not repeated, "\n".join(repeated)
    assert [token for token in written if of(token).location is Location.UNJUDGED] == []


def test_every_component_has_a_row() -> None:
    sources = [path for path in ROOT.glob("components/**/*.py") if path.parent.name != "resource_types"]
    tokens = set(re.findall(r'"(hybrid:[a-z]+:[A-Za-z]+)"', "".join(path.read_text() for path in sources)))
    rows = {token for token in RESOURCE_TYPES if token.startswith("hybrid:")}
    missing = [line(token) for token in sorted(tokens - rows)]
    missing += [f"{file(token)}: remove {token}, which no component is" for token in sorted(rows - tokens)]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("token", sorted(t for t, found in RESOURCE_TYPES.items() if found.location is Location.GLOBAL))
def test_what_is_everywhere_says_why_and_holds_no_data(token: str) -> None:
    assert of(token).most is DataClass.NONE
    assert re.fullmatch(r"[A-Z].{10,}\.", of(token).why)


def test_a_place_admits_what_is_less_delicate() -> None:
    assert [edge(most=DataClass.PUBLIC).admits(one) for one in DataClass] == [False, False, True, True]


def test_what_is_not_judged_is_no_place_whatever_else_is_known_of_it() -> None:
    token = "aws:cloudwatch/eventConnection:EventConnection"
    assert of(token).secret_inputs
    assert judged(token) is judged("gcp:storage/bucket:Bucket") is None


def test_what_runs_nowhere_is_free_and_another_unknown_type_has_no_price() -> None:
    tokens = ("hybrid:new:New", "pulumi:providers:gcp", "random:index/new:New", "aws:new/new:New", "gcp:a/b:C")
    assert [of(token).usd for token in tokens] == [0, 0, 0, None, None]


def test_the_rule_computes_the_prices_that_it_has_to() -> None:
    computed = {token for token, found in RESOURCE_TYPES.items() if found.usd is Price.COMPUTED}
    assert computed == set(cost.COMPUTED)


def test_a_component_is_drawn_where_its_row_or_its_area_says() -> None:
    tokens = ("hybrid:edge:WebSite", "hybrid:edge:FailoverHost", "hybrid:new:New", "aws:s3/bucket:Bucket")
    assert [layer_of(token) for token in tokens] == [Layer.EDGE, Layer.FAILOVER, Layer.OTHERS, Layer.OTHERS]


def test_the_table_is_read_without_the_packs_library() -> None:
    program = "import sys; import components.resource_types.table; print({*sys.modules} & {'pulumi', 'pulumi_policy'})"
    answer = ran([sys.executable, "-c", program])
    assert answer.stdout.strip() == "set()"
