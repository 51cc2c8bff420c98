"""Every page: one title, links that lead somewhere, files and commands that exist, settings that load."""

import re
import shlex
from pathlib import Path

import pytest

from coldseal.cli import main
from tests.docs.loaders import load
from tests.docs.pages import DOCS, PAGES, ROOT, blocks, code_words, commands, links, name_of, prose, text_of, titles

COMMANDS = sorted({command for page in PAGES for command in commands(page)})
FOLDERS = "|".join(sorted(p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_one_title(page: Path) -> None:
    """A page has one heading of the first level, and begins with it."""
    assert len(titles(page)) == 1
    assert text_of(page).startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link or picture is there; its anchor is a heading of that page."""
    for link in links(page):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{link}: nothing is there"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose(file), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}, link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_exist(page: Path) -> None:
    """Each path of the project that stands in code is there."""
    named = [word for word in code_words(page) if re.fullmatch(rf"({FOLDERS})/(?!v1/)[\w./-]*", word)]  # v1: a topic
    assert [word for word in named if not (ROOT / word).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `coldseal …` names a command to its end, and only options that its help tells."""
    monkeypatch.setenv("COLUMNS", "200")
    words = shlex.split(re.sub(r"[…`']", "", command), comments=True)
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    path = [word for word in words[: words.index(options[0])] if word] if options else words
    if path == ["COMMAND"]:
        path = []

    code = main([*path, "--help"])
    told = capsys.readouterr().out

    assert code == 0, f"coldseal {command}: no such command"
    usage = re.search(r"[Uu]sage: coldseal ?([a-z -]*)", told)
    assert usage is not None
    assert path[: len(usage[1].split())] == usage[1].split()
    assert [option for option in options if not re.search(rf"(?<![\w-]){option}\b", told)] == []


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_docs_are_indexed(page: Path) -> None:
    """Each page of docs/ is in the index's table."""
    index = ROOT / "docs" / "index.md"
    assert page == index or page.name in links(index)


@pytest.mark.parametrize("page", [*DOCS, ROOT / "wire" / "DECISIONS.md"], ids=name_of)
def test_nothing_is_promised(page: Path) -> None:
    """A page tells what is, not what is to come."""
    assert not re.findall(
        r"\b(?:TODO|planned|coming soon|not yet implemented|in (?:the|a) future|will be added)\b", prose(page)
    )


def test_examples_of_agents_load(tmp_path: Path) -> None:
    """Each example of an agent's settings is read by the agent, with the files beside it that it names."""
    examples = sorted((ROOT / "firmware_configs" / "agents").glob("*.yaml"))
    assert [example.stem for example in examples] == [
        "dtu_dials_in", "gateway_4g", "laptop", "raspberry_pi", "rtu_over_tcp", "serial_meter_and_seal", "tcp_meter",
    ]  # fmt: skip
    for example in examples:
        for named in re.findall(r"[\w-]+\.(?:pem|key|password)\b", text_of(example)):
            (tmp_path / named).write_text("secret\n", encoding="utf-8")
    for example in examples:
        copy = tmp_path / example.name
        copy.write_bytes(example.read_bytes())
        load(copy)


def test_decisions_have_their_parts() -> None:
    """Each decision says what it was about, what else there was, what was decided, and what it costs."""
    _, *decisions = re.split(r"^## ", text_of(ROOT / "wire" / "DECISIONS.md"), flags=re.MULTILINE)
    assert len(decisions) > 20
    for decision in decisions:
        parts = re.findall(r"^\*\*(\w+)\.\*\* \S", decision, re.MULTILINE)
        assert parts == ["Context", "Options", "Decision", "Negative"], decision.partition("\n")[0]


def test_changelog_is_kept() -> None:
    """The changelog has an Unreleased part with the known kinds of change."""
    page = text_of(ROOT / "CHANGELOG.md")
    assert "\n## [Unreleased]\n" in page
    kinds = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert [block.language for block in blocks(ROOT / "CHANGELOG.md")] == []
