"""Settings: what is refused, and that all faults come at once."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given as examples
from hypothesis import strategies as st

from components.common.labels import DataClass, Environment
from components.settings.stack import Settings, SettingsError, parse
from components.settings.words import WORDS
from components.storage.backup_buckets import backup_copy_bucket
from host.specification.model import RESERVED_DATABASES
from plan.project import ROOT, Project

HOSTS = ("app", "api", "postgres")


@cache
def undeclared() -> list[str]:
    """Lines that are missing where settings are declared, or are left of an old one; dev has a fault then."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    given = {name: yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"] for name in ("dev", "prod")}
    properties = Settings.model_json_schema()["properties"]
    missing = [
        f"components/settings/stack.py: add its type, or remove {key} from Pulumi.yaml"
        for key in declared.keys() - properties
    ]
    for key in properties:
        kind = properties[key].get("type", "string")
        declaration = declared.get(key, {})
        if declaration.get("type") != kind or not declaration.get("description"):
            missing.append(f"Pulumi.yaml: add under config: `{key}: {{type: {kind}, description: …}}`")
        if "default" not in declaration:
            missing += [
                f"Pulumi.{one}.yaml: add `hybrid:{key}: …`" for one in given if f"hybrid:{key}" not in given[one]
            ]
    return missing


def given(**changes: str | None) -> dict[str, str]:
    """Settings of dev as the engine hands them over, with changes; None leaves one out."""
    if undeclared():
        pytest.fail("\n".join(undeclared()), pytrace=False)
    values = Project.load().configuration("dev").values
    own = {key.removeprefix("hybrid:"): text for key, text in values.items() if key.startswith("hybrid:")}
    return {key: text for key, text in {**own, **changes}.items() if text is not None}


