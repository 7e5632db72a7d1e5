"""What colour each cell of the map must have, worked out again from the messages alone."""

import asyncio
import json
import math
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tests.dashboard.browser import Watched
from tests.program import Frame, Program, listening

UNITS: Final = 10**8
PIXELS: Final = """async ({ places, theme }) => {
  const { map, known } = window.liquidity.page;
  const { lookUpTable } = await import("/assets/map/colour_maps.mjs");
  const { premultiplied, THEMES } = await import("/assets/ui/themes.mjs");
  const { range } = map.view;
  const { layout: { map: box }, canvas } = map;
  map.refine = true;
  map.writeCells(); // a frame may have come that is not drawn yet
  const colours = THEMES[map.theme];
  canvas.clear();
  const scale = map.scale.range(1e8);
  map.cells.draw({ ...box, ...range, low: range.low * 1e8, high: range.high * 1e8 }, known.end, scale, {
    hatchBack: [1, 0, 1, 1], hatch: [1, 0, 1, 1], outline: [0, 0, 0, 0], onlyTop: map.choices.onlyTop,
  });
  const { gl, element, ratio } = canvas;
  const all = new Uint8Array(4 * element.width * element.height);
  gl.readPixels(0, 0, element.width, element.height, gl.RGBA, gl.UNSIGNED_BYTE, all);
  const pixels = places.map(([across, down]) => {
    const x = Math.floor((box.left + across * box.width) * ratio);
    const y = Math.floor((box.top + down * box.height) * ratio);
    const at = 4 * ((element.height - 1 - y) * element.width + x);
    const time = range.from + (((x + 0.5) / ratio - box.left) / box.width) * (range.to - range.from);
    const price = range.high - (((y + 0.5) / ratio - box.top) / box.height) * (range.high - range.low);
    return [time, price, ...all.subarray(at, at + 4)];
  });
  map.paint();
  return {
    pixels, scale, end: known.end, lattice: map.cells.raster.lattice,
    table: Array.from(lookUpTable(map.theme, map.choices.colours)),
    pixel: [(range.to - range.from) / box.width / ratio, (range.high - range.low) / box.height / ratio],
  };
}"""
UNKNOWN: Final = (255, 0, 255, 255)
LEAST: Final = 0.05

Book = tuple[dict[int, int], dict[int, int]]


def units(value: float) -> int:
    """Return a price or size as whole units of 1e-8."""
    return int((Decimal(repr(value)) * UNITS).to_integral_value())


@dataclass
class Listener:
    """A client of its own that hears what the page hears, and keeps every message."""

    seconds: dict[int, Frame] = field(default_factory=dict)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self, program: Program, symbol: str) -> None:
        """Take frames until cancelled."""
        async with listening(program.url(symbol, "?updates=1")) as connection:
            async for text in connection:
                async with self.grown:
                    self.take(json.loads(text))
                    self.grown.notify_all()

    def take(self, frame: Frame) -> None:
        """Keep a frame, and its history."""
        for row in (*frame.get("history", ()), frame):
            self.seconds[row["timestamp"]] = row

    async def until(self, timestamp: int) -> None:
        """Wait for the frame of this time."""
        async with self.grown:
            await self.grown.wait_for(lambda: timestamp in self.seconds)


@dataclass
class State:
    """The book from `time` on, with what it knows; `book` is None where nothing is."""

    time: float
    low: int = 0
    high: int = -1
    book: Book | None = None


def states_of(seconds: dict[int, Frame]) -> list[State]:
    """Return every state of the book, by the contract's own words and nothing else. Copies the book each time."""
    states: list[State] = [State(-math.inf)]
    book: Book | None = None
    u, low, high = 0, 0, -1
    heard = 0
    for timestamp in sorted(seconds):
        heard, before = timestamp, heard
        row = seconds[timestamp]
        if row["updates"] is None:
            if book is not None:
                states.append(State(max(states[-1].time, timestamp - 1000)))
            book = None
            continue
        if row["book"] is not None and (book is None or row["book"]["u"] != u):
            whole = row["book"]
            if book is not None:  # nothing leads to it: what was between is not known
                states.append(State(max(states[-1].time, min(before, whole["T"]))))
            sides = [{units(p): units(q) for p, q in whole[side]} for side in ("bids", "asks")]
            book, u, low, high = (sides[0], sides[1]), whole["u"], units(whole["low"]), units(whole["high"])
            states.append(State(max(states[-1].time, whole["T"]), low, high, (dict(book[0]), dict(book[1]))))
        for update in row["updates"] if book is not None else ():
            assert update["pu"] == u
            u = update["u"]
            for held, side in zip(book or (), ("bids", "asks"), strict=True):
                for price, size in update[side]:
                    held[units(price)] = units(size)
            low = units(update["low"]) if update.get("low") is not None else low
            high = units(update["high"]) if update.get("high") is not None else high
            bids, asks = book or ({}, {})
            book = (
                {price: size for price, size in bids.items() if size and price >= low},
                {price: size for price, size in asks.items() if size and price <= high},
            )
            states.append(State(max(states[-1].time, update["T"]), low, high, (dict(book[0]), dict(book[1]))))
    return states


