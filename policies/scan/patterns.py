"""What secrets look like, and what people call them."""

import functools
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Protocol, cast

from policies.scan import connections

# Each by the issuer's published format; those that the library lacks, or knows in an older form.
# What is searched at once, and how much of it again with the next: longer than any secret's part that tells it.
WINDOW, OVERLAP = 8_000, 2_000

# Without an end a repetition takes time by the square of a long text: every one that a text may repeat has one.
PATTERNS: dict[str, re.Pattern[str]] = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", re.IGNORECASE),
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"),
    "an age key": re.compile(r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}\b"),
    "a GitLab token": re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{20,}"),
    # 40 characters and a checksum (Cloudflare, token formats).
    "a Cloudflare token": re.compile(r"\bcf(?:k|ut|at)_[A-Za-z0-9_-]{40,}"),
    "a Cloudflare origin key": re.compile(r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100,}\b"),
    # The beginning of {"a":"…, as every connector's token is.
    "a tunnel token": re.compile(r"\beyJhIjoi[A-Za-z0-9+/=_-]{40,}"),
    "a Vercel token": re.compile(r"\bvc[piakr]_[A-Za-z0-9_-]{24,}"),
    "a Pulumi token": re.compile(r"\bpul-[0-9a-f]{40}\b"),
    "a Sentry token": re.compile(r"\bsntry[sua]_[A-Za-z0-9_=+/-]{32,}"),
    "a Sentry address with its secret half": re.compile(r"https://[0-9a-f]{32}:[0-9a-f]{32}@"),
    "a PyPI token": re.compile(r"\bpypi-AgE[A-Za-z0-9_-]{40,}"),
    "a Docker Hub token": re.compile(r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    "a Google API key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}"),
    "a key of a language model": re.compile(r"\bsk-(?:ant-|proj-|svcacct-)[A-Za-z0-9_-]{20,}"),
    "a Stripe key": re.compile(r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}"),
    "a Telegram token": re.compile(r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    "a Vault token": re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    "a Grafana token": re.compile(r"\bgl(?:sa|c)_[A-Za-z0-9_]{32,}"),
    "a Supabase key": re.compile(r"\bsb(?:p|_secret)_[A-Za-z0-9_-]{20,}"),
    "a storage account key": re.compile(r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    "a signed address": re.compile(r"[?&](?:X-Amz-Signature=[0-9a-f]{64}|sig=[A-Za-z0-9%+/]{40,})"),
    "a private JSON web key": re.compile(r'"d"\s*:\s*"[A-Za-z0-9_-]{40,}"'),
    "a password's hash": re.compile(
        r"SCRAM-SHA-256\$\d+:|\bmd5[0-9a-f]{32}\b|\$(?:2[aby]\$\d\d|argon2(?:id?|d)\$v=\d+|[56y])\$[./A-Za-z0-9$=,]{20,}"
    ),
}
# In small letters, what a text must hold to be searched at all; a search for a word is 20 times as fast.
HINTS = {
    "an AWS access key": ("akia", "asia", "abia", "acca"),
    "a private key": ("-----begin",),
    "an age key": ("age-secret-key",),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a GitLab token": ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-"),
    "a Cloudflare token": ("cfk_", "cfut_", "cfat_"),
    "a Cloudflare origin key": ("v1.0-",),
    "a tunnel token": ("eyjhijoi",),
    "a Vercel token": ("vcp_", "vci_", "vca_", "vck_", "vcr_"),
    "a Pulumi token": ("pul-",),
    "a Sentry token": ("sntrys_", "sntryu_", "sntrya_"),
    "a Sentry address with its secret half": ("https://",),
    "a PyPI token": ("pypi-age",),
    "a Docker Hub token": ("dckr_",),
    "a Google API key": ("aiza",),
    "a key of a language model": ("sk-",),
    "a Stripe key": ("sk_", "rk_", "whsec_"),
    "a Telegram token": (":aa",),
    "a Vault token": ("hvs.", "hvb.", "hvr."),
    "a Grafana token": ("glsa_", "glc_"),
    "a Supabase key": ("sbp_", "sb_secret_"),
    "a storage account key": ("accountkey=", "sharedaccesskey="),
    "a signed address": ("x-amz-signature=", "sig="),
    "a private JSON web key": ('"d"',),
    "a password's hash": ("scram-sha-256", "md5", "$2a$", "$2b$", "$2y$", "$argon2", "$5$", "$6$", "$y$"),
}
SECRET_NAME = re.compile(
    r"(pass[-_ ]?(word|wd|phrase|code)|pwd|(?<![a-z])pass(?![a-z])|secret|token|credential|"
    r"(private|api|access|auth|signing|encryption|master|shared|service|account|session)[-_ ]?key|"
    r"connection[-_ ]?string|database[-_ ]?url|(?<![a-z])dsn(?![a-z]))",
    re.IGNORECASE,
)
# Those that the library judges well, and what a text must hold to be shown to one: the rest take a hash for a key, or
# are slow and for services that are far from this stack (Cloudant took 0.8 s for a bundle's files).
PLUGINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "artifactory.ArtifactoryDetector": ("an Artifactory credential", ("akc", "artif", "jfrog", "buildkit")),
    "aws.AWSKeyDetector": ("an AWS secret key", ("aws",)),
    "discord.DiscordBotTokenDetector": ("a Discord token", (".",)),
    "github_token.GitHubTokenDetector": ("a GitHub token", ("gh",)),
    "jwt.JwtTokenDetector": ("a JSON web token", ("eyj",)),
    "mailchimp.MailchimpDetector": ("a Mailchimp key", ("-us",)),
    "npm.NpmDetector": ("an npm token", ("npm", "_authtoken")),
    "private_key.PrivateKeyDetector": ("a private key", ("begin", "putty-user-key")),
    "sendgrid.SendGridDetector": ("a SendGrid key", ("sg.",)),
    "slack.SlackDetector": ("a Slack token", ("xox", "hooks.slack.com")),
    "square_oauth.SquareOAuthDetector": ("a Square token", ("sq0csp",)),
    "stripe.StripeDetector": ("a Stripe key", ("k_live_",)),
    "twilio.TwilioKeyDetector": ("a Twilio key", ("ac", "sk")),
}
# Without it a plugin finds nothing: a wider form of its own pattern, for those whose hints stand in many a text.
NEEDED = {
    "aws.AWSKeyDetector": re.compile(
        r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}|(?i:aws).{2,50}\b[0-9a-zA-Z/+]{40}\b", re.DOTALL
    ),
    "discord.DiscordBotTokenDetector": re.compile(r"\.[\w-]{6}\.[\w-]{27}"),
    "github_token.GitHubTokenDetector": re.compile(r"gh[pousr]_[A-Za-z0-9_]{36}"),
    "jwt.JwtTokenDetector": re.compile(r"eyJ[\w=-]+\."),
    "mailchimp.MailchimpDetector": re.compile(r"-us[0-9]"),
    "private_key.PrivateKeyDetector": re.compile(r"BEGIN[A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File"),
    "twilio.TwilioKeyDetector": re.compile(r"(?:AC|SK)[a-z0-9]{32}"),
}
# No pattern matches a shorter text.
SHORTEST = 8


