"""Names under which the API Worker finds what it is bound to; apps/worker reads them."""

# The bucket that apps/worker serves uploads from, as MEDIA.
REQUIRED_BUCKET = "media"
# What is bound besides buckets (components/edge/api_worker.py).
TAKEN = frozenset(
    {
        "HYPERDRIVE",
        "HYPERDRIVE_PUBLIC",
        "ENVIRONMENT",
        "BUILD_ID",
        "ALLOWED_ORIGINS",
        "RATE_LIMIT",
        "SENTRY_DSN",
        "DATABASE_DIRECT",
        "OIDC_ISSUER",
        "OIDC_JWKS_URL",
        "OIDC_AUDIENCE",
        "OIDC_AUDIENCE_CLAIM",
        "OIDC_ROLES_CLAIM",
    }
)


def binding_name(key: str) -> str:
    """Name of a bucket's binding: `user-uploads` becomes `USER_UPLOADS`."""
    return key.upper().replace("-", "_")
