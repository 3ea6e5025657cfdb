"""Pulumi configuration as one typed, validated object; every fault is reported at once."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pulumi
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from components.common.errors import HybridError
from components.common.labels import Environment, Labels
from components.common.protection import Protection
from components.common.public_names import not_public
from components.settings import backup as backup_settings
from components.settings import host as host_settings
from components.settings import hostnames, namespaces, renamed
from components.settings import identity as identity_settings
from components.settings.binding_names import REQUIRED_BUCKET, TAKEN, binding_name
from components.settings.host import HostSettings
from components.settings.stack_file import PROJECT, StackFile
from components.settings.types import (
    BucketName,
    Cron,
    DatabaseName,
    Date,
    Email,
    FullHour,
    HexId,
    HostName,
    Ipv4Network,
    Ipv6Network,
    KeyAlias,
    KeyGeneration,
    Percent,
    Repository,
    Slug,
    SshPublicKey,
    VersionId,
)
from components.settings.words import WORDS
from host.specification.model import (
    ArchiveQueueMb,
    ArchiveTimeoutSeconds,
    Day,
    FullBackups,
    TargetSeconds,
    TimeOfDay,
    TimescaleEdition,
)


class SettingsError(HybridError, pulumi.RunError):
    """Settings that can't be used; `faults` has one line for each, which begins with the setting."""

    def __init__(self, stack: str, faults: list[str]) -> None:
        self.faults = faults
        file = StackFile.of(stack)
        super().__init__("\n".join(f"{stack}: {file.place(_setting(fault))}{fault}" for fault in faults))


STACK_NAME = re.compile(r"(prod|dev|dev-[a-z0-9]([a-z0-9-]*[a-z0-9])?)")
# Faults as pydantic calls them, whose own words show the value and name its classes.
LIMITS = {
    "value_error": "{error}",
    "literal_error": "is not one of the allowed words; allowed: {expected}",
    "enum": "is not one of the allowed words; allowed: {expected}",
    "greater_than_equal": "is too small; allowed: at least {ge}",
    "less_than_equal": "is too large; allowed: at most {le}",
    "too_short": "has too few entries; allowed: at least {min_length}",
    "too_long": "has too many entries; allowed: at most {max_length}",
    "string_too_short": "has too few characters; allowed: at least {min_length}",
    "string_too_long": "has too many characters; allowed: at most {max_length}",
}
# The rest, by how they begin.
KINDS = {
    "bool": "is not true or false",
    "int": "is not a whole number",
    "string": "is not text",
    "list": "is not a list; allowed: [ONE, ANOTHER]",
    "model": f"is not a mapping; allowed: {', '.join(to_camel(name) for name in HostSettings.model_fields)}",
}
# S3 and R2 alike.
BUCKET_NAME_LENGTH = 63
# The longest name of an S3 bucket is that of the backups' copy: {prefix}-backups-copy-{account}.
LONGEST_BUCKET_SUFFIX = len("-backups-copy-") + 12


