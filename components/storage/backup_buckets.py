"""Where backups are: names of the bucket in Montreal and of its copy in Calgary, known before either exists."""

from components.common.regions import COPY_REGION, HOME_REGION

# The account's number makes them unique in all of S3.


def backup_bucket(prefix: str, aws_account_id: str) -> str:
    return f"{prefix}-backups-{aws_account_id}"


def backup_copy_bucket(prefix: str, aws_account_id: str) -> str:
    """Calgary's, which S3 itself fills and nobody else writes to."""
    return f"{prefix}-backups-copy-{aws_account_id}"


def bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def s3_endpoint(region: str) -> str:
    return f"s3.{region}.amazonaws.com"


def key_aliases(prefix: str) -> dict[str, str]:
    """KMS alias of each bucket's key, by region."""
    return {HOME_REGION: f"alias/{prefix}-backups", COPY_REGION: f"alias/{prefix}-backups-copy"}