def faults(stack: str = "dev", **changes: str | None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(stack, given(**changes))
    return caught.value.faults


def test_dev_is_valid() -> None:
    settings = parse("dev", given())
    assert settings.environment is Environment.DEV
    assert settings.media_buckets == ["media"]
    assert (settings.serving_host.name, settings.serving_host.disk_gb, settings.serving_host.version) == ("a", 64, 17)
    assert settings.protect_data is True


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("hyperdriveConnections", "many", "is not a whole number"),
        ("postgresHosts", "[]", "has too few entries; allowed: at least 1"),
        ("postgresHosts", '["a"]', "is not a mapping; allowed: name, version"),
        ("postgresHosts", "a", "is not a list"),
        ("timescaledbEdition", "enterprise", "allowed: 'community' or 'apache'"),
        ("databaseRoute", "vpn", "allowed: 'tunnel' or 'direct'"),
        ("databaseAuthorities", "[]", "has too few entries; allowed: at least 1"),
        ("databaseAuthorities", '["2026", "2026"]', "names a generation twice; allowed: each once"),
        ("databaseAuthorities", '["Old one"]', "allowed: 1 to 16 small letters"),
        ("protectData", "perhaps", "is not true or false"),
        ("awsAccountId", "1234", "twelve digits in quotes"),
        ("availabilityZone", "us-east-1a", "ca-central-1"),
        ("siteHostname", "Not A Host", "is not a host name"),
        ("siteHostname", "shop", "is not a host name; allowed: one such as app.example.com"),
        ("siteHostname", f"{'.'.join(['a' * 60] * 6)}.example.com", "has 377 characters; allowed: at most 253"),
        ("pagesHostnames", f'["{"a" * 64}.example.com"]', "has more than 63 characters between two dots"),
        ("apiHostname", "api..example.com", "is not a host name"),
        ("adminIpv4Networks", '["0.0.0.0/0"]', "is open to the world"),
        ("adminIpv6Networks", '["::/0"]', "open to the world"),
        ("adminIpv4Networks", '["203.0.113.7/24"]', "whose last bits are zero"),
        ("adminIpv4Networks", "[]", "has too few entries; allowed: at least 1"),
        ("adminIpv4Networks", '["2001:db8::/48"]', "is not an IPv4 network; allowed: one such as 203.0.113.0/24"),
        ("adminIpv6Networks", '["203.0.113.0/24"]', "is not an IPv6 network; allowed: one such as 2001:db8::/48"),
        ("adminIpv4Networks", '["128.0.0.0/1"]', "is too wide; allowed: /8 or smaller"),
        ("adminIpv6Networks", '["2000::/3"]', "is too wide; allowed: /16 or smaller"),
        ("postgresDatabase", "postgres", "is PostgreSQL's own"),
        ("postgresDatabase", "template0", "is PostgreSQL's own"),
        ("postgresDatabase", "template1", "is PostgreSQL's own"),
        ("postgresDatabase", "pg_clinic", "is PostgreSQL's own"),
        *(("postgresDatabase", name, "PgBouncer or pg_hba.conf reserves") for name in sorted(RESERVED_DATABASES)),
        ("postgresDatabase", "Clinic", "lower case letters, digits and _ are allowed"),
        ("postgresDatabase", "_clinic", "begins with a small letter"),
        ("githubRepository", "../hybrid", "has a part of dots only; allowed: OWNER/NAME"),
        ("githubRepository", "automatonicai/.", "has a part of dots only"),
        ("githubRepository", "automatonicai", "OWNER/NAME"),
        ("stateBucket", "My_Bucket", "a bucket's name"),
        ("stateKeyAlias", "automatonicai-pulumi-state", "alias/NAME"),
        ("stateKeyAlias", "alias/aws/s3", "alias/NAME"),
        ("hyperdriveConnections", "4", "allowed: at least 5"),
        ("hyperdriveConnections", "101", "allowed: at most 100"),
        ("hyperdriveFallback", "perhaps", "is not true or false"),
        ("environment", "prod", "is not the environment of stack dev; allowed: dev"),
        ("adminIpv4Networks", "203.0.113.0/24", "is not a list"),
        ("mediaBuckets", '["media", "media"]', "names a bucket twice"),
        ("mediaBuckets", '["uploads"]', "lacks 'media', which the API is built for; add it"),
        (
            "mediaBuckets",
            '["media", "hyperdrive"]',
            "has hyperdrive, the name of another binding; taken: ALLOWED_ORIGINS",
        ),
        ("mediaBuckets", '["media", "invoices", "q3-exports"]', "has a bucket for invoices, exports, by its name"),
        ("mediaBuckets", '["media", "build-id"]', "has build-id, the name of another binding"),
        ("sshPublicKey", "-----BEGIN OPENSSH PRIVATE KEY-----", "is not a public key"),
        ("apiHostname", "app-dev.automatonicai.com", "name of another host"),
        *(("poolerHostname", f"{host}-dev.automatonicai.com", "name of another host") for host in HOSTS),
        ("ownsAdvancedInstancesTier", "perhaps", "is not true or false"),
        *(("ownsGithubOidcProvider", text, "is not true or false") for text in ("yes", "on", "1", "True", "")),
        *(("hyperdriveConnections", text, "is not a whole number") for text in ("1_0", "10.0", " 10")),
        ("backupTime", "7:15", "is not a time such as 07:15"),
        ("backupTime", "24:00", "is not a time"),
        ("backupFullDay", "Sunday", "allowed: 'monday', 'tuesday'"),
        ("backupVerifyDay", "mittwoch", "allowed: 'monday', 'tuesday'"),
        ("backupRetentionFull", "1", "allowed: at least 2"),
        ("backupRetentionFull", "53", "allowed: at most 52"),
        ("backupLockDays", "0", "allowed: at least 8"),
        (
            "backupLockDays",
            "36",
            "36 is longer than old versions are kept (backupOldVersionDays: 35); allowed: at most 35",
        ),
        ("backupLockDays", "7", "allowed: at least 8"),
        *(("snapshotTime", text, 'is not a full hour; allowed: one such as "07:00"') for text in ("07:30", "25:00")),
        ("archiveTimeoutSeconds", "29", "allowed: at least 30"),
        ("archiveTimeoutSeconds", "301", "allowed: at most 300"),
        ("archiveQueueMaxMb", "63", "allowed: at least 64"),
        (
            "archiveQueueMaxMb",
            "16385",
            "16385 is more than a quarter of host a's disk of 64 GB; allowed: at most 16384",
        ),
        ("recoveryPointSeconds", "29", "allowed: at least 30"),
        (
            "recoveryPointSeconds",
            "119",
            "119 can't be met: a quiet host archives only every 60 s (archiveTimeoutSeconds); allowed: at least 120",
        ),
        ("recoveryTimeSeconds", "86401", "allowed: at most 86400"),
        ("alarmEmail", "platform", "an e-mail address"),
        ("alarmEmail", "a@b@c.com", "an e-mail address"),
        ("pagesHostnames", '["app-dev.automatonicai.com"]', "name of another host"),
        (
            "pagesHostnames",
            '["a-dev.automatonicai.com", "a-dev.automatonicai.com"]',
            "name of another host of this stack",
        ),
        ("standbyKeepUntil", "2027-02-30", 'is not a date; allowed: one in quotes, such as "2027-01-31"'),
        ("rollbackAccessUntil", "soon", "is not a date"),
        ("requestsPerMinute", "9", "is too small; allowed: at least 10"),
        ("sentryDsn", "x" * 201, "has too many characters; allowed: at most 200"),
        ("identityProvider", "okta", "allowed: 'cognito' or 'auth0'"),
        ("publicSignUp", "perhaps", "is not true or false"),
        ("sessionGenerations", "[]", "has too few entries; allowed: at least 1"),
        ("apiEarlierVersion", "the one before", "is not the id of a version; `./hybrid worker versions` lists them"),
        ("apiEarlierPercent", "0", "allowed: at least 1"),
        ("webEarlierPercent", "101", "allowed: at most 100"),
        ("apiCrons", '["hourly"]', 'is not a schedule; allowed: five fields such as "*/15 * * * *"'),
        ("apiCustomDomain", "yes", "is not true or false"),
        ("failoverActive", "nobody", "allowed: 'worker', 'vercel' or 'vercel-dns'"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(key: str, text: str, message: str) -> None:
    (fault,) = faults(**{key: text})
    assert fault.startswith(f"{key}")
    assert message in fault


def test_the_fallback_needs_the_tunnel() -> None:
    (fault,) = faults(databaseRoute="direct", hyperdriveFallback="true")
    assert fault == "hyperdriveFallback: goes through the tunnel; allowed with databaseRoute direct: false"


AUTH0 = {
    "identityProvider": "auth0",
    "auth0Domain": "shop.ca.auth0.com",
    "auth0Audience": "https://api.shop.example",
    "auth0ClientId": "site",
    "auth0ClientSecret": "x",
}


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        # A tenant elsewhere, and one of whose name nobody can tell where it is.
        ("auth0Domain", "shop.us.auth0.com", "is not valid"),
        ("auth0Domain", "login.shop.example", "is not valid"),
        ("auth0Domain", "shop.ca.auth0.com.example", "is not valid"),
        ("auth0Audience", "api", "is not valid"),
        ("auth0ClientId", "a-b", "is not valid"),
        ("auth0ClientSecret", "x" * 201, "has too many characters"),
        *((key, "", "is missing; identityProvider auth0 needs") for key in list(AUTH0)[1:]),
    ],
)
def test_auth0_needs_a_tenant_in_canada_and_its_client(key: str, text: str, message: str) -> None:
    assert parse("dev", given(**AUTH0)).auth0_domain == "shop.ca.auth0.com"
    (fault,) = faults(**AUTH0 | {key: text})
    assert fault.startswith(f"{key}: {message}")


