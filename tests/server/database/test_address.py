"""PostgreSQL's address as server.yaml has it: what is taken, what is refused, and that no message shows a password."""

from pathlib import Path

import pytest

from coldseal.cli import main
from server import settings
from server.database.address import Address, parse
from wire.errors import SettingsError

SECRET = "s3-cret"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("postgresql://u@db.example/n", Address(user="u", host="db.example", port=5432, name="n")),
        ("postgresql://u@[::1]:6000/n", Address(user="u", host="::1", port=6000, name="n")),
        ("postgresql://a%40b@h:1/x%20y", Address(user="a@b", host="h", port=1, name="x y")),
        (
            "postgresql://u@h:5432/n?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            Address(
                user="u", host="h", port=5432, name="n",
                options=(("sslmode", "verify-full"), ("sslrootcert", "/etc/ca.pem")),
            ),
        ),
        (
            "postgresql://u@/n?host=/run/postgresql",
            Address(user="u", host="", port=5432, name="n", options=(("host", "/run/postgresql"),)),
        ),
    ],
)  # fmt: skip
def test_addresses(text: str, address: Address) -> None:
    """Each part is found, and the address as messages show it means the same again."""
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"mysql://u:{SECRET}@h/n", r"got mysql:…; leave the key out for SQLite in the data folder"),
        ("sqlite:///data/x.sqlite", r"got sqlite:…; leave the key out for SQLite"),
        (SECRET, r"got no address; leave the key out"),
        (f"postgresql://u:{SECRET}@h/n", r"expected no password in the address, .* name that file by database_password_file"),
        (f"postgresql://u@h/n?password={SECRET}", r"expected no more than host, .* behind '\?', got 'password'"),
        ("postgresql://h/n", r"expected an address such as postgresql://coldseal@db\.example:5432/coldseal, got one without user"),
        ("postgresql://u@/n", r"got one without host"),
        ("postgresql://u@h:5432", r"got one without name"),
        (f"postgresql://u@h/n/{SECRET}", r"got one without a plain name"),
        ("postgresql://u@h:65536/n", r"got one that cannot be read"),
        (f"postgresql://u@[::1/{SECRET}", r"got one that cannot be read"),
        ("postgresql://u@h/n?sslrootcert=ca.pem", r"sslrootcert: expected an absolute path"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A wrong address is told with the file, the key and an example, and never repeats what may be a password."""
    (tmp_path / "server.yaml").write_text(f"database: {text!r}\n", encoding="utf-8")
    with pytest.raises(
        SettingsError, match=rf"server\.yaml: database: {message}|server\.yaml: database: .*{message}"
    ) as error:
        settings.load(tmp_path)

    assert SECRET not in str(error.value)


def test_settings(tmp_path: Path) -> None:
    """The key leads to the address, the password's file is found from the data folder, and the file alone is refused."""
    (tmp_path / "server.yaml").write_text(
        "database: postgresql://u@h/n\ndatabase_password_file: keys/db\n", encoding="utf-8"
    )
    found = settings.load(tmp_path).database
    (tmp_path / "server.yaml").write_text("database_password_file: keys/db\n", encoding="utf-8")

    assert found == Address(user="u", host="h", port=5432, name="n", password_file=tmp_path / "keys/db")
    with pytest.raises(SettingsError, match="database_password_file: expected the database's address beside it"):
        settings.load(tmp_path)


def test_commands_end_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command refuses a wrong address in one line."""
    (tmp_path / "server.yaml").write_text(f"database: mysql://u:{SECRET}@h/n\n", encoding="utf-8")

    assert main(["server", "migrate", "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"coldseal: error: {tmp_path}/server.yaml: database: expected an address such as postgresql:"
    )
    assert (said.count("\n"), SECRET in said) == (1, False)
