"""docs/alerts.md says what the code does: keys, outcomes, and its example."""

import re
from pathlib import Path

import msgspec

from server import settings
from server.notify import channels
from server.notify.channels import AlertsFile, ChannelFile
from server.notify.log import Outcome

PAGE = (Path(__file__).parents[3] / "docs/alerts.md").read_text(encoding="utf-8")


def test_every_key_is_in_the_table() -> None:
    """Every key of `alerts` is documented, and no other."""
    table = PAGE.partition("| key | default | means |")[2].partition("\n\n")[0]
    documented = {key for row in table.splitlines() for key in re.findall(r"`([^`]+)`", row.partition(" | ")[0])}
    own = set(AlertsFile.__struct_fields__) - {"channels"}
    of_channels = {f"channels[].{name}" for name in ChannelFile.__struct_fields__} - {"channels[].url_file"}

    assert documented == own | of_channels | {"url_file"}


def test_defaults_are_as_documented() -> None:
    """The numbers in the table are the code's."""
    defaults = msgspec.structs.asdict(AlertsFile(page_url="https://x.example.org"))
    for key in ("settle_s", "group_s", "timeout_s"):
        assert f"| `{key}` | {defaults[key]:g} |" in PAGE


def test_outcomes_are_as_documented() -> None:
    """Every outcome is explained, and no other."""
    table = PAGE.partition("| outcome | means |")[2].partition("\n\n")[0]
    documented = {
        word for row in table.splitlines() for word in re.findall(r"`([^`]+)`", row.split("|")[1] if row else "")
    }

    assert documented == {outcome.value for outcome in Outcome}


def test_the_example_works_as_it_stands(tmp_path: Path) -> None:
    """With its address files beside it, the example is read."""
    (tmp_path / "server.yaml").write_text(PAGE.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    for name, url in (
        ("dingtalk", "dingtalk://SEC1@token1/"),
        ("mail", "mailtos://u:p@mail.fz.example.org/?to=a@fz.example.org"),
        ("sms", "smsc://u:p@13800000000"),
    ):
        (tmp_path / f"secrets/{name}.url").write_text(f"{url}\n", encoding="utf-8")
    loaded = settings.load(tmp_path)
    assert loaded.alerts is not None

    assert [one.form for one in channels.load(loaded.alerts, tmp_path)] == ["chat", "mail", "sms"]
