"""The repository's files and its history."""

import random
import subprocess
from pathlib import Path

import pytest

from policies.errors import GateError
from policies.scan import repository
from tests.policies.scan.samples import secrets

SAMPLES = secrets(random.Random(11))
TOKEN = SAMPLES["a GitHub token"]


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one harmless file."""
    git(tmp_path, "init", "-q")
    (tmp_path / "main.py").write_text("name = 'hybrid'\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "First")
    return tmp_path


def found(folder: Path) -> list[tuple[str, int]]:
    """Places, each once, though a line may hold a secret by several signs."""
    return list(dict.fromkeys((one.path, one.line) for one in repository.files(folder)))


def test_a_clean_repository_has_no_secret(folder: Path) -> None:
    assert repository.files(folder) == []
    assert repository.history(folder) == []


def test_what_was_searched_is_counted(folder: Path) -> None:
    (folder / "new.txt").write_text("not committed yet\n")
    (folder / "link").symlink_to("new.txt")
    git(folder, "checkout", "-qb", "other")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Second")
    git(folder, "checkout", "-q", "-")
    assert repository.searched(folder) == (2, 2)


def test_a_line_with_a_secret_is_found(folder: Path) -> None:
    for number, secret in enumerate(SAMPLES.values()):
        (folder / f"{number}.txt").write_text(f"first\nvalue = '{secret}'\n")
    missed = {f"{number}.txt" for number in range(len(SAMPLES))} - {path for path, _ in found(folder)}
    assert missed == set()


def test_a_file_that_is_not_committed_yet_is_searched(folder: Path) -> None:
    (folder / "new.env").write_text(f"\n\nTOKEN={TOKEN}\n")
    assert found(folder) == [("new.env", 3)]


def test_an_ignored_file_is_nobodys(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.env\n")
    (folder / "new.env").write_text(TOKEN)
    assert found(folder) == []


def test_what_was_taken_out_is_still_in_the_history(folder: Path) -> None:
    (folder / "main.py").write_text(f"name = 'hybrid'\ntoken = '{TOKEN}'\n")
    git(folder, "commit", "-qam", "Second")
    (folder / "main.py").write_text("name = 'hybrid'\n")
    git(folder, "commit", "-qam", "Third")
    assert repository.files(folder) == []
    (one, *_) = repository.history(folder)
    assert (one.path, one.line, len(one.commit)) == ("main.py", 2, 40)
    assert one.place == ""


@pytest.mark.parametrize(
    "line",
    [f"++ '{TOKEN}'", f"harmless\f'{TOKEN}'", f"@@ -1 +1 @@\n++ '{TOKEN}'"],
    ids=["header", "form feed", "hunk"],
)
def test_an_added_line_that_looks_like_the_diff_s_own_is_searched(folder: Path, line: str) -> None:
    (folder / "main.py").write_text(f"name = 'hybrid'\n{line}\nother = '{TOKEN}'\n")
    git(folder, "commit", "-qam", "Second")
    (folder / "main.py").write_text("name = 'hybrid'\n")
    git(folder, "commit", "-qam", "Third")
    number = 2 + line.count("\n")
    found = {(one.path, one.line) for one in repository.history(folder)}
    assert found == {
        ("main.py", number),
        ("main.py", number + 1),
    }


def committed_and_taken_out(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Second")
    (folder / name).unlink()
    git(folder, "commit", "-qam", "Third")


@pytest.mark.parametrize("text", ["* -diff", "* binary", "main.py diff=mine"])
def test_no_attribute_keeps_lines_from_the_search(folder: Path, text: str) -> None:
    (folder / ".gitattributes").write_text(f"{text}\n")
    git(folder, "config", "diff.mine.binary", "true")
    git(folder, "config", "diff.noprefix", "true")
    committed_and_taken_out(folder, "main.py", f"first\ntoken = '{TOKEN}'\n".encode())
    found = {(one.path, one.line) for one in repository.history(folder)}
    assert found == {("main.py", 2)}


def test_a_file_that_is_no_text_hides_no_other_and_not_what_takes_its_place(folder: Path) -> None:
    (folder / "a.bin").write_bytes(f"\0\0 {TOKEN} \0\n".encode())
    committed_and_taken_out(folder, "b.txt", f"{TOKEN}\n".encode())
    assert {one.path for one in repository.history(folder)} == {"b.txt"}
    committed_and_taken_out(folder, "a.bin", f"{TOKEN}\n".encode())
    assert {one.path for one in repository.history(folder)} == {"a.bin", "b.txt"}


@pytest.mark.parametrize("name", ["of the old one.env", "dépôt.env", 'a"b.env', "OLD.ENV"])
def test_a_setting_of_the_history_is_found_under_any_name(folder: Path, name: str) -> None:
    committed_and_taken_out(folder, name, b"DB_PASSWORD=hunter2hunter2X9\n")
    assert len(repository.history(folder)) == 1


@pytest.mark.parametrize("sign", ["\x01", "\x1e", "\x0c"])
def test_no_sign_ends_the_search_of_a_message(folder: Path, sign: str) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", f"Second{sign}{TOKEN}")
    assert {one.path for one in repository.history(folder)} == {""}


def test_another_branch_and_a_message_are_history(folder: Path) -> None:
    git(folder, "checkout", "-qb", "other")
    git(folder, "commit", "-q", "--allow-empty", "-m", f"Uses {TOKEN}")
    git(folder, "checkout", "-q", "-")
    assert {one.path for one in repository.history(folder)} == {""}


@pytest.mark.parametrize(
    "line", ["password = 'hunter2-hunter2'", '{"db_password": "s3cret-word"}', "api_key: 'abc123def'"]
)
def test_a_literal_that_is_called_like_a_secret_is_found(folder: Path, line: str) -> None:
    (folder / "settings.py").write_text(line)
    assert found(folder) == [("settings.py", 1)]


@pytest.mark.parametrize("line", ["password = 'hunter2-hunter2'", "url = 'postgres" + "://app:hunter2@db/app'"])
def test_tests_make_passwords_up(folder: Path, line: str) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text(line)
    assert found(folder) == []


def test_tests_hold_no_real_token(folder: Path) -> None:
    (folder / "test_it.py").write_text(f"password = '{TOKEN}'")
    assert found(folder) != []


@pytest.mark.parametrize(
    "line", ["password = settings.password", "password_length = 40", "token = '${TOKEN}'", "secret: true"]
)
def test_a_word_about_secrets_is_none(folder: Path, line: str) -> None:
    (folder / "settings.py").write_text(line)
    assert found(folder) == []


def test_no_line_excuses_itself(folder: Path) -> None:
    (folder / "a.txt").write_text(f"{TOKEN}  # not a secret: made up for a picture\n")
    (folder / "b.yaml").write_text("01234567" + f'89abcdef: "not a secret: {TOKEN}"\n')
    assert {path for path, _ in found(folder)} == {"a.txt", "b.yaml"}


def test_what_a_file_may_hide_behind_is_found(folder: Path) -> None:
    (folder / "wide.txt").write_bytes(f"token\n{TOKEN}\n".encode("utf-16"))
    (folder / "long.js").write_text("x;" * 5_000 + TOKEN)
    (folder / "large.txt").write_text("nothing here\n" * 400_000 + TOKEN)
    assert {path for path, _ in found(folder)} == {"wide.txt", "long.js", "large.txt"}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (".env", "DB_PASSWORD=hunter2hunter2X9"),
        ("prod.env", "export DB_PASSWORD=hunter2hunter2X9"),
        ("a.yaml", "  admin_password: Tr0ub4dor3"),
        ("a.ini", "password = Tr0ub4dor3  # of the old one"),
    ],
)
def test_a_setting_without_quotes_is_found(folder: Path, path: str, line: str) -> None:
    (folder / path).write_text(f"{line}\n")
    (folder / "a.py").write_text(f"{line}\n")
    assert found(folder) == [(path, 1)]


@pytest.mark.parametrize("line", ["PASSWORD_FILE=/run/secrets/db1", "password: ${PASSWORD_2}", "token_ttl: 36000000"])
def test_a_setting_about_secrets_is_none(folder: Path, line: str) -> None:
    (folder / "a.yaml").write_text(f"{line}\n")
    assert found(folder) == []


def test_a_tags_message_is_history(folder: Path) -> None:
    git(folder, "tag", "-a", "v1", "-m", f"Uses {TOKEN}")
    assert {one.path for one in repository.history(folder)} == {""}


def test_a_known_line_is_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (folder / "a.txt").write_text(f"    {TOKEN} \n")
    (one, *_) = repository.files(folder)
    assert one.fingerprint == repository.fingerprint(TOKEN)
    known = tmp_path / "known.yaml"
    known.write_text(f"{one.fingerprint}: made up\n")
    monkeypatch.setattr(repository, "KNOWN_LINES", known)
    repository.known_lines.cache_clear()
    repository.in_line.cache_clear()
    assert repository.unused_known_lines() == [(1, one.fingerprint)]
    assert ("a.txt", 1) not in found(folder)
    assert repository.unused_known_lines() == []
    assert repository.used_known_lines() == [f"{one.fingerprint}: made up"]
    repository.known_lines.cache_clear()
    repository.in_line.cache_clear()


def test_a_finding_says_no_value(folder: Path) -> None:
    for number, secret in enumerate(SAMPLES.values()):
        (folder / f"{number}.txt").write_text(f"value = '{secret}'\n")
    said = " ".join(one.message + one.place for one in repository.files(folder))
    assert [kind for kind, secret in SAMPLES.items() if secret.splitlines()[-1] in said] == []


def test_a_folder_that_is_no_repository_closes_the_gate(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"is .* a repository"):
        repository.files(tmp_path)


def test_half_a_history_closes_the_gate(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", "Second")
    shallow = tmp_path_factory.mktemp("shallow") / "clone"
    git(folder, "clone", "-q", "--depth=1", f"file://{folder}", str(shallow))
    with pytest.raises(GateError, match="unshallow"):
        repository.history(shallow)
