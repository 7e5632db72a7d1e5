"""Which colours lines, bars and bubbles have on the map's canvas, and which they should have."""

import re
from dataclasses import dataclass

from tests.dashboard.browser import Watched

Colour = tuple[int, ...]
Place = tuple[str, float, float]
"""A panel's name (see MarketMap.panels) and a place in its units; seconds since the epoch."""

NEAR = 3
"""Steps of 255 by which a colour may differ."""

PIXELS = """(places) => {
  const { map } = window.liquidity.page;
  const { gl, element } = map.canvas;
  const panels = map.panels();
  const around = ([name, x, y]) => {
    const panel = panels[name];
    const { x: left, y: bottom, width, height } = map.canvas.pixelsOf(panel);
    const across = Math.floor(left + (x - panel.from) / (panel.to - panel.from) * width);
    const up = Math.floor(bottom + (y - panel.low) / (panel.high - panel.low) * height);
    const found = new Uint8Array(4 * 9);
    gl.readPixels(across - 1, up - 1, 3, 3, gl.RGBA, gl.UNSIGNED_BYTE, found);
    return Array.from({ length: 9 }, (_, index) => Array.from(found.slice(4 * index, 4 * index + 4)));
  };
  map.align();
  const all = places.map(around);
  map.canvas.clear();
  map.layer.draw(panels.map);
  const cells = places.map(around);
  return [all, cells];
}"""


@dataclass
class Drawn:
    """The nine pixels around a place, of the whole drawing and of the heatmap's cells alone."""

    all: list[Colour]
    cells: list[Colour]

    def shows(self, colour: Colour) -> bool:
        """Say whether one of the pixels is `colour` (premultiplied) over the cell that is there."""
        return any(
            max(abs(a - b) for a, b in zip(shown, over(colour, cell), strict=True)) <= NEAR
            for shown, cell in zip(self.all, self.cells, strict=True)
        )

    def empty(self) -> bool:
        """Say whether nothing is drawn over the cells."""
        return self.all == self.cells


def over(colour: Colour, below: Colour) -> Colour:
    """Return what a premultiplied colour and the one below it make."""
    return tuple(round(a + b * (1 - colour[3] / 255)) for a, b in zip(colour, below, strict=True))


async def drawn_at(watched: Watched, places: list[Place]) -> list[Drawn]:
    """Read the pixels around places."""
    whole, cells = await watched.do(PIXELS, places)
    return [
        Drawn([tuple(pixel) for pixel in one], [tuple(pixel) for pixel in other])
        for one, other in zip(whole, cells, strict=True)
    ]


async def theme_colour(watched: Watched, name: str) -> Colour:
    """Return a colour of the page's theme, premultiplied."""
    text = await watched.do(
        "(name) => window.liquidity.themes.THEMES[document.documentElement.dataset.theme][name]", name
    )
    if text.startswith("#"):
        return (*bytes.fromhex(text[1:]), 255)
    red, green, blue, alpha = (float(part) for part in re.findall(r"[\d.]+", text))
    return tuple(round(channel * alpha) for channel in (red, green, blue, 255))
