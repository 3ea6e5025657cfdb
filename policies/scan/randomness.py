"""Random text, such as keys and passwords, by its entropy; told from words, names and public identifiers.

detect-secrets, which knows the issuers' formats, measures only how evenly characters are spread. By that alone many
long names are as random as keys, so pairs of letters decide here.
"""

import functools
import itertools
import math
import re
from collections.abc import Iterator

from policies.scan import patterns

TOKEN = re.compile(r"[^\s\x00-\x1f\"'`\\]{16,}")
# 16 characters of base 62 are 95 bits. Longer ones are judged by their beginning.
SHORTEST, LONGEST = 16, 512
RANDOM = "random text, as keys and passwords are"
HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
# The 200 most common pairs of letters in the words of this program and of its providers: the first, then all seconds.
# They make up 87 % of the pairs in words and 30 % of those in random letters.
PAIRS = frozenset(
    group[0] + second
    for group in (
        *("aabcdefgilmnprstuw", "babcdefilo", "cabcdefhiklortu", "dabcdefios", "eabcdefglmnprstvx", "fabcdefio"),
        *("gaeir", "haeio", "iabcdefglmnoprstvz", "kes", "ladeilostuy", "maeiops", "nacdefgiost", "ocdlmnoprstuvw"),
        *("paeiloprst", "qu", "racdeimorstuy", "sacehiopstu", "tacehilorstuy", "uabcelmnprst", "vaei", "was", "ze"),
    )
    for second in group[1:]
)

# Entropy of a character; the least of a million random hexadecimal texts was 2.9.
LEAST_BITS = 2.9

# High entropy and public. Each is taken out before the rest is judged.
PUBLIC = re.compile(
    "|".join(
        (
            r"-----BEGIN (?P<kind>CERTIFICATE|CERTIFICATE REQUEST|(?:RSA )?PUBLIC KEY|X509 CRL)-----"
            r"[A-Za-z0-9+/=\s\\]{0,20000}?"
            r"-----END (?P=kind)-----",
            r"\b(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d+|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/=]+",
            r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
            r"\b[Ss][Hh][Aa]-?(?:1|224|256|384|512)[-:= ][A-Za-z0-9+/=]+",
            # A release of somebody's code, and IDs of AWS.
            r"(?<=@)[0-9a-f]{40}\b",
            r"\b[a-z]{1,12}-(?:[0-9a-f]{8}|[0-9a-f]{17})\b",
            # How Pulumi marks its own values (pulumi.runtime.rpc).
            r"\b(?:4dabf18193072939515e22adb298388d|1b47061264138c4ac30d75fd1eb44270)\b",
            r"\b(?:arn:aws[a-z-]*|urn:pulumi):\S+",
            # What IAM calls roles, users and groups by; of a key there is a format.
            r"\bA(?:GPA|IDA|IPA|NPA|NVA|PKA|ROA|SCA)[A-Z0-9]{16,17}\b",
            # Account and zone IDs in Cloudflare's host names and token policies.
            r"\b[0-9a-f]{32}\.(?:[a-z]+\.)?r2\.cloudflarestorage\.com\b",
            r"\bcom\.cloudflare\.[a-z0-9.-]{1,64}\.[0-9a-f]{32}(?:[._][\w.-]{1,128})?",
            # Pages that people read, by the hosts that give them such addresses.
            r"\bhttps://(?:[\w-]+\.)*(?:notion\.(?:so|site)|(?:docs|drive|sites)\.google\.com|figma\.com|miro\.com|"
            r"atlassian\.net|linear\.app|loom\.com|dash\.cloudflare\.com|github\.com|gitlab\.com|youtube\.com)/"
            r"[\w%~./#=-]{1,512}",
            # A commit in an address, and where a text stands: an image, a font.
            r"(?<=/commit/)[0-9a-f]{40}\b|(?<=[?&]ref=)[0-9a-f]{40}\b",
            r"\bdata:(?:image|font|audio|video)/[\w.+-]{1,32};base64,[A-Za-z0-9+/=]+",
            # Public keys without their frame: of RSA, of P-256 and of Ed25519 (RFC 5280, 5480, 8410); of age; a pin.
            r"\bMI[GI][A-Za-z0-9+/]{2,4}ANBgkqhkiG" r"9w0BAQEFAAO[A-Za-z0-9+/=]+",
            r"\bMFkwEwYHKo" r"ZIzj0CAQ[A-Za-z0-9+/=]+",
            r"\bMCowBQYD" r"K2VwAyEA[A-Za-z0-9+/=]+|\bage1[0-9a-z]{58}\b|\bpin-sha256=[\"']?[A-Za-z0-9+/=]+",
            # Keys for browsers, which their issuers call publishable.
            r"\b(?:pk_(?:live|test)|phc|sb_publishable)_[A-Za-z0-9_]{16,}",
            # The public half of a Sentry address.
            r"https://[0-9a-f]{32}@o\d+\.ingest\.(?:[a-z]+\.)?sentry\.io",
            # What a regular expression allows.
            r"\[\^?[^][\s]{0,8}\w-\w[^][\s]{0,16}\](?:[+*?]|\{[\d,]+\})?",
            r"%[A-Za-z]",
            r"\b\d{4}-?\d\d-?\d\d[T ]?\d\d:?\d\d(?::?\d\d(?:\.\d+)?)?Z?\b",
            # What SOPS has encrypted; a Go module's hash, a dependency's commit; where a format puts its arguments.
            r"\bENC\[AES256_GCM,[^][]{1,4096}\]",
            r"\bh1:[A-Za-z0-9+/]{43}=",
            r"\brev[\"']?\s?[:=]\s?[\"']?[0-9a-f]{40}\b",
            r"\{\d{1,2}\}",
            # Names of XML's vocabularies.
            r"\bhttps?://www\.w3\.org/[\w/.#-]{1,64}",
            # What DNS says to everybody: the public key of mail, and proofs that a domain is somebody's.
            r"\bv=DKIM1;[\w;=: ]{0,200}?\bp=[A-Za-z0-9+/=]{1,2000}",
            r"\b(?:apple-domain|facebook-domain|google-site|stripe|zoom)-verification=[\w-]{1,68}",
        )
    ),
    re.DOTALL,
)
# Names of values that are random or hashes and no secrets.
PUBLIC_NAME = re.compile(
    r"(?i:(?:^|[^a-z])(?:ids?|uuid|guid|hash|sha-?\d*|md5|crc|digest|etag|checksums?|fingerprints?|thumbprints?|"
    r"integrity|commit|revision|serial|nonce|arns?|urns?|csr|kid|x5[ct]|canonical_?user|(?:site|anon|publishable)_?key)(?:$|[^a-z])|public_?key|canonicaluser|sitekey|publishablekey|certificate|ciphertext)"
    r"|(?:^|(?<=[a-z0-9]))(?:(?<![a-z])id|Id|ID|[Uu]uid|[Hh]ash|[Ss]ha\d*|[Mm]d5|[Dd]igest|[Ee]tag|[Cc]hecksum|[Ff]ingerprint|"
    r"[Tt]humbprint)(?:Lists?|e?s)?(?![a-z])"
)

