"""What people call secrets, and which values under such a name can't be one."""

import functools
import re

from policies.scan import wrapping

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SIGNS = re.compile(r"[^a-z0-9]+")
# In words joined by a sign; what goes on after one of these is another word, as a tokenizer and a secretary are.
_SECRET = re.compile(
    r"(?:pass_?(?:word|wd|phrase|code)|pwd|secret|token|credential)(?P<many>s?)\d*(?=_|$)"
    r"|(?:^|_)(?:pass(?!_(?:word|wd|phrase|code))|dsn)(?=_|$)"
    r"|(?:private|api|access|auth|signing|encryption|master|shared|service|account|session)_?key(?=_|$)"
    r"|(?:connection_?string|database_?url)(?=_|$)"
)
# What follows a secret's name where the value is about it: where it is kept, how long it lives, which it is.
_ABOUT = frozenset(
    re.findall(
        r"\w+",
        "algorithm alg alias arn attempts audience backend bucket budget change charset claim column cookie cost count "
        "date days digits duration encoding encryption endpoint engine env expires expiration expiry field file flow "
        "folder format grace group hasher hashing header hint host hours id ids interval issuer kind label length "
        "lifetime limit limits link location lookup manager max min minutes mode model mount name names namespace page "
        "parameter path pattern policy port prefix price prompt provider rate ref reference region required "
        "requirements reset role rotation rounds rules scheme scope scopes seconds service size source status store "
        "strategy suffix target template timeout title topic ttl type uri url usage user username uses version window",
    )
)
# What says before it that the value is a switch, a limit or open to everybody.
_FIRST = frozenset(
    re.findall(
        r"\w+",
        "allow anon can disable enable enabled forgot has hide is max maximum min minimum no num number per public "
        "publishable require requires reset show skip support supports total use uses without",
    )
)
# Of a list, a form or a request, and worth nothing to others.
_PASSING = frozenset(
    re.findall(
        r"\w+",
        "cancel continuation csrf next page pagination start stop sync xsrf",
    )
)
# Which of several secrets it is.
_WHICH = frozenset(
    re.findall(
        r"\w+",
        "current dev main new old prev previous prod production stage staging test text value",
    )
)
_PASSWORD = re.compile(r"pass_?(?:word|wd|phrase|code)\d*$|pwd$|(?:^|_)pass$")

_SWITCH = re.compile(
    r"true|false|yes|no|on|off|none|null|nil|undefined|default|auto|enabled?|disabled?|required|optional|always|never|"
    r"include|omit|same-origin|bearer|basic|any|all",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[+-]?\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?\s?(?:%|[kmgt]?i?b|ms|s|m|h|d|w|y|min|sec|hours?|days?)?", re.I
)
_PIECES = (
    # Dates and times, schedules, versions.
    r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?",
    r"(?:[\d*/,-]+ ){4}[\w*/,-]+",
    r"v?\d+(?:\.\d+){1,3}",
    # Where a secret is kept.
    r"arn:aws[a-z-]*:\S+",
    r"(?:op|vault|ssm|secretsmanager|keyring|sm|gsm|awskms|gcpkms|azurekeyvault)://\S+",
    r"\.{0,2}(?:/[a-z0-9_.-]+){2,}(?:\.[a-z0-9]+)?|[\w.-]+\.(?:pem|key|crt|json|txt|ya?ml|env)",
    # Public by design: Stripe's, PostHog's, Turnstile's and Supabase's halves for browsers, Sentry's addresses.
    r"pk_(?:live|test)_\w+|phc_\w+|[0-9]x[0-9]?[A-Za-z0-9_-]{18,24}|sb_publishable_\w+",
    r"[a-z][a-z0-9+.-]*://[^\s:@]+(?:@[^\s@:]+)?(?::\d+)?(?:[/?#][^\s]*)?",
    # An address of mail.
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
)
_HARMLESS = re.compile("|".join(_PIECES))
_LONGEST = 512