def test_a_setting_of_the_other_identity_provider_is_refused() -> None:
    (fault,) = faults(auth0Audience="https://api.shop.example")
    assert fault.startswith("auth0Audience: is of no use with identityProvider cognito")


@pytest.mark.parametrize(
    ("stack", "environment", "message"),
    [
        ("prod", "dev", "is not the environment of stack prod; allowed: prod"),
        ("dev-alice", "prod", "is not the environment of stack dev-alice; allowed: dev"),
        ("prod-2", "prod", "has no stack 'prod-2'; allowed stack names: prod, dev and dev-USER"),
        ("dev-", "dev", "has no stack 'dev-'"),
        ("trial", "dev", "has no stack 'trial'"),
    ],
)
def test_the_environment_agrees_with_the_stack(stack: str, environment: str, message: str) -> None:
    (fault,) = [fault for fault in faults(stack, environment=environment) if fault.startswith("environment")]
    assert message in fault


@examples(st.lists(st.text("abz09-", min_size=1, max_size=70), min_size=2, max_size=6))
def test_a_host_name_is_what_a_name_server_takes(labels: list[str]) -> None:
    name = ".".join([*labels, "automatonicai", "com"])
    is_one = len(name) <= 253 and all(len(label) <= 63 and label.strip("-") == label for label in labels)

    assert (
        any(fault.startswith("siteHostname: ") for fault in faults("dev", siteHostname=name, requestsPerMinute="9"))
        is not is_one
    )