# A commit of Git, and what a program calls the one that it was built from; `workers_tag` is Cloudflare's.
COMMIT = re.compile(r"[0-9a-f]{40}")
COMMIT_NAME = re.compile(
    r"(?:^|[^A-Za-z]|(?<=[a-z0-9])(?=[A-Z]))(?i:(?:git[-_]?)?(?:build|commit|version|revision|release)"
    r"(?:[-_]?(?:id|sha|hash))?)$|^workers(?:_t|T)ag$"
)


def is_commit(text: str, name: str) -> bool:
    """Whether the text is a commit's hash and is called like one; a token has the same form under its own name."""
    return (
        COMMIT.fullmatch(text) is not None
        and COMMIT_NAME.search(name) is not None
        and patterns.SECRET_NAME.search(name) is None
    )


def held(text: str, name: str = "") -> Iterator[str]:
    """Phrases for the random texts in a value that is called `name`."""
    if is_commit(text, name):
        return
    # A public name keeps a hash or an identifier, which is hex; nobody's key pair or password.
    is_public = PUBLIC_NAME.search(name) is not None
    for token in TOKEN.findall(PUBLIC.sub(" ", text)):
        if is_random(token) and not (is_public and _is_identifier(token)):
            yield RANDOM
            return


def held_in_code(line: str) -> Iterator[str]:
    """Like `held`, for a line of code: only letters and digits in a row are judged."""
    plain = PUBLIC.sub(" ", line)
    is_public = PUBLIC_NAME.search(plain) is not None
    for word in re.findall(rf"[A-Za-z0-9]{{{SHORTEST},}}", plain):
        if _is_random_word(word[:LONGEST]) and not (is_public and HEX.fullmatch(word)):
            yield RANDOM
            return


def _is_identifier(token: str) -> bool:
    return len(token) <= 64 or HEX.fullmatch(token) is not None


@functools.lru_cache(maxsize=100_000)
def is_random(token: str) -> bool:
    """Whether a text without spaces, or a part of it between separators, looks generated."""
    start = token[:LONGEST]
    if _is_random_mix(start):
        return True
    return any(_is_random_mix(part) for part in re.split(r"[][(){}<>,;|?&:=/]+", start)) or any(
        _is_random_word(part) for part in re.split(r"[^A-Za-z0-9]+", start)
    )


def _is_random_word(word: str) -> bool:
    if len(word) < SHORTEST:
        return False
    if _bits(word) < LEAST_BITS:
        return False
    if HEX.fullmatch(word):
        return True
    kinds = {kind(character) for character in word}
    if kinds == {"0"} or (len(kinds) == 1 and len(word) < 24):
        return False
    # Bounds: see tests/policies/scan/test_randomness.py, which keeps the share that is missed.
    return likeness(word) < (0.42 if len(word) >= 20 else 0.33)


def _is_random_mix(text: str) -> bool:
    """Whether it is random and has symbols in it; those that join words don't count."""
    letters = "".join(character for character in text if character not in "-_./:,=@~+")
    digits = sum(map(str.isdigit, letters))
    if len(letters) < SHORTEST or digits * 2 >= len(letters) or _bits(letters) < LEAST_BITS:
        return False
    return likeness(letters) < 0.2


def likeness(text: str) -> float:
    """How much like words: the share of common pairs, less that of changes between kinds of characters."""
    pairs = list(itertools.pairwise(text))
    common = sum((left + right).lower() in PAIRS for left, right in pairs)
    kinds = [(kind(left), kind(right)) for left, right in pairs]
    # A capital before a small letter begins a word.
    changes = sum(left != right and (left, right) != ("A", "a") for left, right in kinds)
    return (common - 0.6 * changes) / len(pairs)


def kind(character: str) -> str:
    if character.isdigit():
        return "0"
    return ("A" if character.isupper() else "a") if character.isalpha() else "#"


def _bits(text: str) -> float:
    """Shannon's entropy of a character."""
    shares = [text.count(character) / len(text) for character in set(text)]
    return -sum(share * math.log2(share) for share in shares)