class Settings(BaseModel):
    """One stack's settings. Types and limits are here; defaults and descriptions are in Pulumi.yaml."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="forbid")

    _stack: str = PrivateAttr()

    environment: Environment
    product: Slug
    owner: Annotated[str, Field(pattern=r"^[a-z0-9@._-]{2,64}$")]
    protect_data: bool
    build_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]

    aws_account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    cloudflare_account_id: HexId
    cloudflare_zone_id: HexId
    site_hostname: HostName
    api_hostname: HostName
    database_hostname: HostName
    pooler_hostname: HostName

    availability_zone: Annotated[str, Field(pattern=r"^ca-central-1[a-z]$")]
    postgres_database: DatabaseName
    postgres_hosts: Annotated[list[HostSettings], Field(min_length=1)]
    postgres_serving: str
    timescaledb_edition: TimescaleEdition
    allow_untested_hyperdrive: bool
    database_route: Literal["tunnel", "direct"]
    database_authorities: Annotated[list[KeyGeneration], Field(min_length=1, max_length=3)]
    wait_for_database: bool
    snapshot_time: FullHour
    ssh_public_key: SshPublicKey
    admin_ipv4_networks: Annotated[list[Ipv4Network], Field(min_length=1, max_length=20)]
    admin_ipv6_networks: Annotated[list[Ipv6Network], Field(min_length=1, max_length=20)]

    backup_time: TimeOfDay
    backup_full_day: Day
    backup_verify_day: Day
    backup_retention_full: Annotated[FullBackups, Field(ge=2, le=52)]
    backup_old_version_days: Annotated[int, Field(ge=7, le=400)]
    backup_lock_days: Annotated[int, Field(ge=backup_settings.LOCK_DAYS, le=365)]
    archive_timeout_seconds: ArchiveTimeoutSeconds
    archive_queue_max_mb: ArchiveQueueMb
    recovery_point_seconds: TargetSeconds
    recovery_time_seconds: TargetSeconds
    alarm_email: Email
    media_buckets: Annotated[list[Slug], Field(min_length=1, max_length=20)]
    hyperdrive_connections: Annotated[int, Field(ge=5, le=100)]
    hyperdrive_fallback: bool
    public_cache_seconds: Annotated[int, Field(ge=1, le=3600)]

    identity_provider: Literal["cognito", "auth0"]
    public_sign_up: bool
    session_generations: Annotated[list[KeyGeneration], Field(min_length=1, max_length=3)]
    # Tenants of Canada have this name and keep people's accounts there (Auth0, Regions); another name does not say.
    auth0_domain: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,62}\.ca\.auth0\.com)?$")]
    auth0_audience: Annotated[str, Field(pattern=r"^(https://[!-~]{1,200})?$")]
    auth0_client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,64}$")]
    auth0_client_secret: Annotated[str, Field(max_length=200)]
    sentry_dsn: Annotated[str, Field(max_length=200)]
    requests_per_minute: Annotated[int, Field(ge=10, le=1_000_000)]
    api_custom_domain: bool
    api_crons: Annotated[list[Cron], Field(max_length=3)]
    api_earlier_version: VersionId
    api_earlier_percent: Percent
    web_earlier_version: VersionId
    web_earlier_percent: Percent

    failover_active: Literal["worker", "vercel", "vercel-dns"]
    standby_hostname: HostName
    standby_keep_until: Date
    rollback_access_until: Date
    zone_health_checks: bool
    github_repository: Repository
    owns_github_oidc_provider: bool
    owns_advanced_instances_tier: bool
    state_bucket: BucketName
    state_key_alias: KeyAlias
    pages_hostnames: Annotated[list[HostName], Field(max_length=5)]
    pages_production_branch: Annotated[str, Field(min_length=1, max_length=100)]

    # Field validators, not a model validator: pydantic skips that one when any field is wrong, and
    # then faults would come one at a time. `info.data` holds the valid fields declared above.

    @field_validator("*", mode="before")
    @classmethod
    def _as_the_engine_takes_it(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuses what pydantic, and not the engine, would take for a switch or a number, such as yes and 1_0."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if kind is bool and value not in ("true", "false"):
            raise ValueError(KINDS["bool"])
        if kind is int and not re.fullmatch(r"[+-]?[0-9]+", value):
            raise ValueError(KINDS["int"])
        return value

    @field_validator("environment")
    @classmethod
    def _agrees_with_the_stack(cls, value: Environment, info: ValidationInfo) -> Environment:
        stack = _stack_name(info)
        if not STACK_NAME.fullmatch(stack):
            raise ValueError(f"has no stack {stack!r}; allowed stack names: prod, dev and dev-USER")
        expected = stack.partition("-")[0]
        if value != expected:
            raise ValueError(f"is not the environment of stack {stack}; allowed: {expected}")
        return value

    @field_validator("product")
    @classmethod
    def _leaves_room_for_bucket_names(cls, value: str, info: ValidationInfo) -> str:
        stack = _stack_name(info)
        allowed = BUCKET_NAME_LENGTH - LONGEST_BUCKET_SUFFIX - len(f"-{stack}")
        if len(value) > allowed:
            raise ValueError(
                f"makes bucket names of more than {BUCKET_NAME_LENGTH} characters; "
                f"allowed with stack {stack}: at most {allowed} characters"
            )
        return value

    @field_validator("protect_data")
    @classmethod
    def _prod_is_protected(cls, value: bool, info: ValidationInfo) -> bool:
        if info.data.get("environment") is Environment.PROD and not value:
            raise ValueError("leaves data unprotected; allowed in prod: true")
        return value

    @field_validator("database_authorities", "session_generations")
    @classmethod
    def _generations_differ(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("names a generation twice; allowed: each once, the one that signs last")
        return value

    @field_validator("media_buckets")
    @classmethod
    def _named_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("names a bucket twice; allowed: each name once")
        if REQUIRED_BUCKET not in value:
            raise ValueError(f"lacks {REQUIRED_BUCKET!r}, which the API is built for; add it")
        return value

    @field_validator("media_buckets")
    @classmethod
    def _bound_under_free_names(cls, value: list[str]) -> list[str]:
        taken = [key for key in value if binding_name(key) in TAKEN]
        if taken:
            raise ValueError(f"has {', '.join(taken)}, the name of another binding; taken: {', '.join(sorted(TAKEN))}")
        return value

    @field_validator("media_buckets")
    @classmethod
    def _meant_for_public_data(cls, value: list[str]) -> list[str]:
        named = [word for key in value if (word := not_public(key))]
        if named:
            raise ValueError(
                f"has a bucket for {', '.join(named)}, by its name, and R2, which has no Canadian jurisdiction, keeps "
                "public data only; allowed: another name, or documents in S3 in ca-central-1"
            )
        return value

    @field_validator("media_buckets")
    @classmethod
    def _short_enough(cls, value: list[str], info: ValidationInfo) -> list[str]:
        room = BUCKET_NAME_LENGTH - len(f"{info.data.get('product', '')}-{_stack_name(info)}-")
        if any(len(key) > room for key in value):
            raise ValueError(
                f"has an entry that makes a bucket name of more than {BUCKET_NAME_LENGTH} characters; "
                f"allowed: at most {room} characters"
            )
        return value

    @field_validator("api_hostname", "database_hostname", "pooler_hostname")
    @classmethod
    def _host_of_its_own(cls, value: str, info: ValidationInfo) -> str:
        others = {info.data.get(name) for name in ("site_hostname", "api_hostname", "database_hostname")}
        if value in others:
            raise ValueError("is the name of another host of this stack; allowed: a name of its own")
        return value

    @field_validator("hyperdrive_fallback")
    @classmethod
    def _goes_through_the_tunnel(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("database_route") == "direct":
            raise ValueError("goes through the tunnel; allowed with databaseRoute direct: false")
        return value

    @field_validator("pages_hostnames")
    @classmethod
    def _hosts_of_their_own(cls, value: list[str], info: ValidationInfo) -> list[str]:
        names = ("site_hostname", "api_hostname", "database_hostname", "pooler_hostname")
        taken = {info.data.get(name) for name in names}
        if taken.intersection(value) or len(set(value)) != len(value):
            raise ValueError("has the name of another host of this stack; allowed: names of their own")
        return value

    def model_post_init(self, context: Any, /) -> None:
        self._stack = context["stack"]

    @property
    def labels(self) -> Labels:
        return Labels(product=self.product, stack=self._stack, environment=self.environment, owner=self.owner)

    @property
    def protection(self) -> Protection:
        return Protection.of(self.environment, protects_data=self.protect_data)

    @property
    def serving_host(self) -> HostSettings:
        """The host that the application reaches."""
        return next(host for host in self.postgres_hosts if host.name == self.postgres_serving)


def load(stack: str) -> Settings:
    """Reads the running program's configuration. Raises SettingsError."""
    raw = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    prefix = f"{PROJECT}:"
    given = {key.removeprefix(prefix): text for key, text in raw.items() if key.startswith(prefix)}
    values, faults = renamed.current(given, StackFile.of(stack))
    names = [str(field.alias) for field in Settings.model_fields.values()]
    return parse(stack, values, [*faults, *namespaces.faults(raw, names)])


