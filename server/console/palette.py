"""Colours, sizes and type of everything people see (console.md §2): the one file that style sheet and charts read."""

import msgspec

from server.console.hatch import tile


class Palette(msgspec.Struct, frozen=True, kw_only=True):
    """The colours of one theme. Each text colour has a contrast of 5.7:1 or more on canvas and surface."""

    canvas: str
    surface: str
    selected: str
    line: str
    line2: str
    text: str
    muted: str
    red: str
    red_fill: str
    red_tint: str
    amber: str
    amber_hatch: str
    amber_tint: str
    blue: str
    off: str
    off_fill: str
    on_text: str
    """Text on a filled button (its ground is `text`)."""
    on_red: str = "#FFFFFF"
    """Text on a red fill."""


LIGHT = Palette(
    canvas="#F2F4F6", surface="#FFFFFF", selected="#EDF0F3", line="#DDE2E7", line2="#B9C2CB", text="#1A1F24",
    muted="#55606B", red="#B4161F", red_fill="#B4161F", red_tint="#FBECEC", amber="#8A5200", amber_hatch="#B87700",
    amber_tint="#FDF4E0", blue="#1F5FA8", off="#6B7F93", off_fill="#A9B5C1", on_text="#FFFFFF",
)  # fmt: skip

DARK = Palette(
    canvas="#14181C", surface="#1B2026", selected="#272E36", line="#2C343C", line2="#4A5763", text="#E8ECEF",
    muted="#A3AFBA", red="#FF6B66", red_fill="#D63B41", red_tint="#3A2224", amber="#F2B33D", amber_hatch="#E0A030",
    amber_tint="#2E281C", blue="#74B4FF", off="#8FA3B7", off_fill="#5C6B7A", on_text="#14181C",
)  # fmt: skip

THEMES = {"light": LIGHT, "dark": DARK}

FONT = (
    'Inter, Roboto, "Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", '
    "sans-serif"
)
"""Roboto comes with NiceGUI; no font is asked of any other machine."""


def css() -> str:
    """The tokens as custom properties, for both themes."""
    return (
        f":root{{color-scheme:light dark;--font:{FONT};{_properties(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_properties(DARK)}}}}}"
    )


def _properties(palette: Palette) -> str:
    colours = "".join(f"--{name.replace('_', '-')}:{value};" for name, value in msgspec.structs.asdict(palette).items())
    unproved = tile(4, 1.2, palette.amber_hatch, palette.amber_tint)
    register = tile(4, 1.2, palette.off, palette.surface)
    gap = tile(8, 1.5, palette.line2, palette.surface)
    hatches = f'--hatch-unproved:url("{unproved}");--hatch-register:url("{register}");--hatch-gap:url("{gap}");'
    return f"{colours}{hatches}"
