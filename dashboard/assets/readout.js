// The texts of the page: header, state, legend and hover.
"use strict";
(function (liquidity) {
  const NONE = "–";
  const STATES = { live: "LIVE", syncing: "SYNCING", stale: "STALE", disconnected: "DISCONNECTED" };
  const byId = (id) => document.getElementById(id);

  function setText(id, text) {
    const element = byId(id);
    if (element && element.textContent !== text) element.textContent = text;
  }

  /** Return the decimals that prices of this frame need. */
  function decimalsOf(frame) {
    const tick = frame?.ladders?.[0]?.step;
    return tick ? Math.max(0, Math.ceil(-Math.log10(tick) - 1e-9)) : 2;
  }

  // A formatter costs far more to make than to use.
  const numbers = new Map(); // by decimals
  const clock = new Intl.DateTimeFormat(undefined, {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  let legendTable = null;

  function number(value, decimals) {
    if (!numbers.has(decimals)) {
      const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
      numbers.set(decimals, new Intl.NumberFormat("en-US", digits));
    }
    return numbers.get(decimals).format(value);
  }

  function signed(value, decimals) {
    return (value > 0 ? "+" : value < 0 ? "−" : "") + number(Math.abs(value), decimals);
  }

  /** Return a size with three significant digits. */
  function size(value) {
    if (value === 0) return "0";
    return value >= 1000 ? number(value, 0) : String(Number(value.toPrecision(3)));
  }

  function time(ms) {
    return clock.format(ms);
  }

  function utc(ms) {
    return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
  }

  /** Write the header. Numbers go out unless `state` is live. */
  function showHeader(frame, state, reason) {
    const live = state === "live";
    const decimals = decimalsOf(frame);
    const write = (id, value, text) => setText(id, live && value !== null && value !== undefined ? text(value) : NONE);
    write("mid-price", frame?.mid_price, (value) => number(value, decimals + 1));
    write("number-spread", frame?.spread, (value) => number(value, decimals));
    write("number-microprice", frame?.microprice, (value) => number(value, decimals + 1));
    write("number-imbalance", frame?.imbalance, (value) => signed(value, 2));
    write("number-ofi", frame?.ofi, (value) => signed(value, 2));
    const health = state === "disconnected" ? null : frame?.health;
    setText("number-update-rate", health ? `${number(health.update_rate, 1)}/s` : NONE);
    const delay = health?.latency_ms.median;
    setText("number-latency", delay === null || delay === undefined ? NONE : `${number(delay, 0)} ms`);
    setText("state", STATES[state]);
    const trades = live && health && health.trades.state !== "open" ? `no trades: ${health.trades.reason || health.trades.state}` : "";
    setText("reason", live ? trades : reason);
    const source = byId("source");
    source.hidden = !frame;
    setText("source", frame ? frame.source.toUpperCase() : "");
    const page = byId("page");
    const simulated = frame?.source === "simulated" ? " simulated" : "";
    const name = `${state}${simulated} ${page.dataset.theme}`;
    if (page.className !== name) page.className = name;
    byId("veil").hidden = live;
    setText("veil-state", STATES[state]);
    setText("veil-reason", reason);
    document.title = live ? `${number(frame.mid_price, decimals + 1)} ${frame.symbol}` : `${STATES[state]} ${frame?.symbol ?? ""}`;
  }

  /** Draw the legend of the colour scale and write its ends. */
  function showLegend(table, range) {
    if (table !== legendTable) {
      legendTable = table;
      byId("legend").getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(table), 256, 2), 0, 0);
    }
    setText("legend-range", range ? `${size(range[0])} … ${size(range[1])}` : "");
  }

  /** Show what is at a point of the map (see MarketMap.pointAt), or hide it. */
  function showTooltip(point, clientX, clientY, decimals) {
    const tooltip = byId("map-tooltip");
    const cell = point?.cells ? liquidity.priceSteps.cellAt(point.cells, point.price) : null;
    if (!point || !point.row) {
      tooltip.hidden = true;
      return;
    }
    const at = point.second * 1000;
    const lines = [`${time(at)}  (${utc(at)})`];
    if (point.row.status !== "live") lines.push(`${STATES[point.row.status]}: ${point.row.reason}`);
    else if (cell) {
      const far = Math.max(decimals, 0);
      lines.push(`${number(cell.from, far)} – ${number(cell.to, far)}`, `${cell.side} ${size(cell.size)}`);
    } else lines.push(number(point.price, decimals), "outside the ten levels");
    for (const entry of point.detections) {
      lines.push(`${entry.kind}: ${liquidity.detectionList.detectionSummary(entry, decimals)}`);
    }
    tooltip.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    tooltip.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = tooltip;
    tooltip.style.left = `${Math.min(clientX + 14, window.innerWidth - width - 6)}px`;
    tooltip.style.top = `${Math.min(clientY + 14, window.innerHeight - height - 6)}px`;
  }

  liquidity.readout = { setText, decimalsOf, number, signed, size, time, utc, showHeader, showLegend, showTooltip };
})((window.liquidity = window.liquidity || {}));
