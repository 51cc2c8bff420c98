"""Every block of the README is executed: what a newcomer reads first must be so."""

import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.loaders import load
from tests.docs.pages import ROOT, Block, blocks, prose, tables, text_of
from tests.docs.terminal import Terminal, differences, make

README, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
PREFIX = Path(sys.prefix)
PORTS = ("1883", "5020", "8080")
LANGUAGES = ("sh", "console", "yaml")


class Reader:
    """Does what the README says, in a copy of the checkout, on ports that are free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "coldseal"
        shutil.copytree(ROOT, self.folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        self.terminal = Terminal(self.folder, self.folder / "env" / "bin", PREFIX / "bin")
        with ExitStack() as held:
            free = [held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in PORTS]
        self._ports = dict(zip(PORTS, map(str, free), strict=True))

    def do(self, block: Block) -> None:
        """Execute one block; each kind has its way, and there is no other."""
        ways: dict[str, Callable[[str], None]] = {"sh": self._sh, "console": self._console, "yaml": self._yaml}
        assert block.language in ways, f"no way to execute a block of {block.language!r}:\n{block.body}"
        ways[block.language](block.body)

    def _sh(self, body: str) -> None:
        for line in body.splitlines():
            if line.startswith("make "):
                assert line in ("make demo", "make test"), f"no way to execute {line!r}"  # below, each in a test
            elif line.endswith(" &"):
                self.terminal.start(self._here(line.removesuffix(" &")))
            else:
                self.terminal.run(self._here(line))

    def _console(self, body: str) -> None:
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            line, *expected = part.splitlines()
            if line.startswith("make "):
                assert line == "make demo", f"no way to execute {line!r}"
                continue
            shown = [self._here(one) for one in expected]
            got = self.terminal.run_until(self._here(line), shown)
            assert not differences(shown, got), line

    def _yaml(self, body: str) -> None:
        comment, _, written = body.partition("\n")
        name = re.fullmatch(r"# (\S+\.yaml)", comment)
        assert name is not None, f"expected the file's name in the first line, got {comment!r}"
        file = self.folder / name[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(self._here(written), encoding="utf-8")
        load(file)

    def _here(self, text: str) -> str:
        """The text with the ports of this run."""
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda found: self._ports[found[1]], text)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader whose programs end with the test."""
    reader = Reader(tmp_path)
    yield reader
    reader.terminal.close()


@pytest.mark.timeout(900)
def test_every_block_works(reader: Reader) -> None:
    """From installing the package to the agent's first stored envelope, each block in order, with the output shown."""
    for block in blocks(README):
        reader.do(block)

    shown = reader.terminal.run("coldseal seal show FZ-MH-2026-0043 --data data")
    assert "enterprise: 示例铸造一厂" in [line.strip() for line in shown]
    assert (reader.folder / "env" / "bin" / "coldseal").exists()


@pytest.mark.timeout(300)
def test_make_demo_tells_what_is_shown() -> None:
    """`make demo` prints the README's lines up to its first violation, and ends by Ctrl-C."""
    (body,) = [block.body for block in blocks(README) if block.body.startswith("$ make demo\n")]
    expected = body.splitlines()[1:]
    assert " evidence " in expected[-2]
    assert expected[-1] == "…"

    got = Terminal(ROOT).until_line(make(PREFIX, "demo"), " evidence ")
    assert not differences(expected, got)


def test_make_test_runs_everything() -> None:
    """`make test` installs, gets the system's parts, checks, and runs all of pytest; it cannot run itself here."""
    told = Terminal(ROOT).run(make(PREFIX, "-n", "-W", "pyproject.toml", "test"))

    assert any("-m pip install" in line and line.endswith("'.[dev]'") for line in told)
    wanted = ["sh tests/system_parts.sh", "ruff check .", "ruff format --check .", "mypy", "lint-imports"]
    places = [next(i for i, line in enumerate(told) if line.endswith(word)) for word in wanted]
    places.append(
        next(i for i, line in enumerate(told) if re.search(r"-m pytest( -n \d| --[a-z-]+( load\w+)?)*$", line))
    )
    assert places == sorted(places)


def test_both_languages_show_the_same_blocks() -> None:
    """The Chinese README has the blocks of the English one, so that they are executed too."""
    assert blocks(CHINESE) == blocks(README)
    assert {block.language for block in blocks(README)} == set(LANGUAGES)


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
def test_first_screen(page: Path) -> None:
    """Sentence, two commands, real output and a picture come first, before any other heading."""
    first, _, _ = text_of(page).partition("\n## ")
    assert "```sh\nmake demo\nmake test\n```" in first
    assert "$ make demo" in first
    assert "](docs/pictures/board-zh-1920.png)" in first


def test_both_languages_have_the_same_parts() -> None:
    """As many sections and table rows, with the same files and codes in them."""

    def parts(page: Path) -> list[list[str]]:
        return [re.findall(r"`([^`]+)`", " ".join(row)) for rows in tables(page).values() for row in rows]

    assert parts(CHINESE) == parts(README)
    assert len(re.findall(r"^## ", prose(CHINESE), re.MULTILINE)) == len(
        re.findall(r"^## ", prose(README), re.MULTILINE)
    )


def test_exit_codes_are_the_command_lines() -> None:
    """The table of exit codes is what `coldseal --help` says."""
    (rows,) = [rows for header, rows in tables(README).items() if header == "| code | means |"]
    usage = "\n".join(Terminal(ROOT, PREFIX / "bin").run("coldseal --help"))
    for code, means in rows:
        assert f"{code} {re.split('[;:]', means)[0]}" in usage


def test_what_cannot_be_executed_fails(reader: Reader) -> None:
    """A block in another language, or a make target that no test runs, fails instead of being passed over."""
    for block in (Block("python", "print()\n"), Block("", "x\n"), Block("sh", "make install\n")):
        with pytest.raises(AssertionError, match="no way to execute"):
            reader.do(block)


def test_what_differs_is_seen() -> None:
    """Times, keys and measured numbers may differ; a word, a unit or a line may not."""
    assert differences(["09:39:51  ■  up to 28 kW", "…"], ["10:00:00  ■  up to 30.5 kW", "more"]) == []
    for got in (["09:39:51  ●  up to 28 kW"], ["09:39:51  ■  up to 28 W"], [], ["09:39:51  ■  up to 28 kW", "more"]):
        assert differences(["09:39:51  ■  up to 28 kW"], got)
