// The map: heatmap with best prices, trades and detections over it, the book beside it, strips below it.
//
// What changes every second is drawn by the layers of one WebGL canvas under Plotly's figure, which has no
// data: it has the axes, and a person's zoom and drag. A layout of the figure costs more than all drawing, so
// Plotly is called only when an axis must show another range. Therefore time runs in seconds from `zero`, the
// newest second while the map follows, and the axis of time stays the same. The times of day along it are
// written by time_axis.js.
"use strict";
(function (liquidity) {
  const AXES = ["xaxis", "yaxis", "xaxis2", "yaxis2", "yaxis3", "yaxis4", "yaxis5"];
  const STROKE = 1.5; // CSS px
  const BAR_EDGE = 0.5;
  const BUBBLE_EDGE = 1;
  const NEAR = 7; // CSS px from a detection at which hovering tells of it

  // Each shape's panel (see MarketMap.panels) and look in the order of drawing; colours are names of themes.js.
  const SHAPES = [
    ["best bid", "map", { fill: "bid", stroke: STROKE }],
    ["best ask", "map", { fill: "ask", stroke: STROKE }],
    ["bought", "map", { fill: "bought", edge: "edge", edgeWidth: BUBBLE_EDGE }],
    ["sold", "map", { fill: "sold", edge: "edge", edgeWidth: BUBBLE_EDGE }],
    ["detection lines", "map", { fill: "detection", stroke: 2 }],
    ["detections", "map", { fill: "detection", edge: "edge", edgeWidth: BUBBLE_EDGE }],
    ["bids", "bars", { fill: "bidFill", edge: "bid", edgeWidth: BAR_EDGE }],
    ["asks", "bars", { fill: "askFill", edge: "ask", edgeWidth: BAR_EDGE }],
    ["cumulative bids", "depth", { fill: "bid", stroke: STROKE }],
    ["cumulative asks", "depth", { fill: "ask", stroke: STROKE }],
    ["order", "depth", { fill: "orderFill", edge: "order", edgeWidth: STROKE }],
    ["mid in the book", "bars", { fill: "mid", stroke: STROKE }],
    ["mid", "mid", { fill: "line", stroke: STROKE }],
    ["spread", "spread", { fill: "line", stroke: STROKE }],
    ["imbalance", "imbalance", { fill: "line", stroke: STROKE }],
    ["ofi", "ofi", { fill: "line", stroke: STROKE }],
  ];

  class MarketMap {
    constructor(gd, element, onFollow) {
      this.gd = gd;
      this.following = true;
      this.onFollow = onFollow;
      this.stepIndex = null;
      this.cutOffs = [5, 99];
      this.ranges = {}; // by axis, see axis_ranges.js
      this.zero = 0; // the second that time is counted from
      this.end = 0; // the newest second of the window
      this.updating = false;
      this.looks = [];
      this.order = null; // an answer of /simulate for this second
      this.rows = [];
      this.cells = new Map(); // by second, at the step shown
      this.canvas = new liquidity.GlCanvas(element, () => this.restored());
      this.layer = new liquidity.HeatmapLayer(this.canvas);
      this.shapes = new liquidity.ShapeLayer(this.canvas);
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
      this.writeShapes(null);
      this.follow();
      this.align();
    }

    /** Show the newest second from now on. */
    follow() {
      this.following = true;
      delete this.ranges.xaxis; // a person has moved them
      delete this.ranges.yaxis;
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
          if (second >= oldest && second <= newest) continue;
          this.cells.delete(second);
          this.layer.write(second, null); // it may come into view again where the engine's clock was set back
        }
        for (const row of rows) if (row && changed.includes(row.timestamp / 1000)) this.write(row);
      }
    }

    restored() {
      this.rewrite();
      this.align();
    }

    /** Write all rows into the layer: the step is another one, or the layer was lost. */
    rewrite() {
      this.cells.clear();
      const newest = this.rows.findLast((row) => row?.ladders);
      if (!newest || this.stepIndex === null) return;
      const { step } = newest.ladders[this.stepIndex];
      this.layer.reset(newest.timestamp / 1000 - liquidity.WINDOW_SECONDS, Math.floor(newest.mid_price / step), step);
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

    /** Return the map's panels: where each lies in the figure, in CSS pixels, and what its axes show.
     *
     * Time is in seconds since the epoch. Bars have a scale of their own, since each is far less than the depth.
     */
    panels() {
      const { xaxis, yaxis, xaxis2, yaxis2, yaxis3, yaxis4, yaxis5 } = this.gd._fullLayout;
      const panel = (across, upwards, [from, to] = across.range) => ({
        left: across._offset, top: upwards._offset, width: across._length, height: upwards._length,
        from, to, low: upwards.range[0], high: upwards.range[1],
      });
      const time = xaxis.range.map((seconds) => this.zero + seconds);
      return {
        map: panel(xaxis, yaxis, time),
        depth: panel(xaxis2, yaxis),
        bars: panel(xaxis2, yaxis, this.ranges.bars),
        mid: panel(xaxis, yaxis2, time),
        spread: panel(xaxis, yaxis3, time),
        imbalance: panel(xaxis, yaxis4, time),
        ofi: panel(xaxis, yaxis5, time),
      };
    }

    /** Return what the heatmap shows: {from, to} in seconds since the epoch, {low, high} in USDT. */
    view() {
      const { from, to, low, high } = this.panels().map;
      return { from, to, low, high };
    }

    /** Return {cells, row, price, second, detections} at a point of the page, or null outside the heatmap. */
    pointAt(clientX, clientY) {
      const { xaxis, yaxis } = this.gd._fullLayout;
      const box = this.gd.getBoundingClientRect();
      const [x, y] = [clientX - box.left - xaxis._offset, clientY - box.top - yaxis._offset];
      if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return null;
      const second = Math.floor(this.zero + xaxis.p2l(x)) + 1; // a row's second ends at its time
      const row = this.rows.find((candidate) => candidate?.timestamp === second * 1000) || null;
      const price = yaxis.p2l(y);
      const [seconds, distance] = [NEAR * xaxis.p2l(1) - NEAR * xaxis.p2l(0), NEAR * (yaxis.p2l(0) - yaxis.p2l(1))];
      const detections = liquidity.detectionMarks.detectionsNear(this.rows, this.end, { second, price }, seconds, distance);
      return { second, price, row, cells: this.cells.get(second) || null, detections };
    }

    /** Draw the layers and the times where the axes are. */
    align() {
      const { xaxis, yaxis } = this.gd._fullLayout || {};
      if (!xaxis || !yaxis || this.updating) return;
      const panels = this.panels();
      this.canvas.clear();
      this.layer.draw(panels.map);
      for (const [name, panel, look] of this.looks) this.shapes.draw(name, panels[panel], look);
      liquidity.showTimes(panels.map.left, panels.map.width, panels.map.from, panels.map.to);
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

    /** Bring the map up to date with the rows. `live` says whether the newest second may be shown as such. */
    draw(live = this.live) {
      this.live = live;
      if (this.gd._dragging || !this.rows.length) return;
      if (this.following) this.zero = this.end;
      const { rows, cells, following } = this;
      const book = (live && cells.get(this.end)) || null;
      this.writeShapes(book);
      this.showRanges(liquidity.axisRanges.wantedRanges(this.ranges, { rows, cells, book, following }));
      this.measure();
      this.align();
    }

    /** Give the axes these ranges; those that have them already cost nothing.
     *
     * The figure is asked what it shows, since Dash's graph may have given it its first layout again. A person's
     * own view of the heatmap stays.
     */
    showRanges(wanted) {
      const layout = {};
      for (const axis of this.following ? AXES : AXES.filter((name) => name !== "xaxis" && name !== "yaxis")) {
        const shown = this.gd._fullLayout[axis].range;
        if (wanted[axis]?.some((end, index) => end !== shown[index])) layout[`${axis}.range`] = wanted[axis].slice();
      }
      this.ranges = wanted;
      if (Object.keys(layout).length) this.updateFigure(layout);
    }

    updateFigure(layout) {
      this.updating = true;
      window.Plotly.update(this.gd, {}, layout); // which says less than a relayout: that is a person's
      this.updating = false;
    }

    /** Write all shapes but the cells. */
    writeShapes(book) {
      const { rows, end, shapes } = this;
      const { bars, cumulative, midLine } = liquidity.bookProfile;
      const line = (name, read) => shapes.write(name, "boxes", liquidity.stepLine(rows, end, read));
      line("best bid", (row) => row.bid_levels[0][0]);
      line("best ask", (row) => row.ask_levels[0][0]);
      line("mid", (row) => row.mid_price);
      line("spread", (row) => row.spread);
      line("imbalance", (row) => row.imbalance);
      line("ofi", (row) => row.ofi);
      const { buy, sell } = liquidity.tradeBubbles(rows);
      shapes.write("bought", "bubbles", buy);
      shapes.write("sold", "bubbles", sell);
      const { marks, lines } = liquidity.detectionMarks.detectionShapes(rows, end);
      shapes.write("detections", "bubbles", marks);
      shapes.write("detection lines", "boxes", lines);
      shapes.write("bids", "boxes", book ? bars(book, book.bids) : []);
      shapes.write("asks", "boxes", book ? bars(book, book.asks) : []);
      shapes.write("cumulative bids", "boxes", book ? cumulative(book, book.bids, "bid") : []);
      shapes.write("cumulative asks", "boxes", book ? cumulative(book, book.asks, "ask") : []);
      if (!book) shapes.write("order", "boxes", []);
      shapes.write("mid in the book", "boxes", book ? midLine(book) : []);
    }

    /** Show what a simulated order takes, or nothing for null. */
    showOrder(order) {
      if (order === this.order) return;
      this.order = order;
      this.shapes.write("order", "boxes", order && this.live ? liquidity.bookProfile.orderBox(order) : []);
      this.align();
    }

    /** Give layers and figure another theme's colours. */
    setTheme(name) {
      const { THEMES, premultiplied, layoutOf } = liquidity.themes;
      const colour = (key) => key && premultiplied(THEMES[name][key]);
      this.looks = SHAPES.map(([shape, panel, { fill, edge, ...widths }]) => (
        [shape, panel, { fill: colour(fill), edge: colour(edge), ...widths }]
      ));
      this.layer.setColours(liquidity.colourScale.lookUpTable(name));
      this.updateFigure(layoutOf(name, AXES));
      this.align();
    }
  }

  liquidity.MarketMap = MarketMap;
})((window.liquidity = window.liquidity || {}));
