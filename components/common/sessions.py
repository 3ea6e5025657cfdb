"""How long sessions last, by themselves: what only needs the figures loads no provider.

Of both issuers, and the local one. The site's cookie lasts as long as a refresh token (apps/web/src/session.ts).
"""

TOKEN_MINUTES = 15
REFRESH_DAYS = 7