class _Plugin(Protocol):
    def analyze_string(self, string: str) -> Iterable[str]: ...


def found(text: str) -> Iterator[str]:
    """Phrases for the kinds of secret in the text, each once."""
    return iter(_found(text))


# A stack repeats most of its texts: tags, names, regions.
@functools.lru_cache(maxsize=100_000)
def _found(text: str) -> tuple[str, ...]:
    if len(text) < SHORTEST:
        return ()
    if len(text) > WINDOW:
        starts = range(0, len(text) - OVERLAP, WINDOW - OVERLAP)
        return tuple(dict.fromkeys(what for start in starts for what in _found_in(text[start : start + WINDOW])))
    return _found_in(text)


def _found_in(text: str) -> tuple[str, ...]:
    small = text.lower()
    own = [
        what for what, hints in HINTS.items() if any(hint in small for hint in hints) and PATTERNS[what].search(text)
    ]
    # Only what finds text: the part of the library that asks the issuer is never called.
    others = [
        what
        for name, (what, hints) in PLUGINS.items()
        if any(hint in small for hint in hints)
        and (name not in NEEDED or NEEDED[name].search(text))
        and any(True for _ in _plugin(name).analyze_string(text))
    ]
    return tuple(dict.fromkeys([*own, *connections.held(text), *others]))


@functools.cache
def _plugin(name: str) -> _Plugin:
    """Late, because the library takes 0.4 s to import."""
    module, _, detector = name.partition(".")
    return cast(_Plugin, getattr(import_module(f"detect_secrets.plugins.{module}"), detector)())
