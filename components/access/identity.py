"""Who signs in: people's accounts in Montreal, or at Auth0, and what the Workers are told of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random

from components.common.labels import DataClass, Environment, Labels
from components.common.protection import Protection
from components.common.regions import HOME_REGION
from components.common.sessions import REFRESH_DAYS, SCOPES, TOKEN_MINUTES

Binding = cloudflare.WorkerVersionBindingArgsDict

PASSWORD_LENGTH = 12
# Members of this group of the pool have the role; everybody else is a member.
ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Auth0:
    """A tenant's values; its own account manages the tenant."""

    domain: str
    audience: str
    """Identifier of the API there."""
    client_id: str
    client_secret: str


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    site_hostname: str
    has_public_sign_up: bool
    """Whether anybody may register; else an administrator invites."""
    session_generations: Sequence[str]
    """Generations of the key of the site's cookies: all decrypt, the last one encrypts."""
    auth0: Auth0 | None = None
    """In place of a Cognito user pool."""


class Identity(pulumi.ComponentResource):
    """A user pool, its client and its pages; with Auth0 nothing but the key of the site's cookies.

    The pool is protected: people's accounts and second factors can't be made again.
    """

    site_bindings: Sequence[Binding]
    """What the site's Worker signs people in with."""
    api_bindings: Sequence[Binding]
    """What the API checks tokens by."""
    issuer: pulumi.Output[str]
    """Value of the tokens' `iss`."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:identity:Identity", name, args.labels.inputs(DataClass.PERSONAL), opts)
        keys = [
            random.RandomPassword(
                f"{name}-session-{generation}", length=43, special=False, opts=args.protection.options(self)
            ).result
            for generation in args.session_generations
        ]
        own = [
            _text("PUBLIC_SIGN_UP", str(args.has_public_sign_up).lower()),
            _secret("SESSION_KEY", pulumi.Output.concat(*_joined(list(reversed(keys))))),
        ]
        if args.auth0:
            self.issuer, self.api_bindings, client = _of_auth0(args.auth0, args.site_hostname)
        else:
            self.issuer, self.api_bindings, client = self._pool(name, args)
        self.site_bindings = [*own, *client]
        # The gate holds the pool against the second one: of a component, rules over all resources see outputs alone.
        self.register_outputs({"issuer": self.issuer, "publicSignUp": args.has_public_sign_up})

    def _pool(self, name: str, args: IdentityArgs) -> tuple[pulumi.Output[str], list[Binding], list[Binding]]:
        """The issuer, and the bindings of the API and of the site."""
        child = pulumi.ResourceOptions(parent=self)
        is_prod = args.labels.environment is Environment.PROD
        prefix = args.labels.prefix
        # In state: renaming this replaces the pool, and everybody's account with it.
        pool = aws.cognito.UserPool(
            f"{name}-pool",
            name=prefix,
            region=HOME_REGION,
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            password_policy={
                "minimum_length": PASSWORD_LENGTH,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": False,
                "temporary_password_validity_days": 3,
            },
            mfa_configuration="ON" if is_prod else "OPTIONAL",
            # By an app's codes: texts cost, and a number can be taken over.
            software_token_mfa_configuration={"enabled": True},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            admin_create_user_config={"allow_admin_create_user_only": not args.has_public_sign_up},
            email_configuration={"email_sending_account": "COGNITO_DEFAULT"},
            deletion_protection="ACTIVE" if args.protection.is_protected else "INACTIVE",
            # The least of three, each dearer for a monthly user than the one before (AWS, Cognito pricing).
            user_pool_tier="LITE",
            user_pool_add_ons={"advanced_security_mode": "OFF"},
            tags=args.labels.tags(DataClass.PERSONAL),
            opts=args.protection.options(self),
        )
        aws.cognito.UserGroup(
            f"{name}-{ADMIN}",
            name=ADMIN,
            region=HOME_REGION,
            user_pool_id=pool.id,
            description="May see and do everything",
            opts=child,
        )
        pages = aws.cognito.UserPoolDomain(
            f"{name}-pages",
            region=HOME_REGION,
            domain=f"{prefix}-{args.aws_account_id}",
            user_pool_id=pool.id,
            opts=child,
        )
        client = aws.cognito.UserPoolClient(
            f"{name}-site",
            name=f"{prefix}-web",
            region=HOME_REGION,
            user_pool_id=pool.id,
            generate_secret=True,
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=list(SCOPES),
            # Passwords are typed into the pool's own pages, and nowhere else.
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            supported_identity_providers=["COGNITO"],
            callback_urls=[f"https://{args.site_hostname}/auth/callback"],
            logout_urls=[f"https://{args.site_hostname}/"],
            access_token_validity=TOKEN_MINUTES,
            id_token_validity=TOKEN_MINUTES,
            refresh_token_validity=REFRESH_DAYS,
            token_validity_units={"access_token": "minutes", "id_token": "minutes", "refresh_token": "days"},
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            opts=child,
        )
        issuer = pulumi.Output.format("https://cognito-idp.{0}.amazonaws.com/{1}", HOME_REGION, pool.id)
        # Known once the pages are there.
        host = pulumi.Output.format("https://{0}.auth.{1}.amazoncognito.com", pages.domain, HOME_REGION)
        api = [
            _text("OIDC_ISSUER", issuer),
            _text("OIDC_JWKS_URL", pulumi.Output.format("{0}/.well-known/jwks.json", issuer)),
            # Access tokens of a pool have no audience: they name the client.
            _text("OIDC_AUDIENCE", client.id),
            _text("OIDC_AUDIENCE_CLAIM", "client_id"),
            _text("OIDC_ROLES_CLAIM", "cognito:groups"),
        ]
        site = [
            _text("OIDC_ISSUER", issuer),
            _text("OIDC_CLIENT_ID", client.id),
            _secret("OIDC_CLIENT_SECRET", client.client_secret),
            _text("OIDC_SCOPE", " ".join(SCOPES)),
            _text("OIDC_SIGN_UP_URL", pulumi.Output.format("{0}/signup", host)),
            _text("OIDC_LOGOUT_URL", pulumi.Output.format("{0}/logout", host)),
        ]
        return issuer, api, site


def _of_auth0(tenant: Auth0, site_hostname: str) -> tuple[pulumi.Output[str], list[Binding], list[Binding]]:
    issuer = f"https://{tenant.domain}/"
    api = [
        _text("OIDC_ISSUER", issuer),
        _text("OIDC_JWKS_URL", f"{issuer}.well-known/jwks.json"),
        _text("OIDC_AUDIENCE", tenant.audience),
        _text("OIDC_AUDIENCE_CLAIM", "aud"),
        # Auth0 takes a claim of one's own only under an address of one's own.
        _text("OIDC_ROLES_CLAIM", f"https://{site_hostname}/roles"),
    ]
    site = [
        _text("OIDC_ISSUER", issuer),
        _text("OIDC_CLIENT_ID", tenant.client_id),
        _secret("OIDC_CLIENT_SECRET", pulumi.Output.secret(tenant.client_secret)),
        # Without it Auth0 gives no refresh token, and Cognito does not know it.
        _text("OIDC_SCOPE", " ".join((*SCOPES, "offline_access"))),
        _text("OIDC_REQUESTED_AUDIENCE", tenant.audience),
    ]
    return pulumi.Output.from_input(issuer), api, site


def _text(name: str, value: pulumi.Input[str]) -> Binding:
    return {"type": "plain_text", "name": name, "text": value}


def _secret(name: str, value: pulumi.Input[str]) -> Binding:
    return {"type": "secret_text", "name": name, "text": value}


def _joined(keys: list[pulumi.Output[str]]) -> list[pulumi.Input[str]]:
    first, *others = keys
    return [first, *(part for key in others for part in (",", key))]
