// The list of detections: one line each, in words that a person reads at a glance. All figures are in its tooltip.
"use strict";
(function (liquidity) {
  const MOST_SHOWN = 100;

  /** Return the latest entry of each detection in the window, the one that began last first. */
  function latestDetections(rows) {
    const byId = new Map();
    for (const row of rows) {
      for (const entry of row?.detections ?? []) {
        if (entry.event !== "closed" || entry.reason !== "interrupted" || !byId.has(entry.id)) byId.set(entry.id, entry);
        else byId.set(entry.id, { ...entry, evidence: byId.get(entry.id).evidence }); // which has no figures of its own
      }
    }
    return Array.from(byId.values()).sort((a, b) => b.started_at - a.started_at);
  }

  // What each kind's evidence says; sizes in base asset, prices in USDT.
  const SUMMARIES = {
    wall: (e, { size, ratio, seconds }) => (
      e.lost === undefined
        ? `${size(e.size)}, ${ratio(e.size / e.median_size)} the median, for ${seconds(e.held_ms)}`
        : `lost ${size(e.lost)}, of that traded ${size(e.traded)}, after ${seconds(e.held_ms)}`
    ),
    sweep: (e, { size, price }) => (
      `${e.levels} levels, ${size(e.volume)} in ${e.duration_ms} ms, to ${price(e.last_price)}`
    ),
    absorption: (e, { size }) => (
      `took ${size(e.volume)} where ${size(e.largest_size)} showed at most, ${e.refills} refills`
    ),
    layering: (e, { share }) => `${e.levels} levels, changed ${e.changes.join(", ")} times, ${share(e.traded_share)} traded`,
    iceberg: (e, { size }) => `took ${size(e.volume)} in ${e.trade_count} trades, about ${size(e.hidden_volume)} hidden`,
    exhaustion: (e, { size, price }) => (
      `depth ${size(e.depth_before)} to ${size(e.depth_after)}, spread ${price(e.spread)}, mid ${e.direction} to ${price(e.mid)}`
    ),
  };

  /** Return what a detection's evidence says in a few words, with prices of so many decimals. */
  function detectionSummary({ kind, evidence }, decimals) {
    const { size, number } = liquidity.readout;
    const formats = {
      size,
      price: (value) => number(value, decimals),
      ratio: (value) => `${value.toPrecision(2)} x`,
      seconds: (ms) => `${number(ms / 1000, 1)} s`,
      share: (value) => `${number(100 * value, 0)} %`,
    };
    let summary = null;
    try {
      summary = SUMMARIES[kind](evidence, formats);
    } catch {
      // a kind, or figures, that this page does not know
    }
    return summary === null || /NaN|undefined/.test(summary) ? allFigures(evidence) : summary;
  }

  function allFigures(evidence) {
    return Object.entries(evidence).map(([key, value]) => `${key.replaceAll("_", " ")}: ${JSON.stringify(value)}`).join("\n");
  }

  /** Write the window's detections. */
  function showDetections(rows, decimals) {
    const { time, utc, number } = liquidity.readout;
    const entries = latestDetections(rows).slice(0, MOST_SHOWN);
    const body = document.getElementById("detections-rows");
    const key = entries.map((entry) => `${entry.id} ${entry.event} ${entry.time}`).join();
    if (body.dataset.key === key) return;
    body.dataset.key = key;
    body.replaceChildren(...entries.map((entry) => {
      const open = entry.event === "opened" || entry.event === "updated";
      const what = open ? "open" : (entry.reason ?? "").replaceAll("_", " ");
      const texts = [
        time(entry.started_at), `${entry.kind} ${what}`.trim(), entry.side, number(entry.price, decimals),
        detectionSummary(entry, decimals),
      ];
      const row = document.createElement("tr");
      row.append(...texts.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      row.className = `${entry.side}${open ? " open" : ""}`;
      row.title = `${utc(entry.started_at)} to ${utc(entry.time)}\n${allFigures(entry.evidence)}`;
      return row;
    }));
    document.getElementById("detections-none").hidden = entries.length > 0;
  }

  liquidity.detectionList = { latestDetections, detectionSummary, showDetections };
})((window.liquidity = window.liquidity || {}));
