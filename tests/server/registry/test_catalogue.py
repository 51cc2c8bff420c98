"""Which furnaces are listed, at the edges of each rule."""

import datetime as dt

import pytest

from server.catalogue import FurnaceFacts, Listed, NotListed, items, listed

SCRAP = "用于熔化废钢的工频和中频感应炉（根据法律法规和国家取缔“地条钢”有关要求淘汰）"
ALUMINIUM = "无磁轭（≥0.25 吨）铝壳中频感应电炉"
EDITION_2019 = "产业结构调整指导目录（2019年本）"


def furnace(
    kind: str = "mf_coreless",
    casing: str | None = "aluminium",
    tonnes: float = 0.25,
    *,
    yoke: bool | None = False,
    melts_scrap: bool = False,
) -> FurnaceFacts:
    """A furnace that stands right at the edge: aluminium shell, no yoke, 0.25 t, no scrap."""
    return FurnaceFacts(kind=kind, shell=casing, yoke=yoke, tonnes=tonnes, melts_scrap=melts_scrap)


@pytest.mark.parametrize(
    ("what", "item"),
    [
        (furnace(), ALUMINIUM),
        (furnace(tonnes=0.5), ALUMINIUM),
        (furnace(tonnes=40), ALUMINIUM),
        (furnace(melts_scrap=True), SCRAP),
        (furnace(melts_scrap=True, tonnes=0.05), SCRAP),
        (furnace(melts_scrap=True, casing="steel", yoke=True, tonnes=5), SCRAP),
        (furnace("mains_coreless", "steel", 1, yoke=True, melts_scrap=True), SCRAP),
        (furnace("mains_coreless", None, 1, yoke=None, melts_scrap=True), SCRAP),
        (furnace("mains_channel", "steel", 10, yoke=True, melts_scrap=True), SCRAP),
    ],
)
def test_listed(what: FurnaceFacts, item: str) -> None:
    """A furnace that fits an item is listed with that item, word for word, and the edition."""
    assert listed(what) == Listed(EDITION_2019, item, dt.date(2024, 2, 1))


@pytest.mark.parametrize(
    ("what", "because"),
    [
        (furnace(tonnes=0.24), "tonnes: expected at least 0.25, got 0.24"),
        (furnace(tonnes=0.2499999), "tonnes: expected at least 0.25, got 0.25"),
        (furnace(yoke=True), "yoke: expected no, got yes"),
        (furnace(yoke=None), "yoke: expected no, got nothing"),
        (furnace(casing="steel"), "shell: expected aluminium, got steel"),
        (furnace(casing=None), "shell: expected aluminium, got nothing"),
        (furnace("mains_coreless"), "kind: expected mf_coreless, got mains_coreless"),
        (furnace("mains_channel"), "kind: expected mf_coreless, got mains_channel"),
    ],
)
def test_not_listed(what: FurnaceFacts, because: str) -> None:
    """A furnace that just misses every item is told what does not fit, for each of them."""
    assert listed(what) == NotListed(
        f"induction_furnace_for_scrap: melts_scrap: expected yes, got no; aluminium_shell_without_yoke: {because}"
    )


def test_every_reason_is_told() -> None:
    """A furnace that misses an item in several ways is told all of them."""
    assert listed(furnace("mains_coreless", "steel", 0.1, yoke=True)) == NotListed(
        "induction_furnace_for_scrap: melts_scrap: expected yes, got no; "
        "aluminium_shell_without_yoke: kind: expected mf_coreless, got mains_coreless, "
        "shell: expected aluminium, got steel, yoke: expected no, got yes, tonnes: expected at least 0.25, got 0.1"
    )


def test_items_are_quotable() -> None:
    """Each item carries edition, section, wording and the document in which that wording was read."""
    for item in items():
        assert item.edition.endswith("年本）")
        assert item.section.startswith("淘汰类")
        assert item.item in (SCRAP, ALUMINIUM)
        assert item.item_read_in == "福州市2021年落后产能退出工作方案 二（五）"
