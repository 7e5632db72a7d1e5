// The times of day along the heatmap: local time, with UTC on hover.
"use strict";
(function (liquidity) {
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600]; // seconds
  const ROOM = 76; // px that a label needs

  /** Return the seconds at which labels stand: round ones, and not closer than `ROOM`. */
  function labelled(from, to, width) {
    const step = STEPS.find((seconds) => (seconds / (to - from)) * width >= ROOM) || STEPS[STEPS.length - 1];
    const seconds = [];
    for (let second = Math.ceil(from / step) * step; second <= to; second += step) seconds.push(second);
    return seconds;
  }

  /** Write the labels of `from` to `to` (seconds since the epoch) along an axis at `left`, `width` pixels long. */
  function showTimes(left, width, from, to) {
    const axis = document.getElementById("time-axis");
    const seconds = labelled(from, to, width);
    while (axis.children.length < seconds.length) axis.append(document.createElement("span"));
    [...axis.children].forEach((label, index) => {
      label.hidden = index >= seconds.length;
      if (label.hidden) return;
      label.style.left = `${left + ((seconds[index] - from) / (to - from)) * width}px`;
      const text = liquidity.readout.time(seconds[index] * 1000);
      if (label.textContent === text) return;
      label.textContent = text;
      label.title = liquidity.readout.utc(seconds[index] * 1000);
    });
  }

  liquidity.showTimes = showTimes;
})((window.liquidity = window.liquidity || {}));
