// Step lines as the boxes of shape_layer.js: one [x, y, x, y] for each segment. Pure.
"use strict";
(function (liquidity) {
  /** Return the line of one value a second: a row's value holds from the second before its time to its time.
   *
   * `rows` is one row a second, the last one of which ends at `end` (seconds since the epoch). The line breaks
   * where a row is missing or not live, or where `read(row)` is null.
   */
  function stepLine(rows, end, read) {
    const segments = [];
    let before = null;
    rows.forEach((row, index) => {
      const value = row?.status === "live" ? read(row) ?? null : null;
      const second = end - rows.length + 1 + index;
      if (value !== null && value === before) {
        segments.at(-1)[2] = second; // two segments would show where they touch
      } else if (value !== null) {
        if (before !== null) segments.push([second - 1, before, second - 1, value]);
        segments.push([second - 1, value, second, value]);
      }
      before = value;
    });
    return segments;
  }

  /** Return the line through points [x, y], each of which differs from the one before in x or in y only. */
  function lineThrough(points) {
    return points.slice(1).map((point, index) => [...points[index], ...point]);
  }

  liquidity.stepLine = stepLine;
  liquidity.lineThrough = lineThrough;
})((window.liquidity = window.liquidity || {}));
