"""Who signs in: the pool, its client, and what the Workers are told, read back from the recorded plan."""

from typing import Any

import pytest

from components.access.identity import ADMIN
from components.common.sessions import REFRESH_DAYS, SCOPES
from plan.model import Computed, Plan, Secret
from tests.changed_stack import record_each
from tests.commands import ROOT
from tests.components.declared import named

AUTH0: dict[str, Any] = {
    "identityProvider": "auth0",
    "auth0Domain": "shop.ca.auth0.com",
    "auth0Audience": "https://api.shop.example",
    "auth0ClientId": "site",
    "auth0ClientSecret": {"secure": "v1:x:x"},
}
POOL = "https://cognito-idp.ca-central-1.amazonaws.com/"
PAGES = "https://automatonicai-dev-111111111111.auth.ca-central-1.amazoncognito.com"


def bound(plan: Plan, worker: str) -> dict[str, Any]:
    bindings = named(plan, f"{worker}-version").inputs["bindings"]
    return {one["name"]: one["text"] for one in bindings if one["type"] in ("plain_text", "secret_text")}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Plan]:
    """With Auth0, and with two generations of the cookies' key."""
    variants = [AUTH0, {"sessionGenerations": ["old", "new"], "sentryDsn": {"secure": "v1:x:x"}}]
    first, second = record_each(tmp_path_factory.mktemp("identity"), [("dev", changes) for changes in variants])
    return first, second


def test_production_is_by_invitation_with_a_second_factor(dev_plan: Plan, prod_plan: Plan) -> None:
    dev, prod = (named(plan, "sign-in-pool").inputs for plan in (dev_plan, prod_plan))
    assert (dev["mfaConfiguration"], prod["mfaConfiguration"]) == ("OPTIONAL", "ON")
    assert dev["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": False}
    assert prod["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
    assert named(prod_plan, "sign-in-pool").options.protect
    assert prod["deletionProtection"] == "ACTIVE"
    assert prod["passwordPolicy"]["minimumLength"] == 12
    assert (prod["userPoolTier"], prod["userPoolAddOns"]["advancedSecurityMode"]) == ("LITE", "OFF")


def test_the_site_alone_signs_in_by_code_with_a_secret(dev_plan: Plan) -> None:
    client = named(dev_plan, "sign-in-site").inputs
    assert client["generateSecret"] is True
    assert client["allowedOauthFlows"] == ["code"]
    assert client["explicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["callbackUrls"] == ["https://app-dev.automatonicai.com/auth/callback"]
    assert client["preventUserExistenceErrors"] == "ENABLED"
    assert (client["accessTokenValidity"], client["tokenValidityUnits"]["accessToken"]) == (15, "minutes")


def test_both_workers_know_the_pool(dev_plan: Plan) -> None:
    api, site = bound(dev_plan, "api"), bound(dev_plan, "web")
    pool, client = named(dev_plan, "sign-in-pool"), named(dev_plan, "sign-in-site")
    assert api["OIDC_ISSUER"] == site["OIDC_ISSUER"] == Computed(f"{POOL}${{{pool.urn}#id}}")
    assert api["OIDC_JWKS_URL"].template.endswith("#id}/.well-known/jwks.json")
    # A pool's access tokens name the client and no audience.
    assert api["OIDC_AUDIENCE_CLAIM"] == "client_id"
    assert api["OIDC_AUDIENCE"].reference == site["OIDC_CLIENT_ID"].reference == (client.urn, "id")
    assert site["OIDC_CLIENT_SECRET"] == Secret(Computed(f"${{{client.urn}#clientSecret}}"))
    assert (site["OIDC_SIGN_UP_URL"], site["OIDC_LOGOUT_URL"]) == (f"{PAGES}/signup", f"{PAGES}/logout")
    assert isinstance(site["SESSION_KEY"], Secret)
    assert api["ALLOWED_ORIGINS"] == "https://app-dev.automatonicai.com"


def test_with_auth0_no_pool_is_declared(changed: tuple[Plan, Plan]) -> None:
    plan, _ = changed
    assert not [found for found in plan.resources if found.type.startswith("aws:cognito/")]
    api, site = bound(plan, "api"), bound(plan, "web")
    assert (api["OIDC_ISSUER"], api["OIDC_AUDIENCE_CLAIM"]) == ("https://shop.ca.auth0.com/", "aud")
    assert site["OIDC_REQUESTED_AUDIENCE"] == api["OIDC_AUDIENCE"] == "https://api.shop.example"
    assert isinstance(site["OIDC_CLIENT_SECRET"], Secret)
    assert "OIDC_LOGOUT_URL" not in site


def test_the_last_generation_encrypts_cookies(changed: tuple[Plan, Plan]) -> None:
    _, plan = changed
    old, new = (named(plan, f"sign-in-session-{name}").urn for name in ("old", "new"))
    assert bound(plan, "web")["SESSION_KEY"] == Secret(Computed(f"${{{new}#result}},${{{old}#result}}"))


def test_sentry_is_told_where_it_is_set(dev_plan: Plan, changed: tuple[Plan, Plan]) -> None:
    assert "SENTRY_DSN" not in bound(dev_plan, "api")
    assert isinstance(bound(changed[1], "api")["SENTRY_DSN"], Secret)


def test_each_stack_counts_its_own_requests(dev_plan: Plan, prod_plan: Plan) -> None:
    limits = [
        next(one for one in named(plan, "api-version").inputs["bindings"] if one["type"] == "ratelimit")
        for plan in (dev_plan, prod_plan)
    ]
    assert [limit["simple"] for limit in limits] == [{"limit": 60000, "period": 60}, {"limit": 600, "period": 60}]
    assert len({limit["namespaceId"] for limit in limits}) == 2


def test_what_is_written_in_typescript_too_is_the_same() -> None:
    session = (ROOT / "apps/web/src/session.ts").read_text()
    assert f'SealedCookie<Tokens>("session", {REFRESH_DAYS} * 24 * 3600)' in session
    assert f'includes("{ADMIN}")' in (ROOT / "apps/worker/src/access.ts").read_text()
    issuer = (ROOT / "local/identity/issuer/serve.mjs").read_text()
    assert f'addOIDCScope("{" ".join(SCOPES)}")' in issuer
