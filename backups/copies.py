"""What became of the copies of backups: asked of S3, which notes it at every object that it replicates."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from host.recovery.contract import Backup

AT_ONCE = 8
NOT_COPIED = "not copied"
# By ReplicationStatus of an object (Amazon S3, "Getting replication status information").
STATES = {
    "COMPLETED": "copied",
    "COMPLETE": "copied",
    "PENDING": "on its way",
    "FAILED": "failed",
    "REPLICA": "is the copy",
}


def states(client: Callable[[], Any], bucket: str, backups: Sequence[Backup]) -> dict[str, str]:
    """What became of each copy, in words by the backup's label. What can't be asked is `unknown: why`, never an error.

    A backup's manifest is written last, so what S3 says of it is true of the backup.
    """
    from botocore.exceptions import BotoCoreError

    if not backups:
        return {}
    try:
        s3 = client()
    except (BotoCoreError, OSError) as error:
        return dict.fromkeys((one.label for one in backups), _unknown(error))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda one: _state(s3, bucket, one.manifest_key), backups)
        return {one.label: state for one, state in zip(backups, found, strict=True)}


def _state(s3: Any, bucket: str, key: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        status = s3.head_object(Bucket=bucket, Key=key).get("ReplicationStatus")
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        return {"404": "no longer there", "403": "unknown: not allowed to ask"}.get(code, f"unknown: {code}")
    except (BotoCoreError, OSError) as error:
        return _unknown(error)
    return STATES.get(status, f"unknown: {status}") if status else NOT_COPIED


def _unknown(error: Exception) -> str:
    from botocore.exceptions import NoCredentialsError

    why = "no AWS credentials" if isinstance(error, NoCredentialsError) else " ".join(str(error).split())
    return f"unknown: {why}"
