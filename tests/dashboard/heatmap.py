"""What colour each pixel of the heatmap must have, worked out again from the frames alone."""

import math
import random
from dataclasses import dataclass, field
from typing import Any

from tests.dashboard.browser import Watched
from tests.program import Frame

TRANSPARENT = (0, 0, 0, 0)
SLACK = 0.8
"""Pixels by which the layer may lie beside the axes: it begins and ends on whole ones."""

Colour = tuple[int, ...]
Rows = dict[int, Frame]
"""Frames or rows of the window by second."""

PIXELS = """(places) => {
  const { map } = window.liquidity.page;
  map.canvas.clear();
  map.layer.draw(map.panels().map); // the cells alone, without what lies over them
  const { gl, element: canvas } = map.canvas;
  const { xaxis, yaxis } = map.gd._fullLayout;
  const ratio = canvas.width / canvas.clientWidth;
  const { from, to, low, high } = map.view();
  const all = new Uint8Array(4 * canvas.width * canvas.height);
  gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, all);
  const found = places.map(([across, down]) => {
    const x = Math.floor((xaxis._offset + across * xaxis._length) * ratio);
    const y = Math.floor((yaxis._offset + down * yaxis._length) * ratio);
    const at = 4 * ((canvas.height - 1 - y) * canvas.width + x);
    return [(x + 0.5) / ratio, (y + 0.5) / ratio, ...all.subarray(at, at + 4)];
  });
  return {
    pixels: found, ratio,
    left: xaxis._offset, width: xaxis._length, top: yaxis._offset, height: yaxis._length,
    time: [from, to], price: [low, high],
    scale: [...map.layer.range, map.layer.logarithmic],
    step: window.liquidity.page.stepIndex,
    table: Array.from(window.liquidity.colourScale.lookUpTable(document.documentElement.dataset.theme)),
    newest: map.end,
  };
}"""


def position(size: float, low: float, high: float, *, logarithmic: bool) -> float:
    """Return where in the colour scale a size lies, from 0 to 1."""
    if size <= 0:
        return 0.0
    share = math.log(size / low) / math.log(high / low) if logarithmic else (size - low) / (high - low)
    return min(1.0, max(0.04, share))


def size_at(row: Frame | None, ladder: int, price: float) -> tuple[str, float] | None:
    """Return the side and the size of the group at `price`, or None where nothing is known or live."""
    if row is None or row["status"] != "live" or row["ladders"] is None:
        return None
    step = row["ladders"][ladder]["step"]
    if price < row["mid_price"]:
        groups, lowest = row["ladders"][ladder]["bids"], 0.0
        side = "bid"
    else:
        groups, lowest = row["ladders"][ladder]["asks"], -step
        side = "ask"
    known = [group for group in groups if group[1] is not None]
    if not known:
        return None
    for at, size in known:
        if at + lowest <= price < at + lowest + step:
            return side, size
    far = known[-1][0]
    beyond = price < far if side == "bid" else price > far
    return None if beyond else (side, 0.0)


@dataclass
class Heatmap:
    """Pixels of the layer, and what the page says of its axes."""

    pixels: list[tuple[float, ...]]
    facts: dict[str, Any]
    compared: int = 0
    coloured: int = 0
    blank: int = 0
    wrong: list[str] = field(default_factory=list)

    def data_at(self, x: float, y: float) -> tuple[int, float]:
        """Return second and price at a place of the canvas, in CSS pixels from its top left."""
        facts = self.facts
        begin, end = facts["time"]
        low, high = facts["price"]
        moment = begin + (x - facts["left"]) / facts["width"] * (end - begin)
        # The second that ends at S is drawn from S - 1 to S.
        return math.floor(moment) + 1, high - (y - facts["top"]) / facts["height"] * (high - low)

    def cell(self, rows: Rows, x: float, y: float) -> tuple[str, float] | None:
        """Return side and size of what must be seen at a place."""
        second, price = self.data_at(x, y)
        return size_at(rows.get(second), self.facts["step"], price)

    def colours(self, cell: tuple[str, float] | None) -> set[Colour]:
        """Return the colour of a cell; two where its size lies between two entries of the scale."""
        if cell is None:
            return {TRANSPARENT}
        side, size = cell
        low, high, logarithmic = self.facts["scale"]
        share = position(size, low, high, logarithmic=logarithmic) * 255
        entries = {math.floor(share + 0.5 + noise) for noise in (-0.01, 0.0, 0.01)}
        table = self.facts["table"]
        starts = [4 * (min(255, max(0, entry)) + (256 if side == "ask" else 0)) for entry in entries]
        return {tuple(table[start : start + 4]) for start in starts}

    def compare(self, rows: Rows) -> None:
        """Hold every pixel that lies well inside a cell against that cell; none where cells are too small."""
        newest = self.facts["newest"]
        rows = {second: row for second, row in rows.items() if newest - 180 < second <= newest}
        low, high = self.facts["price"]
        steps = [row["ladders"][self.facts["step"]]["step"] for row in rows.values() if row["ladders"]]
        if steps and min(steps) / (high - low) * self.facts["height"] < SLACK:
            return
        for x, y, *shown in self.pixels:
            around = {
                (self.data_at(x + dx * SLACK, y)[0], self.cell(rows, x + dx * SLACK, y + dy * SLACK))
                for dx in (-1, 1)
                for dy in (-1, -0.5, 0, 0.5, 1)
            }
            cells = {cell for _, cell in around}
            if len(cells) != 1:
                continue
            cell = cells.pop()
            self.compared += 1
            self.coloured += cell is not None
            self.blank += cell is None
            wanted = self.colours(cell)
            if not any(max(abs(a - b) for a, b in zip(shown, one, strict=True)) <= 2 for one in wanted):
                second, price = self.data_at(x, y)
                self.wrong.append(f"{second} at {price:.3f} ({cell}): {shown}, not {wanted}")


async def read_heatmap(watched: Watched, count: int = 1000, *, seed: int = 1) -> Heatmap:
    """Read pixels of the layer at places all over the plot."""
    places = random.Random(seed)  # noqa: S311
    asked = [[places.uniform(0.001, 0.999), places.uniform(0.002, 0.998)] for _ in range(count)]
    facts = await watched.do(PIXELS, asked)
    return Heatmap([tuple(pixel) for pixel in facts.pop("pixels")], facts)


def percentile_range(rows: Rows, heatmap: Heatmap, cut_offs: tuple[float, float]) -> tuple[float, float]:
    """Return the sizes at two percentiles of all groups that are in view."""
    begin, end = heatmap.facts["time"]
    low, high = heatmap.facts["price"]
    sizes = []
    for second, row in rows.items():
        if row["status"] != "live" or not begin < second <= min(end + 1, heatmap.facts["newest"]):
            continue
        ladder = row["ladders"][heatmap.facts["step"]]
        step = ladder["step"]
        for groups, bottom in ((ladder["bids"], 0.0), (ladder["asks"], -step)):
            for price, size in groups:
                if size is None:
                    break
                if size > 0 and price + bottom + step > low and price + bottom < high:
                    sizes.append(size)
    sizes.sort()
    lowest, highest = (sizes[math.floor(share / 100 * (len(sizes) - 1) + 0.5)] for share in cut_offs)
    return lowest, highest if highest > lowest else lowest * 1.001
