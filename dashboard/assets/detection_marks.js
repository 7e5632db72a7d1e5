// Detections on the map, as shapes of shape_layer.js: a mark where each begins, a line for as long as it lasts. Pure.
"use strict";
(function (liquidity) {
  const MARK = 9; // px

  /** Return {marks, lines} of the window's detections; one still open reaches to `end`, seconds since the epoch. */
  function detectionShapes(rows, end) {
    const detections = liquidity.detectionList.latestDetections(rows);
    const span = (entry) => {
      if (entry.event === "fired") return null;
      const until = entry.event === "closed" ? entry.time / 1000 : end;
      return [entry.started_at / 1000, entry.price, until, entry.price];
    };
    return {
      marks: detections.map((entry) => [entry.started_at / 1000, entry.price, MARK]),
      lines: detections.map(span).filter(Boolean),
    };
  }

  /** Return those detections that are within `seconds` and `distance` (USDT) of a point of the map. */
  function detectionsNear(rows, end, { second, price }, seconds, distance) {
    return liquidity.detectionList.latestDetections(rows).filter((entry) => {
      const until = entry.event === "opened" || entry.event === "updated" ? end : entry.time / 1000;
      const inTime = second > entry.started_at / 1000 - seconds && second < until + seconds;
      return inTime && Math.abs(price - entry.price) <= distance;
    });
  }

  liquidity.detectionMarks = { detectionShapes, detectionsNear };
})((window.liquidity = window.liquidity || {}));
