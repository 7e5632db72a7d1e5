// What the map's axes should show, calm from one second to the next: other ranges cost Plotly a layout. Pure.
"use strict";
(function (liquidity) {
  const FITS = 1.6; // a range this much larger than needed is made smaller
  const SECONDS_AHEAD = 2; // some room after the newest second

  /** Return `range` where `low` to `high` still fits it well, else a new one.
   *
   * `below` and `above` are the shares of `high - low` that a new range has as room at its ends.
   */
  function calmRange(range, low, high, below, above) {
    if (!(high >= low)) return range;
    const size = high - low || Math.abs(high) * 1e-3 || 1;
    const loose = FITS * size * (1 + below + above);
    if (range && low >= range[0] && high <= range[1] && range[1] - range[0] < loose) return range;
    return [low - below * size, high + above * size];
  }

  /** Return the ranges of the map's axes by name.
   *
   * `ranges` are those of the second before. `rows` is the window, `cells` its cells by second, `book` those of
   * the book beside the map, or null, and `following` says whether the map itself is to show the newest second.
   * `bars` is no axis of the figure: it is the scale of the book's bars.
   */
  function wantedRanges(ranges, { rows, cells, book, following }) {
    const live = rows.filter((row) => row?.status === "live");
    const wanted = { ...ranges };
    const want = (axis, values, below, above) => {
      wanted[axis] = calmRange(ranges[axis], Math.min(...values), Math.max(...values), below, above);
    };
    want("yaxis2", live.map((row) => row.mid_price), 0.1, 0.1);
    want("yaxis3", [0, ...live.map((row) => row.spread)], 0.05, 0.1);
    want("yaxis5", live.flatMap((row) => [row.ofi, -row.ofi]), 0.05, 0.05);
    if (book) {
      want("xaxis2", [0, liquidity.bookProfile.deepest(book)], 0, 0.12);
      want("bars", [0, liquidity.bookProfile.largest(book)], 0, 0.12);
    }
    if (following) {
      const edges = [...cells.values()].flatMap(({ low, high, step }) => [low * step, (high + 1) * step]);
      want("yaxis", edges, 0.05, 0.05);
      want("xaxis", [-liquidity.WINDOW_SECONDS, SECONDS_AHEAD], 0, 0);
    }
    return wanted;
  }

  liquidity.axisRanges = { calmRange, wantedRanges };
})((window.liquidity = window.liquidity || {}));