@dataclass
class Cells:
    """Pixels of the map beside what they must be."""

    compared: int = 0
    known: int = 0
    coloured: int = 0
    wrong: list[str] = field(default_factory=list)


class Truth:
    """The cells that a lattice must show."""

    def __init__(self, states: list[State], facts: dict[str, Any]) -> None:
        self._states = states
        self._facts = facts
        lattice = facts["lattice"]
        self._tick, self._step, self._ms = lattice["tick"], lattice["step"], lattice["columnMs"]

    def cell(self, time: float, price: float) -> tuple[str, int] | None:
        """Return side and size (units) of the cell at a place, or None where it is not known throughout."""
        begin = math.floor(time / self._ms) * self._ms
        until = min(begin + self._ms, self._facts["end"])
        row = math.floor((price * UNITS + self._tick / 2) / self._step)
        first, last = row * self._step, (row + 1) * self._step - self._tick
        best = ("bid", 0)
        for index, state in enumerate(self._states):
            following = self._states[index + 1].time if index + 1 < len(self._states) else math.inf
            passing = state.time == following and begin <= state.time < until
            if not passing and (following < begin or state.time >= until):
                continue
            if state.book is None or first < state.low or last > state.high:
                return None
            for side, levels in zip(("bid", "ask"), state.book, strict=True):
                size = sum(size for at, size in levels.items() if first <= at < first + self._step)
                if size > best[1]:
                    best = (side, size)
        return best

    def colours(self, cell: tuple[str, int] | None) -> set[tuple[int, ...]]:
        """Return the colours that a cell may have: two where its size lies between two entries."""
        if cell is None:
            return {UNKNOWN}
        side, size = cell
        scale, table = self._facts["scale"], self._facts["table"]
        share = 0.0
        if size:
            along = math.log(size / scale["black"]) / math.log(scale["white"] / scale["black"])
            share = max(LEAST, min(1.0, max(0.0, along)) ** scale["gamma"])
        entries = {min(255, max(0, math.floor(share * 255 + 0.5 + noise))) for noise in (-0.03, 0, 0.03)}
        starts = [4 * (entry + (256 if side == "ask" else 0)) for entry in entries]
        return {tuple(table[start : start + 4]) for start in starts}


async def compare(
    watched: Watched, listener: Listener, *, count: int = 40, seed: int = 1, since: float = -math.inf
) -> Cells:
    """Hold pixels at random places of the map, from `since` (ms) on, against the messages."""
    places = random.Random(seed)  # noqa: S311
    asked = [[places.uniform(0.001, 0.975), places.uniform(0.002, 0.998)] for _ in range(count)]
    facts = await watched.do(PIXELS, {"places": asked, "theme": "dark"})
    await asyncio.wait_for(listener.until(facts["end"]), 30)
    seconds = {at: row for at, row in listener.seconds.items() if at <= facts["end"]}
    truth, found = Truth(states_of(seconds), facts), Cells()
    lattice, (wide, high) = facts["lattice"], facts["pixel"]
    for time, price, *shown in facts["pixels"]:
        if not since <= time < facts["end"]:
            continue
        columns = {math.floor((time + off * wide) / lattice["columnMs"]) for off in (-0.6, 0, 0.6)}
        rows = {
            math.floor(((price + off * high) * UNITS + lattice["tick"] / 2) / lattice["step"])
            for off in (-0.6, 0, 0.6)
        }
        # A pixel on the edge may show either cell, where cells are as small as pixels too.
        cells = [
            truth.cell((column + 0.5) * lattice["columnMs"], row * lattice["step"] / UNITS)
            for column in columns
            for row in rows
        ]
        found.compared += 1
        found.known += cells[0] is not None
        found.coloured += any(cell is not None and cell[1] > 0 for cell in cells)
        wanted = set().union(*(truth.colours(cell) for cell in cells))
        if not any(max(abs(a - b) for a, b in zip(shown, one, strict=True)) <= 2 for one in wanted):
            found.wrong.append(f"{time:.0f} at {price:.3f} ({cells}): {shown}, not {sorted(wanted)}")
    return found
