// Puts the page together: frames in, one update a second, and what its buttons do.
"use strict";
(function (liquidity) {
  const TICK_MS = 250;
  const LATE_MS = 2500; // without a frame for so long the page says that it is disconnected
  const KEPT_TIMINGS = 600;
  const STEPS = ["auto", "x1", "x10", "x50", "x100"];

  class Page {
    /** `connection` already follows the first symbol. */
    constructor(connection) {
      this.root = document.getElementById("page");
      this.root.dataset.theme = storedTheme();
      const { symbols, cutOffs } = this.root.dataset;
      this.symbols = symbols.split(",");
      this.symbol = this.symbols[0];
      this.store = new liquidity.FrameStore();
      this.connection = connection;
      this.step = "auto";
      this.stepIndex = null;
      this.logarithmic = true;
      this.lead = Infinity; // how far this machine's clock is ahead of the frames' times, at least
      this.drawnSecond = null;
      this.drawnAt = 0;
      this.changed = [];
      this.timings = []; // ms of JavaScript for each update: {map, layer, surface, all}
      const gd = document.querySelector("#map .js-plotly-plot");
      this.map = new liquidity.MarketMap(gd, document.getElementById("map-canvas"), (on) => press("follow", on));
      this.map.cutOffs = cutOffs.split(",").map(Number);
      this.surface = new liquidity.BookSurface(document.getElementById("surface"));
      const api = `${window.location.protocol}//${window.location.hostname}:${this.root.dataset.apiPort}`;
      this.impact = new liquidity.ImpactForm(api, (order) => this.map.showOrder(order));
      this.health = new liquidity.HealthPanel(api);
      this.hover(gd);
      this.keys();
      this.applyTheme();
      this.drain();
      window.setInterval(() => this.tick(), TICK_MS);
      document.addEventListener("visibilitychange", () => this.drawSoon());
    }

    // --- frames ---------------------------------------------------------------------------------------

    /** Take all waiting frames. */
    drain() {
      let fresh = false;
      for (const { url, text, at } of liquidity.messageQueue.take()) {
        if (!this.connection.heard(url, at)) continue;
        const frame = JSON.parse(text);
        if (frame.symbol !== this.symbol) continue;
        if (frame.timestamp / 1000 < this.store.newest) this.lead = Infinity; // the engine's clock was set back
        this.changed.push(...this.store.apply(frame));
        this.lead = Math.min(this.lead, at - frame.timestamp);
        fresh = true;
      }
      if (fresh) this.drawSoon();
    }

    /** Draw with the browser's next picture: once, however many frames came; and not while the page is hidden. */
    drawSoon() {
      window.cancelAnimationFrame(this.nextDrawing);
      this.nextDrawing = window.requestAnimationFrame(() => this.draw());
    }

    /** Note what the stream's component says of its socket. */
    stateChanged(state) {
      if (state && state.readyState === window.WebSocket.CLOSED) this.connection.lost();
    }

    tick() {
      const now = Date.now();
      this.drain();
      this.connection.tick(now);
      if (document.hidden) return;
      const second = Math.floor((now - (Number.isFinite(this.lead) ? this.lead : 0)) / 1000);
      const late = this.store.frame !== null && second > this.store.newest + 1;
      // Where drawing is slow, leave time to hear the frames that would end being late.
      const rested = now - this.drawnAt > 3 * (this.timings.at(-1)?.all ?? 0);
      if (late && rested && second !== this.drawnSecond) this.draw();
      else this.showState();
    }

    /** Return [state, reason]: what the newest frame says, unless there is none to trust. */
    state() {
      const { frame } = this.store;
      if (frame === null) return ["disconnected", `no frame of ${this.symbol} yet; connecting to the API`];
      const age = Date.now() - this.lead - frame.timestamp;
      if (age > LATE_MS) return ["disconnected", `no frame for ${Math.round(age / 1000)} s; connecting to the API`];
      return [frame.status, frame.reason || ""];
    }

    /** Return the newest frame, or null while it says nothing of now. */
    heard() {
      return this.state()[0] === "disconnected" ? null : this.store.frame;
    }

    showState() {
      liquidity.readout.showHeader(this.store.frame, ...this.state());
    }

    // --- drawing ----------------------------------------------------------------------------------------

    draw() {
      const begin = performance.now();
      const rows = this.store.window();
      const [state] = this.state();
      if (!rows.length) return;
      const late = Math.floor((Date.now() - this.lead) / 1000);
      const end = state === "disconnected" ? Math.max(late, this.store.newest) : this.store.newest;
      for (let second = this.store.newest; second < end; second += 1) {
        rows.shift();
        rows.push(null); // time goes on, and nothing is known of it
      }
      this.drawnSecond = end;
      if (this.step === "auto") this.stepIndex = liquidity.priceSteps.chooseStep(rows, this.stepIndex);
      else this.stepIndex = STEPS.indexOf(this.step) - 1;
      this.map.end = end;
      const beforeLayer = performance.now();
      this.map.update(rows, this.changed, this.stepIndex);
      this.changed = [];
      const beforeMap = performance.now();
      this.map.draw(state === "live");
      const beforeSurface = performance.now();
      this.showState();
      this.showScale();
      this.askImpact();
      this.health.draw(this.heard());
      liquidity.detectionList.showDetections(rows, liquidity.readout.decimalsOf(this.store.frame));
      const timing = {
        layer: beforeMap - beforeLayer, map: beforeSurface - beforeMap, surface: 0, all: performance.now() - begin,
      };
      this.timings.push(timing);
      this.drawnAt = Date.now();
      if (this.timings.length > KEPT_TIMINGS) this.timings.shift();
      // In a task of its own, after the map is on the screen; and never in a page that is not.
      window.cancelAnimationFrame(this.surfaceFrame);
      this.surfaceFrame = window.requestAnimationFrame(() => {
        this.surfaceTask = window.setTimeout(() => this.drawSurface(rows, timing));
      });
    }

    drawSurface(rows, timing) {
      const begin = performance.now();
      this.surface.draw(rows, this.stepIndex, this.map.layer.range, this.logarithmic);
      timing.surface = performance.now() - begin;
      timing.all += timing.surface;
    }

    showScale() {
      const { layer } = this.map;
      liquidity.readout.showLegend(layer.table, layer.range);
      const step = this.map.layer.base.step;
      liquidity.readout.setText("step-shown", this.stepIndex === null ? "" : `${Number(step.toPrecision(6))} USDT a cell`);
    }

    // --- what a person does -------------------------------------------------------------------------------

    chooseSymbol(symbol) {
      if (symbol === this.symbol) return;
      this.symbol = symbol;
      for (const name of this.symbols) press(`symbol-${name}`, name === symbol);
      this.store.clear();
      this.lead = Infinity;
      this.drawnSecond = null;
      this.stepIndex = null;
      this.changed = [];
      window.cancelAnimationFrame(this.nextDrawing);
      window.cancelAnimationFrame(this.surfaceFrame);
      window.clearTimeout(this.surfaceTask);
      this.map.clear();
      this.surface.clear();
      liquidity.detectionList.showDetections([], 0);
      liquidity.readout.showTooltip(null);
      liquidity.readout.showLegend(this.map.layer.table, null);
      liquidity.readout.setText("step-shown", "");
      this.impact.clear();
      this.health.draw(null);
      this.connection.follow(symbol, Date.now());
      this.showState();
    }

    /** Have the form ask what its order costs now, unless the newest second has no book to be asked for. */
    askImpact() {
      const [state, reason] = this.state();
      if (state === "live") this.impact.ask(this.symbol, liquidity.readout.decimalsOf(this.store.frame));
      else this.impact.clear(reason);
    }

    chooseSide(side) {
      this.impact.choose(side);
      this.impact.clear(); // the figures are of another order
      this.askImpact();
    }

    chooseSize(size) {
      this.impact.size = size ?? "";
      this.impact.clear();
      this.askImpact();
    }

    chooseStep(step) {
      this.step = step;
      if (step === "auto") this.stepIndex = null;
      for (const name of STEPS) press(`step-${name}`, name === step);
      this.draw();
    }

    chooseCutOffs(cutOffs) {
      this.map.cutOffs = cutOffs;
      this.draw();
    }

    toggleLogarithmic() {
      this.logarithmic = !this.logarithmic;
      this.map.layer.logarithmic = this.logarithmic;
      press("logarithmic", this.logarithmic);
      this.draw();
    }

    toggleTheme() {
      this.root.dataset.theme = this.root.dataset.theme === "dark" ? "light" : "dark";
      storeTheme(this.root.dataset.theme);
      this.applyTheme();
      this.draw();
    }

    applyTheme() {
      const { theme } = this.root.dataset;
      document.documentElement.dataset.theme = theme;
      this.map.setTheme(theme);
      this.surface.setTheme(theme);
      this.showState();
    }

    hover(gd) {
      const hide = () => liquidity.readout.showTooltip(null);
      gd.addEventListener("pointermove", (event) => {
        if (gd._dragging) return hide();
        const point = this.map.pointAt(event.clientX, event.clientY);
        const decimals = liquidity.readout.decimalsOf(this.store.frame);
        return liquidity.readout.showTooltip(point, event.clientX, event.clientY, decimals);
      });
      gd.addEventListener("pointerleave", hide);
    }

    keys() {
      document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA/.test(event.target.tagName)) return;
        if (event.key === "t") this.toggleTheme();
        else if (event.key === "f") this.map.follow();
        else if (event.key === "h") this.health.toggle(this.heard());
        else if (this.symbols[Number(event.key) - 1]) this.chooseSymbol(this.symbols[Number(event.key) - 1]);
      });
    }
  }

  function press(id, on) {
    document.getElementById(id)?.setAttribute("aria-pressed", String(on));
  }

  function storedTheme() {
    try {
      return window.localStorage.getItem("theme") === "light" ? "light" : "dark";
    } catch {
      return "dark"; // a browser that keeps nothing
    }
  }

  function storeTheme(theme) {
    try {
      window.localStorage.setItem("theme", theme);
    } catch {
      // the theme lasts until the page is left
    }
  }

  /** Connect to the API at the host that served this page, for the first symbol. */
  function connect({ apiPort, symbols }) {
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    const base = `${scheme}//${window.location.hostname}:${apiPort}`;
    const connection = new liquidity.Connection(base, (url) => window.dash_clientside.set_props("stream", { url }));
    connection.follow(symbols.split(",")[0], Date.now());
    return connection;
  }

  let connection = null;

  /** Connect as soon as Dash has laid the page out, and start once it has drawn the map's axes. */
  function start() {
    const root = document.getElementById("page");
    if (root && window.dash_clientside?.set_props) connection = connection || connect(root.dataset);
    const drawn = document.querySelector("#map .js-plotly-plot .plot-container");
    if (connection && drawn && window.Plotly) liquidity.page = new Page(connection);
    else window.requestAnimationFrame(start);
  }
  window.requestAnimationFrame(start);

  const triggered = () => window.dash_clientside.callback_context.triggered_id;
  const withPage = (act) => (...values) => {
    if (liquidity.page) act(liquidity.page, ...values);
    return window.dash_clientside.no_update;
  };

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.liquidity = {
    drain: withPage((page, _message, state) => {
      page.stateChanged(state);
      page.drain();
    }),
    chooseSymbol: withPage((page) => page.chooseSymbol(triggered().replace("symbol-", ""))),
    chooseStep: withPage((page) => page.chooseStep(triggered().replace("step-", ""))),
    chooseCutOffs: withPage((page, cutOffs) => page.chooseCutOffs(cutOffs)),
    toggleLogarithmic: withPage((page) => page.toggleLogarithmic()),
    chooseSide: withPage((page) => page.chooseSide(triggered().replace("impact-", ""))),
    chooseSize: withPage((page, size) => page.chooseSize(size)),
    toggleHealth: withPage((page) => page.health.toggle(page.heard())),
    toggleTheme: withPage((page) => page.toggleTheme()),
    followAgain: withPage((page) => page.map.follow()),
  };
})((window.liquidity = window.liquidity || {}));
