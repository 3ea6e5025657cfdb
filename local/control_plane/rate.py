"""How many requests a caller may send (Cloudflare, API rate limits: 1,200 in five minutes, then none for five)."""

from dataclasses import dataclass, field

LIMIT = 1200
WINDOW_SECONDS = 300


@dataclass
class Rate:
    """Counted in windows, for all callers together: one account's token, key and dashboard share the count."""

    limit: int = LIMIT
    _began: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)
    _blocked_until: float = field(default=float("-inf"), init=False)

    def take(self, now: float) -> int | None:
        """Counts a request; seconds until the next may be sent, when this one is one too many."""
        if now < self._blocked_until:
            return max(1, round(self._blocked_until - now))
        if now - self._began >= WINDOW_SECONDS:
            self._began, self._count = now, 0
        self._count += 1
        if self._count > self.limit:
            self._blocked_until = now + WINDOW_SECONDS
            return WINDOW_SECONDS
        return None

    def headers(self, now: float) -> dict[str, str]:
        left = max(0, self.limit - self._count)
        seconds = max(0, round(self._began + WINDOW_SECONDS - now))
        return {
            "ratelimit": f'"default";r={left};t={seconds}',
            "ratelimit-policy": f'"default";q={self.limit};w={WINDOW_SECONDS}',
        }