def parse(stack: str, raw: Mapping[str, str], known: Sequence[str] = ()) -> Settings:
    """Parses settings as Pulumi hands them over: text, with lists as JSON. Raises SettingsError.

    `known` are faults found before.
    """
    values = {key: _decoded(key, text) for key, text in raw.items()}
    faults = [*known, *host_settings.faults(values), *backup_settings.faults(values)]
    faults += [*identity_settings.faults(values), *hostnames.faults(values)]
    try:
        settings = Settings.model_validate(values, context={"stack": stack})
    except ValidationError as error:
        unknown = [_setting(fault) for fault in known]
        unknown += [f"{PROJECT}:{fault['loc'][0]}" for fault in error.errors() if fault["type"] == "extra_forbidden"]
        faults = [*(_line(stack, fault, unknown) for fault in error.errors()), *faults]
    if faults:
        raise SettingsError(stack, faults)
    return settings


def _stack_name(info: ValidationInfo) -> str:
    return str(info.context["stack"]) if info.context else ""


def _decoded(key: str, text: str) -> Any:
    field = next((field for field in Settings.model_fields.values() if field.alias == key), None)
    if field is None or "list" not in str(field.annotation):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _setting(fault: str) -> str:
    return fault.partition(": ")[0]


def _line(stack: str, fault: Mapping[str, Any], unknown: Sequence[str]) -> str:
    """A setting, its fault and what is allowed. Never its value, which may be a secret in the wrong line."""
    *outer, last = (str(step) for step in fault["loc"])
    is_nested, is_unknown = bool(outer), fault["type"] == "extra_forbidden"
    key = ".".join((*outer, namespaces.shown(last) if is_unknown else last))
    match fault["type"]:
        case "missing" if is_nested:
            return f"{key}: is missing; add it in Pulumi.{stack}.yaml"
        case "missing":
            return f"{key}: is missing; {_meant(stack, key, unknown) or f'set it with `pulumi config set {key} VALUE`'}"
        case "extra_forbidden" if is_nested:
            return f"{key}: is not a setting{_suggestion(last, HostSettings)}"
        case "extra_forbidden":
            return f"{key}: is not a setting{_suggestion(last, Settings)}"
        case "form":
            return f"{key}: {fault['msg']}"
        case "string_pattern_mismatch":
            return f"{key}: is not valid; allowed: {WORDS.get(fault['ctx']['pattern'], 'what Pulumi.yaml describes')}"
        case kind:
            words = LIMITS.get(kind) or KINDS.get(kind.partition("_")[0], "is not valid")
            return f"{key}: {words.format(**fault.get('ctx', {}))}"


def _meant(stack: str, key: str, unknown: Sequence[str]) -> str:
    near = namespaces.nearest(f"{PROJECT}:{key}", unknown)
    line = StackFile.of(stack).line(near) if near else None
    return f"is it {near}{f' in line {line}' if line else ''}?" if near else ""


def _suggestion(key: str, model: type[BaseModel]) -> str:
    names = [field.alias or "" for field in model.model_fields.values()]
    near = namespaces.nearest(key, names)
    if near:
        return f"; did you mean {near}?"
    return "; Pulumi.yaml lists all" if model is Settings else f"; allowed: {', '.join(names)}"
