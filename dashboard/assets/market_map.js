// The map: heatmap layer, best prices, trades and detections over it, the book beside it, strips below it.
//
// Time runs in seconds from `zero`, the newest second while the map follows. So neither the axes' ranges nor
// the lines' x change from one second to the next, and Plotly need not lay the figure out anew, which costs
// as much as drawing it. The times of day along the axis are written by time_axis.js.
"use strict";
(function (liquidity) {
  const { WINDOW_SECONDS } = liquidity;
  const AXES = ["xaxis", "yaxis", "xaxis2", "yaxis2", "yaxis3", "yaxis4", "yaxis5"];
  const FOLLOWED = [-WINDOW_SECONDS, 2]; // seconds from the newest; some room after it
  const BUBBLES_A_SECOND = 3; // the largest prints; more would only cover one another
  const LARGEST_BUBBLE = 20; // px
  const FITS = 1.6; // a range this much larger than needed is made smaller
  const STRIPS = { mid: "yaxis2", spread: "yaxis3", ofi: "yaxis5" }; // the imbalance has a range of its own
  // The order of the traces in dashboard/figures.py.
  const TRACE = {
    bestBid: 0, bestAsk: 1, bought: 2, sold: 3, detections: 4, bids: 5, asks: 6, cumulativeBids: 7,
    cumulativeAsks: 8, mid: 9, spread: 10, imbalance: 11, ofi: 12, midInBook: 13,
  };

  /** Return `range` where `low` to `high` still fits it well, else a new one with some room. */
  function calmRange(range, low, high, room) {
    if (!(high >= low)) return range;
    const size = high - low || Math.abs(high) * 1e-3 || 1;
    if (range && low >= range[0] && high <= range[1] && range[1] - range[0] < FITS * size * (1 + 2 * room)) return range;
    return [low - room * size, high + room * size];
  }

  /** Return {x, y} of a ladder's side as bars on the price axis: one closed step a group. */
  function bars(cells, sizes) {
    const [x, y] = [[], []];
    for (const bin of [...sizes.keys()].sort((a, b) => a - b)) {
      const [from, to, size] = [bin * cells.step, (bin + 1) * cells.step, sizes.get(bin)];
      x.push(0, size, size, 0);
      y.push(from, from, to, to);
    }
    return { x, y };
  }

  /** Return {x, y} of a side's cumulative sizes as a stepped line away from the touch. */
  function cumulative(cells, sizes, side) {
    const bins = [...sizes.keys()].sort((a, b) => (side === "bid" ? b - a : a - b));
    const [x, y] = [[], []];
    let total = 0;
    for (const bin of bins) {
      const [near, far] = side === "bid" ? [bin + 1, bin] : [bin, bin + 1];
      x.push(total);
      y.push(near * cells.step);
      total += sizes.get(bin);
      x.push(total, total);
      y.push(near * cells.step, far * cells.step);
    }
    return { x, y };
  }

  /** Return {x, y} of a line across the book at the mid. */
  function midLine(cells) {
    return { x: [0, Math.max(...cells.bids.values(), ...cells.asks.values())], y: [cells.mid, cells.mid] };
  }

  class MarketMap {
    constructor(gd, canvas, onFollow) {
      this.gd = gd;
      this.following = true;
      this.onFollow = onFollow;
      this.stepIndex = null;
      this.cutOffs = [5, 99];
      this.theme = "dark";
      this.ranges = {}; // by axis, as last given to Plotly
      this.zero = 0; // the second that time is counted from
      this.end = 0; // the newest second of the window
      this.updating = false;
      this.rows = [];
      this.cells = new Map(); // by second, at the step shown
      this.layer = new liquidity.HeatmapLayer(canvas, () => this.rewrite());
      for (const event of ["plotly_afterplot", "plotly_relayouting", "plotly_autosize"]) gd.on(event, () => this.align());
      gd.on("plotly_relayout", (change) => this.relayouted(change));
      gd.on("plotly_doubleclick", () => this.follow());
    }

    /** Forget the window: another symbol follows. */
    clear() {
      this.rows = [];
      this.cells.clear();
      this.stepIndex = null;
      this.ranges = {};
      this.layer.reset(0, 0, 1);
      this.follow();
    }

    /** Show the newest second from now on. */
    follow() {
      this.following = true;
      this.ranges = {};
      this.onFollow(true);
      if (this.rows.length) this.draw();
    }

    relayouted(change) {
      // Only a person's drag or scroll moves the ranges while nothing is being updated.
      const moved = Object.keys(change).some((key) => /^[xy]axis\.range/.test(key));
      if (moved && !this.updating && this.following) {
        this.following = false;
        this.onFollow(false);
      }
      this.align();
    }

    /** Take the window's rows (see FrameStore.window); `changed` are the seconds that are new. */
    update(rows, changed, stepIndex) {
      this.rows = rows;
      if (stepIndex !== this.stepIndex) {
        this.stepIndex = stepIndex;
        delete this.ranges.yaxis;
        this.rewrite();
      } else {
        const oldest = rows.find((row) => row)?.timestamp / 1000;
        const newest = rows.findLast((row) => row)?.timestamp / 1000;
        for (const second of this.cells.keys()) {
          if (second < oldest || second > newest) this.cells.delete(second);
          if (second > newest) this.layer.write(second, null); // the engine's clock was set back
        }
        for (const row of rows) if (row && changed.includes(row.timestamp / 1000)) this.write(row);
      }
    }

    /** Write all rows into the layer: the step is another one, or the layer was lost. */
    rewrite() {
      this.cells.clear();
      const newest = this.rows.findLast((row) => row?.ladders);
      if (!newest || this.stepIndex === null) return;
      const { step } = newest.ladders[this.stepIndex];
      this.layer.reset(newest.timestamp / 1000 - WINDOW_SECONDS, Math.floor(newest.mid_price / step), step);
      for (const row of this.rows) if (row) this.write(row);
    }

    write(row) {
      const second = row.timestamp / 1000;
      const ladder = liquidity.priceSteps.ladderOf(row, this.stepIndex);
      if (ladder && Math.abs(ladder.step - this.layer.base.step) > 1e-12) {
        this.rewrite(); // the tick became known better
        return;
      }
      const cells = ladder ? liquidity.priceSteps.cellsOf(ladder, row.mid_price) : null;
      if (cells) this.cells.set(second, cells);
      else this.cells.delete(second);
      this.layer.write(second, cells);
    }

    /** Return what the axes show: {from, to} in seconds since the epoch, {low, high} in USDT. */
    view() {
      const { xaxis, yaxis } = this.gd._fullLayout;
      return {
        from: this.zero + xaxis.range[0], to: this.zero + xaxis.range[1], low: yaxis.range[0], high: yaxis.range[1],
      };
    }

    /** Return {cells, row, price, second} at a point of the page, or null outside the heatmap. */
    pointAt(clientX, clientY) {
      const { xaxis, yaxis } = this.gd._fullLayout;
      const box = this.gd.getBoundingClientRect();
      const [x, y] = [clientX - box.left - xaxis._offset, clientY - box.top - yaxis._offset];
      if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return null;
      const second = Math.floor(this.zero + xaxis.p2l(x)) + 1; // a row's second ends at its time
      const row = this.rows.find((candidate) => candidate?.timestamp === second * 1000) || null;
      return { second, price: yaxis.p2l(y), row, cells: this.cells.get(second) || null };
    }

    /** Put the layer and the times where the axes are. */
    align() {
      const { xaxis, yaxis } = this.gd._fullLayout || {};
      if (!xaxis || !yaxis) return;
      const view = this.view();
      this.layer.draw({ left: xaxis._offset, top: yaxis._offset, width: xaxis._length, height: yaxis._length, ...view });
      liquidity.showTimes(xaxis._offset, xaxis._length, view.from, view.to);
    }

    /** Set the colours' range from the sizes that are visible. */
    measure() {
      const { from, to, low, high } = this.view();
      const sizes = [];
      for (const [second, cells] of this.cells) {
        if (second <= from || second > to + 1) continue;
        for (const side of [cells.bids, cells.asks]) {
          for (const [bin, size] of side) {
            if ((bin + 1) * cells.step > low && bin * cells.step < high) sizes.push(size);
          }
        }
      }
      const range = liquidity.colourScale.rangeOf(sizes, ...this.cutOffs);
      if (range) this.layer.range = range;
    }

    /** Return the ranges that axes should have now, calm from one second to the next: {axis: [low, high]}. */
    wantedRanges(book) {
      const live = this.rows.filter((row) => row?.status === "live");
      const wanted = { ...this.ranges };
      const want = (axis, values, room) => {
        wanted[axis] = calmRange(this.ranges[axis], Math.min(...values), Math.max(...values), room);
      };
      want(STRIPS.mid, live.map((row) => row.mid_price), 0.1);
      want(STRIPS.spread, [0, ...live.map((row) => row.spread)], 0.05);
      want(STRIPS.ofi, live.flatMap((row) => [row.ofi, -row.ofi]), 0.05);
      if (book) {
        const sum = (sizes) => [...sizes.values()].reduce((total, size) => total + size, 0);
        want("xaxis2", [0, 1.03 * Math.max(sum(book.bids), sum(book.asks))], 0);
        want("xaxis3", [0, 1.03 * Math.max(...book.bids.values(), ...book.asks.values())], 0);
      }
      if (this.following) {
        const edges = [...this.cells.values()].flatMap((cells) => [cells.low * cells.step, (cells.high + 1) * cells.step]);
        want("yaxis", edges, 0.05);
        wanted.xaxis = FOLLOWED;
      }
      return wanted;
    }

    /** Bring the figure up to date with the rows. `live` says whether the newest second may be shown as such. */
    draw(live = this.live) {
      this.live = live;
      if (this.gd._dragging || !this.rows.length) return;
      if (this.following) this.zero = this.end;
      const book = live ? this.cells.get(this.end) : null;
      const wanted = this.wantedRanges(book);
      const layout = {};
      for (const [axis, range] of Object.entries(wanted)) {
        if (range && range !== this.ranges[axis]) layout[`${axis}.range`] = range.slice();
      }
      this.ranges = wanted;
      const { data, indices } = this.traces(book);
      this.updating = true;
      if (Object.keys(layout).length) window.Plotly.update(this.gd, data, layout, indices);
      else window.Plotly.restyle(this.gd, data, indices);
      this.updating = false;
      this.measure();
      this.align();
    }

    traces(book) {
      const { rows } = this;
      const first = this.end - this.zero - rows.length + 1;
      const times = rows.map((_, index) => first + index);
      const column = (read) => rows.map((row) => (row && row.status === "live" ? read(row) : null));
      const none = { x: [], y: [] };
      const parts = new Map([
        [TRACE.bestBid, { x: times, y: column((row) => row.bid_levels[0][0]) }],
        [TRACE.bestAsk, { x: times, y: column((row) => row.ask_levels[0][0]) }],
        [TRACE.bids, book ? bars(book, book.bids) : none],
        [TRACE.asks, book ? bars(book, book.asks) : none],
        [TRACE.cumulativeBids, book ? cumulative(book, book.bids, "bid") : none],
        [TRACE.cumulativeAsks, book ? cumulative(book, book.asks, "ask") : none],
        [TRACE.mid, { x: times, y: column((row) => row.mid_price) }],
        [TRACE.spread, { x: times, y: column((row) => row.spread) }],
        [TRACE.imbalance, { x: times, y: column((row) => row.imbalance) }],
        [TRACE.ofi, { x: times, y: column((row) => row.ofi) }],
        [TRACE.midInBook, book ? midLine(book) : none],
        ...this.bubbles(),
        [TRACE.detections, this.detections()],
      ]);
      const indices = [...parts.keys()];
      const of = (key) => indices.map((index) => parts.get(index)[key]);
      const data = { x: of("x"), y: of("y") };
      const marked = indices.map((index) => parts.get(index).size ?? 6);
      data["marker.size"] = marked;
      return { data, indices };
    }

    /** Return the largest prints of each second, as bubbles whose area is their size. */
    bubbles() {
      const prints = [];
      for (const row of this.rows) {
        if (row?.trades) prints.push(...row.trades.largest.slice(0, BUBBLES_A_SECOND));
      }
      const sizes = prints.map(([, size]) => size).sort((a, b) => a - b);
      const reference = sizes[Math.floor(0.99 * (sizes.length - 1))] || 1;
      const smallest = sizes[Math.floor(0.4 * (sizes.length - 1))] || 0;
      const of = (side) => {
        const mine = prints.filter((print) => print[2] === side && print[1] >= smallest);
        return {
          x: mine.map((print) => print[3] / 1000 - this.zero),
          y: mine.map((print) => print[0]),
          size: mine.map((print) => 3 + (LARGEST_BUBBLE - 3) * Math.sqrt(Math.min(1, print[1] / reference))),
        };
      };
      return [[TRACE.bought, of("buy")], [TRACE.sold, of("sell")]];
    }

    detections() {
      const found = this.rows.flatMap((row) => row?.detections || []);
      const begun = found.filter((entry) => entry.event === "opened" || entry.event === "fired");
      return {
        x: begun.map((entry) => entry.time / 1000 - this.zero),
        y: begun.map((entry) => entry.price),
        size: begun.map(() => 11),
      };
    }

    /** Give the figure another theme's colours. */
    setTheme(name) {
      this.theme = name;
      const theme = liquidity.themes.THEMES[name];
      const order = Object.values(TRACE);
      const lines = {
        bestBid: theme.bid, bestAsk: theme.ask, bids: theme.bid, asks: theme.ask, cumulativeBids: theme.bid,
        cumulativeAsks: theme.ask, mid: theme.line, spread: theme.line, imbalance: theme.line, ofi: theme.line,
        midInBook: theme.mid,
      };
      const markers = { bought: theme.bought, sold: theme.sold, detections: theme.detection };
      const names = Object.keys(TRACE);
      this.layer.setColours(liquidity.colourScale.lookUpTable(name));
      this.updating = true;
      window.Plotly.update(
        this.gd,
        {
          "line.color": names.map((key) => lines[key] ?? theme.line),
          "marker.color": names.map((key) => markers[key] ?? theme.line),
          "marker.line.color": theme.edge,
          fillcolor: names.map((key) => (key === "bids" ? theme.bidFill : key === "asks" ? theme.askFill : "rgba(0,0,0,0)")),
        },
        liquidity.themes.layoutOf(name, AXES),
        order,
      );
      this.updating = false;
      this.align();
    }
  }

  liquidity.MarketMap = MarketMap;
})((window.liquidity = window.liquidity || {}));
