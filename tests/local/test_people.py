"""People on the running stack, with a real browser: what they may do, and that nobody sees another one's."""

import secrets
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.host.database import conninfo
from local.host.spec import running
from tests.browser import Browser, browser
from tests.local.stack_under_test import StackUnderTest

pytestmark = [
    pytest.mark.local,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="no browser: install the package chromium"),
]
LEDGER, ACCOUNTS, MEDIA = "/api/v1/ledger-entries", "/api/v1/accounts", "/api/v1/media"
WIDTH, HEIGHT = 40, 30
TABLES = ("accounts", "ledger_entries", "ledger_totals", "media")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def page(stack: StackUnderTest, chromium: Browser) -> Browser:
    """The site, in the browser of somebody who was never there."""
    chromium.fresh()
    chromium.open(site(stack))
    return chromium


def site(stack: StackUnderTest) -> str:
    return f"http://localhost:{stack.first_port}/"


def picture() -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = zlib.compress((b"\0" + b"\x2f\x6f\xed" * WIDTH) * HEIGHT)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def register(page: Browser, name: str, email: str, password: str) -> None:
    page.click("#register")
    page.fill(name=name, email=email, password=password)
    page.click("button")
    page.shows("#who", name)


def asked(page: Browser, path: str, **init: str) -> Any:
    """Status and document of what a script in the page asks for."""
    return page.run(f"fetch('{path}', {init}).then(async answer => [answer.status, await answer.json()])")


def status(page: Browser, path: str, **init: str) -> Any:
    return page.run(f"fetch('{path}', {init}).then(answer => answer.status, error => error.message)")


def owners(stack: StackUnderTest, subject: str | None) -> dict[str, set[str]]:
    """Whose rows SQL shows to the API's role, by table."""
    here = stack.here
    with psycopg.connect(conninfo(here, running(here), "app", here.ports.postgres)) as connection:
        if subject is not None:
            connection.execute("SELECT set_config('app.subject', %s, true)", (subject,))
        return {
            table: {owner for (owner,) in connection.execute(f"SELECT owner FROM regulated.{table}")}
            for table in TABLES
        }