def test_a_users_stack_has_names_of_its_own_and_the_environment_of_dev() -> None:
    labels = parse("dev-alice", given()).labels
    assert labels.prefix == "automatonicai-dev-alice"
    assert labels.tags(DataClass.NONE)["environment"] == "dev"
    assert parse("dev", given()).labels.prefix == "automatonicai-dev"


def test_bucket_names_fit_into_63_characters() -> None:
    user = "u" * 17
    (fault,) = faults(f"dev-{user}", mediaBuckets=json.dumps(["media", "k" * 28]))
    assert "has an entry that makes a bucket name of more than 63 characters; allowed: at most 27" in fault
    (fault, *_) = faults(f"dev-{user}", product="p" * 16)
    assert "makes bucket names of more than 63 characters; allowed with stack" in fault
    assert fault.endswith("at most 15 characters")
    labels = parse(f"dev-{user}", given(product="p" * 15)).labels
    assert len(backup_copy_bucket(labels.prefix, "1" * 12)) == 63


def test_all_faults_come_at_once() -> None:
    found = faults(environment=None, hyperdriveConnections="4", snapshotTime="noon", postgresServin="x")
    assert [fault.partition(":")[0] for fault in found] == [
        "environment",
        "snapshotTime",
        "hyperdriveConnections",
        "postgresServin",
    ]
    assert "pulumi config set environment" in found[0]
    assert "did you mean postgresServing?" in found[3]


def test_nothing_is_guessed_of_a_setting_that_is_like_none() -> None:
    assert faults(cloudflareApiToken="x") == ["cloudflareApiToken: is not a setting; Pulumi.yaml lists all"]


def test_a_lock_and_a_queue_may_be_as_large_as_what_they_are_measured_by() -> None:
    settings = parse("dev", given(backupLockDays="35", archiveQueueMaxMb="16384", recoveryPointSeconds="120"))
    assert (settings.backup_lock_days, settings.archive_queue_max_mb) == (35, 16384)


def test_the_smallest_disk_counts() -> None:
    hosts = [
        {"name": "a", "bundle": "small_3_0"},
        {"name": "b", "bundle": "small_3_0", "diskGb": 16, "origin": "backup"},
    ]
    (fault,) = faults(postgresHosts=json.dumps(hosts))
    assert fault == ("archiveQueueMaxMb: 8192 is more than a quarter of host b's disk of 16 GB; allowed: at most 4096")


def test_faults_between_settings_come_with_those_of_single_ones() -> None:
    found = faults(backupLockDays="60", archiveQueueMaxMb="99999", backupTime="noon", alarmEmail=None)
    assert [fault.partition(":")[0] for fault in found] == [
        "backupTime",
        "alarmEmail",
        "backupLockDays",
        "archiveQueueMaxMb",
    ]


