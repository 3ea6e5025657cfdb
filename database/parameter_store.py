"""Secrets of a stack from SSM Parameter Store, with the caller's own AWS credentials."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from components.common.regions import HOME_REGION
from database.errors import DatabaseError

HOW = "sign in with `aws sso login`, or set AWS_PROFILE"
# More at once are refused (GetParameters).
AT_ONCE = 10


def client() -> Any:
    """Systems Manager in Montreal."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
    with plain_errors("AWS"):
        return boto3.Session(region_name=HOME_REGION).client("ssm", config=config)


def read(ssm: Any, names: Sequence[str]) -> dict[str, str]:
    """Values by name. Raises DatabaseError that names all that are missing."""
    values: dict[str, str] = {}
    with plain_errors("Parameter Store"):
        for start in range(0, len(names), AT_ONCE):
            answer = ssm.get_parameters(Names=list(names[start : start + AT_ONCE]), WithDecryption=True)
            values |= {found["Name"]: found["Value"] for found in answer["Parameters"]}
    missing = [name for name in names if name not in values]
    if missing:
        raise DatabaseError(
            f"Parameter Store in {HOME_REGION}: has no {', '.join(missing)}; "
            "has the stack been brought up, and is this its account?"
        )
    return values


@contextmanager
def plain_errors(thing: str) -> Iterator[None]:
    """What AWS refuses or can't answer, as DatabaseError."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

    try:
        yield
    except (NoCredentialsError, ProfileNotFound) as error:
        raise DatabaseError(f"{thing}: no AWS credentials ({error}); {HOW}") from error
    except ClientError as error:
        fault = error.response.get("Error", {})
        raise DatabaseError(f"{thing}: refused ({fault.get('Code')}): {fault.get('Message')}") from error
    except BotoCoreError as error:
        raise DatabaseError(f"{thing}: {' '.join(str(error).split())}") from error