def test_people_register_sign_in_and_have_a_ledger_and_pictures_of_their_own(
    stack: StackUnderTest, page: Browser, tmp_path: Path
) -> None:
    mark = secrets.token_hex(4)
    email, password = f"ada-{mark}@example.com", "analytical engine"
    cards = tmp_path / "cards.png"
    cards.write_bytes(picture())

    register(page, "Ada Lovelace", email, password)
    page.click("#sign-out")
    page.click("#signed-out a")
    page.fill(email=email, password=password)
    page.click("button")
    page.shows("#who", "Ada Lovelace")

    page.fill(description=f"punch cards {mark}", amount="-12.50")
    page.click("#add")
    page.shows("#entries", f"punch cards {mark}")
    page.shows("#totals", "1 entry · CAD\u00a0\u221212.50")
    page.choose("#picture", cards)
    page.click("#upload")
    page.shows("#picture-result", "Uploaded")
    page.open(site(stack))
    page.shows("#pictures-list a")
    seen = "(async image => (await image.decode(), [image.naturalWidth, image.naturalHeight]))"
    assert page.run(f"{seen}(document.querySelector('#pictures-list img'))") == [WIDTH, HEIGHT]

    # Scripts see neither the session nor a token.
    assert page.run("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
    (kept,) = [found for found in page.cookies() if found["name"].startswith("__Host-")]
    assert (kept["httpOnly"], kept["secure"], kept["sameSite"]) == (True, True, "Lax")
    entry, key = asked(page, LEDGER)[1]["entries"][0], asked(page, MEDIA)[1]["media"][0]["key"]
    own = (f"{LEDGER}/{entry['id']}", f"{ACCOUNTS}/{entry['accountId']}")
    lists = (f"{LEDGER}?limit=8", ACCOUNTS, f"{MEDIA}?limit=12")
    assert [status(page, path) for path in (*own, *lists)] == [200] * 5

    page.click("#sign-out")
    page.shows("#signed-out", "Sign in")
    page.shows("#ledger-closed")
    assert page.run("document.body.textContent.includes('punch cards')") is False
    assert page.run("document.querySelector('#pictures').checkVisibility() || document.images.length > 0") is False
    assert [status(page, path) for path in (*own, *lists)] == [401] * 5
    assert status(page, f"{MEDIA}/{key}", method="DELETE") == 401
    # The browser's own cache has none of it.
    stored = [status(page, path, cache="only-if-cached", mode="same-origin") for path in (*own, *lists)]
    assert set(stored) <= {504, "Failed to fetch"}

    # The same browser, another person.
    register(page, "Grace Hopper", f"grace-{mark}@example.com", "a nanosecond of wire")
    page.shows("#totals", "No entries yet")
    page.shows("#no-pictures", "None yet.")
    assert "punch cards" not in page.shows("body", "Everything answers")
    for cache in ("default", "force-cache"):
        assert [status(page, path, cache=cache) for path in own] == [404, 404]
        found = [asked(page, path, cache=cache)[1] for path in lists]
        assert [found[0]["entries"], found[1]["accounts"], found[2]["media"]] == [[], [], []]
    assert status(page, f"{MEDIA}/{key}", method="DELETE") == 404
    assert asked(page, f"{LEDGER}?accountId={entry['accountId']}")[1]["count"] == 0

    rows = f"SELECT owner FROM regulated.ledger_entries WHERE description = 'punch cards {mark}'"
    ada = stack.psql(rows)
    assert owners(stack, ada) == {table: {ada} for table in TABLES}
    for subject in (None, "", f"{ada} ", "grace"):
        assert owners(stack, subject) == {table: set() for table in TABLES}


def test_what_is_sent_again_after_a_lost_answer_is_there_once(page: Browser, tmp_path: Path) -> None:
    register(page, "Ada Lovelace", f"ada-{secrets.token_hex(4)}@example.com", "analytical engine")
    page.shows("#no-pictures")
    (tmp_path / "cards.png").write_bytes(picture())
    page.choose("#picture", tmp_path / "cards.png")
    page.fill(description="punch cards", amount="12.50")
    page.run(
        "{ const real = fetch; let lost = ['/api/v1/ledger-entries', '/api/v1/media'];"
        " fetch = async (path, init) => { const answer = await real(path, init);"
        " if (init.method !== 'POST' || !lost.includes(path)) return answer;"
        " lost = lost.filter(other => other !== path); throw new TypeError('lost'); } }"
    )
    for button, result, done in (("#add", "#form-result", "saved in"), ("#upload", "#picture-result", "Uploaded")):
        page.click(button)
        page.shows(result, "Not ")
        page.click(button)
        page.shows(result, done)
    assert asked(page, LEDGER)[1]["count"] == 1
    assert len(asked(page, MEDIA)[1]["media"]) == 1


def test_who_is_not_signed_in_sees_whether_the_database_answers(stack: StackUnderTest, page: Browser) -> None:
    page.shows("#status", "Everything answers")
    assert float(page.shows("#database")) > 0
    assert page.shows("#rates", "CAD")


def test_what_is_no_picture_is_refused_with_its_reason(page: Browser, tmp_path: Path) -> None:
    register(page, "Ada Lovelace", f"ada-{secrets.token_hex(4)}@example.com", "analytical engine")
    for name, content, told in (
        ("notes.txt", b"a text", "must be a PNG, JPEG, GIF, WebP or AVIF file"),
        ("huge.png", bytes(10 * 1024 * 1024 + 1), "must not exceed 10 MB"),
        ("page.png", b"<script>alert(1)</script>", "the file must be what its type says"),
    ):
        (tmp_path / name).write_bytes(content)
        page.choose("#picture", tmp_path / name)
        page.click("#upload")
        page.shows("#picture-result", told)
        page.shows("#no-pictures")
