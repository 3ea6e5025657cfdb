"""The providers, one an account, so that nothing lands in an account or region by default."""

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from components.common.regions import HOME_REGION


def declare(*, aws_account_id: str) -> list[pulumi.ProviderResource]:
    """AWS in Montreal, for this account only, and Cloudflare (credentials come from its environment variables)."""
    return [
        aws.Provider("montreal", region=HOME_REGION, allowed_account_ids=[aws_account_id]),
        cloudflare.Provider("cloudflare"),
    ]
