"""How long sessions last, and what of a person is asked of the issuer; alone, as a provider takes long to load.

Of both issuers, and of the local one. The site's cookie lasts as long as a refresh token (apps/web/src/session.ts).
"""

TOKEN_MINUTES = 15
REFRESH_DAYS = 7
SCOPES = ("openid", "email", "profile")