def test_prod_needs_protection() -> None:
    found = faults("prod", environment="prod", protectData="false")
    assert [fault.partition(":")[0] for fault in found] == ["protectData"]


SECRETS = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n",
    "postgres://app:hunter2@db.example.com/x",
    "hunter2 Password",
)
TEXTS = ("pagesProductionBranch", "postgresServing", "sentryDsn")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", sorted({str(field.alias) for field in Settings.model_fields.values()} - set(TEXTS)))
def test_a_wrong_value_is_never_shown(key: str, secret: str) -> None:
    for text in (secret, json.dumps([secret]), json.dumps([{"name": secret, "bundle": secret, "version": secret}])):
        assert not [fault for fault in faults(**{key: text}) if "hunter2" in fault]


def test_what_does_not_go_together_shows_no_value_either() -> None:
    hosts = [{"name": f"hunter2 {name}", "bundle": "small_3_0", "diskGb": 8} for name in "abc"]
    found = faults(postgresHosts=json.dumps(hosts), postgresServing="hunter2", owner="Hunter2", hunter="hunter2")
    assert (
        "postgresServing: is not a host of this stack; allowed: postgresHosts.0, postgresHosts.1, postgresHosts.2"
        in found
    )
    assert not [fault for fault in found if "hunter2" in fault.lower()]


def test_no_fault_has_the_words_of_a_library() -> None:
    wrong = ("x", "", "-1", "1.5", "true", "[]", "[1]", "[true]", "[[]]", "{}", "[{}]", "[null]", "9" * 30)
    keys = [str(field.alias) for field in Settings.model_fields.values()]
    for text in wrong:
        for fault in faults(**dict.fromkeys(keys, text)):
            assert not re.search(r"[Ii]nput|[Vv]alue error|instance|parse|integer|boolean|string|dict", fault), fault


def test_a_setting_is_everywhere_that_it_has_to_be() -> None:
    """What is forgotten of a new one, or left of an old one: the file, and the line to add or to remove."""
    source = "\n".join([(ROOT / "__main__.py").read_text(), *_sources(ROOT / "components")])
    tests = "\n".join(_sources(ROOT / "tests"))
    missing = [*undeclared()]
    for name, field in Settings.model_fields.items():
        if not re.search(rf"\.{name}\b", source) and f'"{field.alias}"' not in source:
            missing.append(f"__main__.py: give stack.{name} to the component that needs it")
        if str(field.alias) not in tests:
            missing.append(f"{Path(__file__).relative_to(ROOT)}: add a wrong value of {field.alias}")
    assert not missing, "\n".join(missing)


def _sources(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.rglob("*.py"))]


def test_dev_and_prod_have_the_same_keys() -> None:
    dev, prod = (yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"] for name in ("dev", "prod"))
    assert list(dev) == list(prod)


def test_lists_arrive_as_json() -> None:
    assert parse("dev", given(mediaBuckets=json.dumps(["media", "b2"]))).media_buckets == ["media", "b2"]


def test_no_message_has_a_regular_expression() -> None:
    schema = json.dumps(Settings.model_json_schema())
    patterns = {json.loads(f'"{found}"') for found in re.findall(r'"pattern": "((?:[^"\\\\]|\\\\.)*)"', schema)}
    assert patterns - {*WORDS} == set()
    wrong = {"siteHostname": "shop", "owner": "A B", "awsAccountId": "1", "product": "A", "stateBucket": "A"}
    for key, text in wrong.items():
        (fault,) = faults(**{key: text})
        assert not set(fault) & set("^$\\{")


def test_an_account_number_belongs_in_quotes() -> None:
    (fault,) = faults(awsAccountId="12345678901")
    assert 'twelve digits in quotes, such as "012345678901"' in fault


def test_a_host_of_another_zone_is_named_and_no_other() -> None:
    (fault,) = faults(siteHostname="app.example.com")
    assert (
        fault == "siteHostname: is not in the zone of apiHostname; allowed: host names of one zone (cloudflareZoneId)"
    )
