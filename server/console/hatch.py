"""Hatching at 45°: a tile that style sheet and charts repeat."""

from functools import lru_cache
from urllib.parse import quote


@lru_cache(maxsize=64)
def tile(pitch: int, stroke: float, ink: str, ground: str = "none", scale: int = 1) -> str:
    """A square SVG tile as a data URI.

    Args:
        pitch: width and height in px.
        stroke: width of the lines in px.
        ink: colour of the lines.
        ground: colour between them.
        scale: how many times larger the tile is drawn, for a canvas that shrinks it to stay sharp.
    """
    size, p = pitch * scale, pitch
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {p} {p}">'
        f'<rect width="{p}" height="{p}" fill="{ground}"/>'
        f'<path d="M{-p / 4} {p / 4}L{p / 4} {-p / 4}M0 {p}L{p} 0M{p * 0.75} {p * 1.25}L{p * 1.25} {p * 0.75}" '
        f'stroke="{ink}" stroke-width="{stroke}"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
