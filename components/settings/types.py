"""Types of single settings, where the host's own (host/specification/model.py) are not narrow enough."""

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from host.specification.model import MAINTENANCE_DATABASES, RESERVED_DATABASES, Identifier, Network, matching

# A prefix as long as this is the largest network that anyone administers from.
WIDEST_PREFIX = {4: 8, 6: 16}
# Without quotes the engine takes it for a moment, and writes its hour behind it.
NO_DATE = 'is not a date; allowed: one in quotes, such as "2027-01-31"'
# RFC 1035.
LONGEST_NAME, LONGEST_LABEL = 253, 63
LABEL = re.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?")
EXAMPLE = {4: "203.0.113.0/24", 6: "2001:db8::/48"}


def _network(version: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        network = ipaddress.ip_network(text)
        if network.version != version:
            raise ValueError(f"is not an IPv{version} network; allowed: one such as {EXAMPLE[version]}")
        if network.prefixlen < WIDEST_PREFIX[version]:
            raise ValueError(f"is too wide; allowed: /{WIDEST_PREFIX[version]} or smaller")
        return text

    return check


def _ssh_key(text: str) -> str:
    if "PRIVATE KEY" in text or not re.match(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+", text):
        raise ValueError("is not a public key; allowed: one line that starts with ssh-ed25519, ssh-rsa or ecdsa-sha2")
    return text


def _database(text: str) -> str:
    if text in MAINTENANCE_DATABASES or text.startswith("pg_"):
        raise ValueError("is PostgreSQL's own; allowed: a name of the application's")
    if text in RESERVED_DATABASES:
        raise ValueError("is a name that PgBouncer or pg_hba.conf reserves; allowed: a name of the application's")
    return text


def host_name(text: str) -> str:
    labels = text.split(".")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"has {len(text)} characters; allowed: at most {LONGEST_NAME}")
    if any(len(label) > LONGEST_LABEL for label in labels):
        raise ValueError(f"has more than {LONGEST_LABEL} characters between two dots; allowed: at most {LONGEST_LABEL}")
    if len(labels) < 2 or not all(map(LABEL.fullmatch, labels)) or not labels[-1].isalpha():
        raise ValueError("is not a host name; allowed: one such as app.example.com, in small letters")
    return text


def _repository(text: str) -> str:
    if any(not segment.strip(".") for segment in text.split("/")):
        raise ValueError("has a part of dots only; allowed: OWNER/NAME")
    return text


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(NO_DATE) from None


HostName = Annotated[str, AfterValidator(host_name)]
HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")]
Ipv4Network = Annotated[Network, AfterValidator(_network(4))]
Ipv6Network = Annotated[Network, AfterValidator(_network(6))]
SshPublicKey = Annotated[str, AfterValidator(_ssh_key)]
DatabaseName = Annotated[Identifier, Field(pattern="^[a-z]"), BeforeValidator(_database)]
Repository = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"), AfterValidator(_repository)]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")]
Email = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")]
FullHour = Annotated[str, matching("([01][0-9]|2[0-3]):00", 'is not a full hour; allowed: one such as "07:00"')]
Date = Annotated[str, matching(r"\d{4}-\d{2}-\d{2}", NO_DATE), AfterValidator(_date)]
KeyAlias = Annotated[str, Field(pattern=r"^alias/[A-Za-z0-9_-]{1,250}$")]
KeyGeneration = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")]
# Five fields, as Cloudflare's Cron Triggers have them; Cloudflare itself looks at their values.
Cron = Annotated[str, matching(r"\S+( \S+){4}", 'is not a schedule; allowed: five fields such as "*/15 * * * *"')]
VersionId = Annotated[
    str,
    matching(
        "([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?",
        "is not the id of a version; `./hybrid worker versions` lists them",
    ),
]
Percent = Annotated[int, Field(ge=1, le=100)]