_WORD = r"[A-Za-z]+(?:[ _.:-][A-Za-z]+)*\d{0,2}"
# By their whole form: what only begins like one may be a generated password.
_PLACEHOLDER = (
    r"\$?\{\{[^{}]{0,200}\}\}",
    r"\$\{[^{}]{0,200}(?:\{[^{}]{0,200}\}[^{}]{0,200}){0,4}\}",
    rf"<{_WORD}>",
    r"\$[A-Z]+\d{0,2}(?:_[A-Z0-9]+)*|\$[a-z]+(?:(?:_[a-z]+)+|(?:[A-Z][a-z]+)+)?|\$[0-9@?!#*]",
    r"\$\([^()]{1,200}(?:\([^()]{0,200}\)[^()]{0,200}){0,4}\)|`[^`]{1,200}`",
    r"\{\}|\{[A-Za-z_.]+\d{0,2}(?:\([^(){}]{0,200}\)|\[[^][{}]{0,200}\]){0,3}(?:![rsa])?(?::[^{}]{0,20})?\}",
    r"%[sdr]|%\([A-Za-z_]+\)s|%[A-Z]+(?:_[A-Z]+)*%|%\{[A-Za-z_.]+\}",
    r"\*+|[xX]{3,}|\.{3}|…|•+",
    rf"\[{_WORD}\]",
    # A regular expression's.
    r"(?:\[\^?[^][\s]{1,32}\](?:[*+?]|\{\d+(?:,\d*)?\}))+",
    r"ENC\[[^]]*\]",
)
PLACEHOLDER = re.compile("|".join(f"(?:{one})" for one in _PLACEHOLDER))
_FILLED = re.compile(rf"(?:(?:{PLACEHOLDER.pattern})[-_.:/]?){{1,4}}")
_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w*:?[-=]([^{}]+)\}")


@functools.lru_cache(maxsize=100_000)
def is_secret_name(name: str) -> bool:
    """Whether it is a name for a secret; not for the name, the path or the limit of one."""
    return _strength(name) == _STRONG


def is_placeholder(value: str) -> bool:
    """Whether a program fills it in."""
    given = value.strip()[:_LONGEST]
    if _FILLED.fullmatch(given) is None:
        return False
    return all(is_placeholder(default) for default in _DEFAULT.findall(given))


@functools.lru_cache(maxsize=100_000)
def is_secret(name: str, value: str) -> bool:
    """Whether a value may be the secret that its name speaks of."""
    strength, given = _strength(name), value.strip()
    if not strength or not given or _is_harmless(given):
        return False
    if _NUMBER.fullmatch(given):
        # Some people's password is a number.
        return (
            strength == _STRONG and _PASSWORD.search(_words(name)) is not None and given.isdecimal() and len(given) > 5
        )
    return strength == _STRONG or is_chosen(given)


def is_chosen(value: str) -> bool:
    """Whether it has letters and digits in one word, as passwords and no names have."""
    return len(value) > 5 and re.fullmatch(r"(?=.*[A-Za-z])(?=.*\d)[^\s_./:-]+", value) is not None


def _is_harmless(value: str) -> bool:
    short = value[:_LONGEST]
    return bool(_SWITCH.fullmatch(short) or _HARMLESS.fullmatch(short)) or is_placeholder(value)


_NONE, _WEAK, _STRONG = range(3)


@functools.lru_cache(maxsize=100_000)
def _strength(name: str) -> int:
    """How much a name says: nothing, something of which the value decides, or that it is a secret."""
    words = _words(name)
    found = list(_SECRET.finditer(words))
    if not found:
        return _NONE
    before, after = words[: found[-1].start()].split("_"), [*filter(None, words[found[-1].end() :].split("_"))]
    if _ABOUT.intersection(after) or _FIRST.intersection(before):
        return _NONE
    is_last = all(word in _WHICH or word.isdecimal() for word in after)
    # Tokens are counted, credentials listed; passwords are passwords.
    is_counted = found[-1]["many"] and not found[-1][0].startswith(("pass", "pwd"))
    is_passing = _PASSING.intersection(before) or is_counted
    return _STRONG if is_last and not is_passing else _WEAK


def _words(name: str) -> str:
    plain = wrapping.normalized(name[-128:])
    return _SIGNS.sub("_", _CAMEL.sub("_", plain).lower()).strip("_")
