// Ties the page's parts together: frames in, one update a second, and what a person does.

import { KINDS, nameOf } from "./book/detections.mjs";
import { bookAt, NewestBook } from "./book/instant.mjs";
import { BookWindow } from "./book/book_window.mjs";
import { decimalsOf } from "./book/units.mjs";
import { whyRefused } from "./feed/api_address.mjs";
import { takeMessages } from "./feed/message_queue.mjs";
import { Liveness } from "./feed/liveness.mjs";
import { Gestures, STILL_PX } from "./map/gestures.mjs";
import { MarketMap } from "./map/market_map.mjs";
import { partAt } from "./map/map_layout.mjs";
import { DepthPanel } from "./panels/depth_panel.mjs";
import { DetectionList } from "./panels/detection_list.mjs";
import { HealthPanel } from "./panels/health_panel.mjs";
import { CostPanel } from "./panels/cost_panel.mjs";
import { ImpactForm, otherSize, sizeOf } from "./panels/impact_form.mjs";
import { PriceTools } from "./panels/price_tools.mjs";
import { linesAt, restLine, showTooltip } from "./panels/readout.mjs";
import { showHeader, showHold, showVeil } from "./panels/header.mjs";
import { loadPlotly, SurfacePanel } from "./panels/surface_panel.mjs";
import { SymbolSwitch } from "./panels/symbol_switch.mjs";
import { buildToolbar, closeMenus, showRow } from "./panels/toolbar.mjs";
import { byId, make, press, setText } from "./ui/dom.mjs";
import { baseAsset, bothTimes, number, shortSize, time } from "./ui/formats.mjs";
import { listenToKeys } from "./ui/keys.mjs";
import { askForNotes, notify } from "./ui/notes.mjs";
import { Picture, savePicture } from "./ui/picture.mjs";
import { DEPTH_RANGES } from "./ui/preferences.mjs";
import { FLOWS, numbersOf } from "./book/numbers.mjs";

/** @import {Connection} from "./feed/connection.mjs" */
/** @import {Instant} from "./book/instant.mjs" */
/** @import {Crosshair} from "./map/map_axes.mjs" */
/** @import {Preferences} from "./ui/preferences.mjs" */
/** @import {Detection, Frame} from "../types/frames.d.ts" */

const TICK_MS = 250;
const KEPT_TIMINGS = 600;
const REFINE_MS = 120; // after the last gesture
const SLIDE = 0.22; // of the way that is left, with each picture
const MARK_REACH = [12, 20]; // px to a detection's mark that a pointer, and a finger, may miss
const LOST_MS = 4000; // a drawing context that does not come back for so long is gone for good

export class App {
  /** `connection` already follows the preferences' symbol. @param {HTMLElement} root @param {Connection} connection
   * @param {Preferences} preferences @param {string} api the API's URL
   */
  constructor(root, connection, preferences, api) {
    this.root = root;
    this.connection = connection;
    this.preferences = preferences;
    this.symbols = (root.dataset.symbols ?? "").split(",");
    this.symbol = connection.symbol;
    this.known = new BookWindow();
    this.live = new Liveness();
    this.newest = new NewestBook();
    /** @type {{map: number, depth: number, surface: number, all: number}[]} ms of JavaScript for each second */
    this.timings = [];
    /** @type {number[]} ms of JavaScript for each drawing of a gesture */
    this.gestureTimings = [];
    this.drawnSecond = NaN;
    /** @type {{x: number, y: number} | null} where the pointer is on the map */
    this.pointer = null;
    this.touches = false; // the pointer is a finger
    /** @type {{entry: Detection, from: {x: number, y: number} | null} | null} the detection that the crosshair stays on, until
     * the pointer leaves where it was */
    this.pin = null;
    /** @type {any} what the form's order came to, as /simulate says it; null where nothing is known of it */
    this.order = null;
    /** @type {Instant | null} the newest book */
    this.newestBook = null;
    /** @type {Promise<unknown> | null} */
    this.plotly = null;
    /** @type {Uint8Array | null} the colours that the legend shows */
    this.legendTable = null;
    /** @type {Instant | null} the book of an instant in the past, and which */
    this.pastBook = null;
    this.pastKey = "";
    this.pastAt = NaN;
    /** @type {Picture | null} */
    this.picture = null;
    this.surfaceTask = 0;
    this.contextTask = 0;
    this.refineTask = 0;
    this.nextDrawing = 0;
    this.dirty = { data: false, view: false };
    /** @type {import("./map/market_map.mjs").Choices} */
    this.choices = { ticks: "auto", onlyTop: false, vwap: false, colours: "", kinds: new Set(), rank: 0, flow: FLOWS[0] };
    this.map = new MarketMap({
      gl: canvas("map-canvas"), axes: canvas("map-axes"), cross: canvas("map-cross"),
    }, this.known, this.choices, () => this.contextChanged());
    this.depth = new DepthPanel(canvas("depth-canvas"), canvas("depth-texts"), () => this.drawSoon("view"));
    this.cost = new CostPanel(canvas("cost-canvas"), canvas("cost-texts"), () => this.drawSoon("view"));
    this.surface = new SurfacePanel(byId("surface"));
    this.api = api;
    this.refusal = ""; // why the API does not let this page in, as it says
    this.impact = new ImpactForm(api, (order) => this.showOrder(order));
    this.health = new HealthPanel(api);
    this.list = new DetectionList((entry) => this.showDetection(entry));
    this.switch = new SymbolSwitch(this.symbols, (symbol) => this.chooseSymbol(symbol));
    this.listen();
    this.readChoices();
    this.switch.show(this.symbol);
    this.contextChanged();
    this.drawList();
    this.drain();
    window.setInterval(() => this.tick(), TICK_MS);
  }

  listen() {
    buildToolbar(this.preferences, {
      onChange: (name) => this.choiceChanged(name), onFollow: () => this.togglePause(), onPicture: () => this.savePicture(),
    });
    this.gestures = new Gestures(byId("map"), this.map, {
      onView: () => this.viewChanged(), onPoint: (at, touches) => this.pointAt(at, touches),
      onClick: (at, touches) => this.clicked(at, touches),
    });
    this.priceTools = new PriceTools({ onAuto: () => this.toggleAuto(), onBack: () => this.bringPriceBack() });
    byId("state").addEventListener("click", () => this.follow());
    byId("health").addEventListener("click", () => this.health.toggle(this.heard()));
    byId("theme").addEventListener("click", () => this.toggleTheme());
    byId("keys").addEventListener("click", () => this.toggleKeys());
    byId("keys-close").addEventListener("click", () => this.toggleKeys());
    byId("health-close").addEventListener("click", () => this.health.toggle(this.heard()));
    for (const side of ["buy", "sell"]) byId(`impact-${side}`).addEventListener("click", () => this.chooseSide(side));
    const size = make("input", {
      id: "impact-size", type: "text", inputmode: "decimal", placeholder: "size", maxlength: 40, autocomplete: "off", "aria-describedby": "impact-note",
    });
    size.addEventListener("input", () => this.chooseSize(size.value));
    byId("impact-field").append(size, make("button", {
      id: "impact-unit", class: "switch", type: "button", title: "Sizes in base asset, or in USDT", onclick: () => this.chooseUnit(),
    }));
    this.impact.setAsset(baseAsset(this.symbol));
    for (const range of DEPTH_RANGES) {
      byId("depth-ranges").append(make("button", {
        class: "switch", type: "button", "data-range": range,
        onclick: () => this.preferences.set("depth", range) && this.choiceChanged("depth"),
      }, range));
    }
    listenToKeys(this);
    document.addEventListener("visibilitychange", () => this.drawSoon("data"));
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Element && !event.target.closest(".has-menu")) closeMenus();
    });
    new ResizeObserver(() => this.drawSoon("view")).observe(byId("map"));
    new ResizeObserver(() => this.drawSoon("view")).observe(byId("depth"));
  }

  // --- frames -----------------------------------------------------------------------------------------------

  /** Take all waiting frames. */
  drain() {
    let fresh = false;
    for (const { url, text, at } of takeMessages()) {
      if (!this.connection.heard(url, at)) continue;
      /** @type {Frame} */
      const frame = JSON.parse(text);
      if (frame.symbol !== this.symbol) continue;
      this.known.apply(frame);
      this.live.heard(frame.timestamp, at);
      fresh = true;
    }
    if (this.known.broken) this.connection.again(performance.now());
    if (!fresh) return;
    this.refusal = "";
    this.drawSoon("data");
  }

  /** Note what the stream's component says of its socket. @param {{readyState: number, reason?: string} | null} state */
  stateChanged(state) {
    if (!state || state.readyState !== window.WebSocket.CLOSED) return;
    this.connection.lost();
    if (state.reason) this.refusal = state.reason;
    else void whyRefused(this.api).then((refusal) => { this.refusal = refusal; });
  }

  tick() {
    const now = performance.now();
    this.drain();
    this.live.tick(now, Date.now());
    this.connection.tick(now);
    if (document.hidden) return;
    this.chooseBook(); // what came since the last picture may have made a held book one of the past
    this.showState();
    const [state, reason] = this.state();
    if (state !== "live" && this.map.isLive) this.goDark(reason);
  }

  /** Take away what was of now: no frame comes that would. @param {string} reason */
  goDark(reason) {
    this.newestBook = null;
    this.map.isLive = false;
    this.impact.clear(reason);
    this.health.draw(this.heard());
    this.drawSoon("view");
  }

  /** Return [state, reason]: what the newest frame says, unless there is none to trust. @returns {[string, string]} */
  state() {
    const { frame } = this.known;
    const trouble = this.live.trouble(performance.now(), this.symbol);
    if (trouble || !frame) return ["disconnected", this.refusal || trouble];
    return [frame.status, frame.reason ?? ""];
  }

  /** Return the newest frame, or null while it says nothing of now. */
  heard() {
    return this.state()[0] === "disconnected" ? null : this.known.frame;
  }

  get decimals() {
    return this.known.tick ? decimalsOf(this.known.tick) : 2;
  }

  showState() {
    const [state, reason] = this.state();
    const { frame } = this.known;
    const { view, choices: { flow } } = this.map;
    const held = !view.following;
    const isPast = held && this.map.bookIsPast;
    const past = isPast ? this.map.book : null;
    const at = past?.time ?? this.pastAt;
    const second = this.known.seconds.find(({ row }) => row.timestamp >= at)?.row; // OFI is of a second
    const ofThen = past && { ...numbersOf(past), ofi: second?.[flow] ?? null };
    showHeader({
      frame, state, reason, decimals: this.decimals, held, at: isPast ? at : null,
      numbers: isPast ? ofThen : frame && { ...frame, ofi: frame[flow] },
      behindMs: held && view.isSet ? this.known.end - view.endOf(this.known.end) : 0,
    });
    showVeil(state, reason);
    showHold(held);
  }

  // --- drawing ----------------------------------------------------------------------------------------------

  /** Draw with the browser's next picture: once, however much there is; and not while the page is hidden.
   * @param {"data" | "view"} what
   */
  drawSoon(what) {
    this.dirty[what] = true;
    if (this.nextDrawing) return;
    this.nextDrawing = window.requestAnimationFrame(() => {
      this.nextDrawing = 0;
      const { data } = this.dirty;
      this.dirty = { data: false, view: false };
      if (data) this.drawData();
      else this.drawView();
    });
  }

  /** Draw all of a new second. */
  drawData() {
    const begin = performance.now();
    if (!this.known.seconds.length) return;
    this.map.decimals = this.decimals;
    this.map.base = baseAsset(this.symbol);
    this.map.advance();
    this.map.isLive = this.state()[0] === "live";
    this.newestBook = this.map.isLive ? this.newest.of(this.known) : null;
    this.slidePrices();
    this.chooseBook();
    this.map.draw();
    const beforeDepth = performance.now();
    this.drawDepth();
    this.showPointer();
    const beforeRest = performance.now();
    this.showState();
    this.showScale();
    this.askImpact();
    this.health.draw(this.heard());
    this.drawList();
    this.drawnSecond = this.known.end / 1000;
    const end = performance.now();
    const timing = { map: beforeDepth - begin, depth: beforeRest - beforeDepth, surface: 0, all: end - begin };
    this.timings.push(timing);
    if (this.timings.length > KEPT_TIMINGS) this.timings.shift();
    this.refineLater();
    window.clearTimeout(this.surfaceTask);
    this.surfaceTask = window.setTimeout(() => this.drawSurface(timing)); // a task of its own, after the map is seen
  }

  /** Draw the same second in another view. */
  drawView() {
    const begin = performance.now();
    this.map.measure();
    this.slidePrices();
    this.chooseBook();
    this.map.draw();
    this.drawDepth();
    this.showPointer();
    this.showState();
    this.showScale();
    this.gestureTimings.push(performance.now() - begin);
    this.refineLater();
    if (this.gestureTimings.length > KEPT_TIMINGS) this.gestureTimings.shift();
  }

  refineLater() {
    window.clearTimeout(this.refineTask);
    if (this.map.isCoarse) this.refineTask = window.setTimeout(() => this.refine(), REFINE_MS);
  }

  /** Move prices that were zoomed by hand along with the mid, a little with each picture. */
  slidePrices() {
    const { map } = this;
    const { mid } = this;
    if (mid === null || this.gestures?.drags) return;
    const share = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : SLIDE;
    if (map.view.slide(mid, map.limits, share)) this.drawSoon("view");
  }

  /** The mid of now; null while it is not known. */
  get mid() {
    return this.map.isLive ? this.known.frame?.mid_price ?? null : null;
  }

  /** Draw cells of the size that the view asks for: the hand rests. */
  refine() {
    this.map.refine = true;
    this.drawSoon("view");
  }

  drawDepth() {
    const { depth } = this;
    Object.assign(depth, { book: this.map.book, isNow: !this.map.bookIsPast, decimals: this.decimals, base: baseAsset(this.symbol) });
    const at = this.shownAt;
    depth.when = Number.isFinite(at) ? bothTimes(at, 1) : "";
    depth.rested = (price, side) => restLine(this.known, price, side, at);
    depth.draw();
    this.drawCost();
  }

  drawCost() {
    const { cost, depth, newestBook } = this;
    const when = Number.isFinite(this.known.end) ? bothTimes(this.known.end, 1) : "";
    Object.assign(cost, { book: newestBook, base: depth.base, when, theme: depth.theme, order: depth.order });
    cost.draw();
  }

  drawList() {
    const { seconds: { length: count }, detections } = this.known;
    const [state] = this.state();
    const none = this.choices.kinds.size ? `None in the last ${Math.min(180, count)} seconds.` : "All kinds are switched off.";
    const hint = state === "disconnected" && !count ? "Not connected: nothing is known." : none;
    this.list.base = baseAsset(this.symbol);
    const shown = this.known.wanted(this.choices);
    this.list.draw(shown, this.decimals, shown.length < detections.length ? `${hint.slice(0, -1)} of those chosen.` : hint);
    const kinds = new Set(this.preferences.get("notes").split(" "));
    const wanted = new Set(this.known.wanted({ kinds, rank: this.choices.rank }).map(({ id }) => id));
    for (const entry of this.list.takeNew(detections)) {
      if (wanted.has(entry.id)) notify(`${nameOf(entry)} · ${this.symbol}`, `at ${number(entry.price, this.decimals)}, ${time(entry.started_at)}`);
    }
  }

  /** @param {{surface: number, all: number}} timing */
  async drawSurface(timing) {
    if (!window.Plotly) {
      setText("surface-missing", "loading …");
      this.plotly ??= loadPlotly(this.root.dataset.plotly ?? "");
      await this.plotly;
      setText("surface-missing", window.Plotly ? "" : "The script that draws the surface did not come; reload to try again.");
    }
    if (!window.Plotly) return;
    const begin = performance.now();
    try {
      this.surface.draw(this.known, this.map.scale.settings.gamma);
      setText("surface-missing", "");
    } catch (error) {
      const why = this.map.canvas.gl ? "see the browser's console." : "this browser gives no WebGL.";
      setText("surface-missing", `The surface cannot be drawn: ${why}`);
      if (this.map.canvas.gl) console.warn(error);
    }
    timing.surface = performance.now() - begin;
    timing.all += timing.surface;
  }

  showScale() {
    const { map } = this;
    this.priceTools?.show(map, this.mid);
    const range = map.shownScale.range(1e8);
    const legend = canvas("legend");
    if (map.cells.table && this.legendTable !== map.cells.table) {
      this.legendTable = map.cells.table;
      legend.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(map.cells.table), 256, 2), 0, 0);
    }
    setText("legend-range", map.shownScale.shown ? `0, then ${shortSize(range.black / 1e8)} to ${shortSize(range.white / 1e8)} ${map.base} a cell` : "");
    const raster = map.cells.raster?.lattice;
    const isTooFine = map.choices.ticks !== "auto" && map.choices.ticks < map.autoTicks;
    setText("row-shown", raster ? `a cell: ${Number((raster.step / 1e8).toPrecision(6))} USDT, ${raster.columnMs / 1000} s${isTooFine ? "; finer zoomed in" : ""}` : "");
    showRow(map.autoTicks);
  }

  // --- any instant ------------------------------------------------------------------------------------------

  /** Of which instant (ms) the shown book is. */
  get shownAt() {
    return this.map.bookIsPast ? this.pastAt : this.known.end;
  }

  /** Choose the book that is shown: of the instant under the pointer, of a held view's end, or of now. */
  chooseBook() {
    const { map, known } = this;
    const end = map.view.endOf(known.end);
    let at = map.view.following ? NaN : end;
    const pointed = this.crosshair();
    if (pointed && !["book", "prices", "corner"].includes(pointed.part) && pointed.time < end) at = pointed.time;
    map.bookIsPast = Number.isFinite(at) && at < known.end;
    this.pastAt = at;
    if (map.bookIsPast) {
      const key = `${known.version} ${Math.floor(at)}`;
      if (key !== this.pastKey) this.pastBook = bookAt(known.since(at), at, known.end);
      this.pastKey = key;
      map.book = this.pastBook;
      map.bookTitle = map.book ? `at ${time(map.book.time, 1)}` : "not known";
    } else {
      map.book = this.newestBook;
      map.bookTitle = "book now";
    }
  }

  /** @param {{x: number, y: number} | null} at @param {boolean} [touches] */
  pointAt(at, touches = false) {
    if (!at && !this.pointer) return;
    const from = this.pin?.from;
    if (at && !(from && Math.hypot(at.x - from.x, at.y - from.y) < STILL_PX)) this.pin = null;
    this.pointer = at;
    this.touches = touches;
    if (!at) this.showPointer(); // it states nothing from now on, however long a drawing takes
    this.drawSoon("view");
  }

  /** Return what the crosshair is at: the detection that was chosen, the one whose mark is under the pointer, or the
   * pointer's own place; null for none. @returns {Crosshair | null}
   */
  crosshair() {
    const { map, pointer } = this;
    const of = (/** @type {Detection} */ entry, /** @type {string} */ part) => (
      { ...map.pixelOf(entry.started_at, entry.price), time: entry.started_at, price: entry.price, part, entry }
    );
    if (this.pin) {
      const at = of(this.pin.entry, "map");
      return at.x >= map.layout.map.left && at.x < map.layout.map.left + map.layout.map.width ? at : null;
    }
    if (!pointer) return null;
    const { part } = partAt(map.layout, pointer.x, pointer.y);
    const mark = part === "lane" ? map.markNear(pointer.x, MARK_REACH[0]) : null;
    return mark ? of(mark.entry, part) : { ...pointer, ...map.placeAt(pointer.x, pointer.y), part, entry: null };
  }

  /** Write what is under the crosshair, which stays true as the map moves under it. */
  showPointer() {
    const { map } = this;
    const at = this.crosshair();
    const element = byId("map");
    map.drawCrosshair(at);
    element.classList.toggle("on-mark", at?.part === "lane" && at.entry !== null);
    if (!at || !map.scene || this.gestures?.drags || ["corner", "none"].includes(at.part)) return showTooltip(null);
    const { left, top } = element.getBoundingClientRect();
    const { x, y } = this.pin || !this.pointer ? at : this.pointer;
    // What it says is of the map; price, book and depth beside it stay in sight.
    const right = left + map.layout.map.left + map.layout.map.width;
    return showTooltip(linesAt(map, this.known, at, this.shownAt), left + x, top + y, { above: this.touches, right });
  }

  viewChanged() {
    this.known.heldFrom = this.map.view.following ? Infinity : this.map.view.range.from;
    this.drawSoon("view");
  }

  togglePause() {
    if (!this.map.view.following) return this.follow();
    this.map.view.pause(this.map.limits);
    return this.viewChanged();
  }

  /** Go on with now. */
  follow() {
    this.pin = null;
    this.map.view.follow(this.map.limits);
    this.map.advance();
    this.viewChanged();
  }

  /** Fit time and prices, follow, and look at the surface from where it is seen best. */
  fit() {
    this.map.view.span = 0;
    this.map.view.isSet = false;
    this.map.view.fitPricesAnew();
    this.surface.resetCamera();
    this.follow();
  }

  /** Choose the prices from the market, or keep the height that they have. */
  toggleAuto() {
    const { view } = this.map;
    if (view.priceFits) view.chosen();
    else view.fitPricesAnew();
    this.map.advance();
    this.priceTools?.show(this.map, this.mid);
    this.viewChanged();
  }

  /** Show the price again that is out of view. */
  bringPriceBack() {
    if (this.mid !== null) this.map.view.bringBack(this.mid, this.map.limits);
    this.viewChanged();
  }

  /** Go to what is at a place; returns whether something is. @param {{x: number, y: number}} at @param {boolean} touches */
  clicked(at, touches) {
    const { part } = partAt(this.map.layout, at.x, at.y);
    const mark = part === "lane" ? this.map.markNear(at.x, MARK_REACH[Number(touches)]) : null;
    if (!mark) return false;
    this.list.open(mark.entry.id);
    this.showDetection(mark.entry, at);
    this.list.reveal(mark.entry.id);
    return true;
  }

  /** Hold the view around a detection, with the crosshair on it; `from` is where the pointer is on the map, if it is.
   * @param {Detection} entry @param {{x: number, y: number} | null} [from]
   */
  showDetection(entry, from = null) {
    const { view, limits } = this.map;
    view.centre(entry.started_at, entry.price, limits);
    this.pin = { entry, from };
    this.touches = false;
    this.drawList();
    this.viewChanged();
  }

  // --- what a person chooses --------------------------------------------------------------------------------

  readChoices() {
    const { preferences, choices, map } = this;
    const cutOff = (/** @type {string} */ name) => {
      const text = preferences.get(name);
      return text.includes("%") ? { percent: parseFloat(text), size: null } : { percent: null, size: Number(text) };
    };
    const [black, white] = [cutOff("black"), cutOff("white")];
    Object.assign(map.scale.settings, {
      blackPercent: black.percent ?? 55, whitePercent: white.percent ?? 98, black: black.size, white: white.size,
      gamma: Number(preferences.get("gamma")),
    });
    choices.ticks = preferences.get("ticks") === "auto" ? "auto" : Number(preferences.get("ticks"));
    choices.onlyTop = preferences.get("top") === "1";
    map.chooseReach();
    choices.vwap = preferences.get("vwap") === "1";
    choices.flow = /** @type {import("./book/numbers.mjs").Flow} */ (preferences.get("flow"));
    choices.colours = preferences.get("colours");
    choices.kinds = new Set(preferences.get("kinds").split(" ").filter((kind) => kind in KINDS));
    choices.rank = Number(preferences.get("rank"));
    this.depth.range = preferences.get("depth");
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#depth-ranges button"))) {
      press(button, button.dataset.range === this.depth.range);
    }
    const theme = /** @type {"dark" | "light"} */ (preferences.get("theme"));
    document.documentElement.dataset.theme = theme;
    map.setTheme(theme);
    this.depth.theme = theme;
    this.surface.setColours(theme, choices.colours);
  }

  /** @param {string} name */
  choiceChanged(name) {
    this.readChoices();
    if (["black", "white"].includes(name)) this.map.restartScale();
    this.map.drawnVersion = -1;
    this.map.drawnRaster = "";
    if (name === "notes") askForNotes();
    this.drawSoon("data");
  }

  toggleTheme() {
    this.preferences.set("theme", this.preferences.get("theme") === "dark" ? "light" : "dark");
    this.choiceChanged("theme");
  }

  toggleKeys() {
    byId("keys-panel").hidden = !byId("keys-panel").hidden;
  }

  /** Close whatever lies over the page. */
  closeAll() {
    closeMenus();
    byId("keys-panel").hidden = true;
    if (this.health.open) this.health.toggle(this.heard());
    this.pin = null;
    this.pointer = null;
    this.showPointer();
    this.drawSoon("view");
  }

  /** @param {string} symbol */
  chooseSymbol(symbol) {
    if (symbol === this.symbol || !this.symbols.includes(symbol)) return;
    this.symbol = symbol;
    this.preferences.set("symbol", symbol);
    this.switch.show(symbol);
    this.known.clear();
    this.live.reset();
    this.newestBook = null;
    this.map.isLive = false;
    this.drawnSecond = NaN;
    this.pointer = null;
    this.pin = null;
    window.clearTimeout(this.surfaceTask);
    this.map.clear();
    this.surface.clear();
    this.list.clear();
    this.drawDepth();
    showTooltip(null);
    this.impact.setAsset(baseAsset(symbol));
    this.impact.clear();
    this.health.draw(null);
    this.drawList();
    this.connection.follow(symbol, performance.now());
    this.showState();
    this.showScale();
  }

  /** Have the form ask what its order costs now, unless the newest second has no book to be asked for. */
  askImpact() {
    const [state, reason] = this.state();
    if (state === "live") this.impact.ask(this.symbol, this.decimals);
    else this.impact.clear(reason);
  }

  /** @param {string} side */
  chooseSide(side) {
    this.impact.choose(side);
    this.impact.clear(); // the figures are of another order
    this.askImpact();
  }

  /** @param {string} size */
  chooseSize(size) {
    this.impact.type(size, () => this.askImpact());
    this.drawSoon("view"); // the curve comes with the first character
  }

  /** Take sizes in USDT instead of the base asset, or the other way round. */
  chooseUnit() {
    const { impact, mid } = this;
    impact.setAsset(baseAsset(this.symbol), !impact.isQuote);
    const typed = sizeOf(impact.size);
    const input = /** @type {HTMLInputElement} */ (byId("impact-size"));
    if (typed !== null) input.value = mid === null ? "" : otherSize(typed, mid, impact.isQuote);
    this.chooseSize(input.value);
  }

  /** @param {any} order */
  showOrder(order) {
    if (order === null && this.order === null) return;
    this.order = order;
    const mid = order?.mid_price;
    this.depth.order = order?.filled ? { side: order.side, filled: order.filled, worst: order.worst_price, bps: order.slippage_bps } : null;
    this.map.shapes.writeOrder(order && mid ? [mid, order.worst_price] : null);
    if (this.known.seconds.length) this.drawSoon("view");
  }

  /** Save what the map shows, but for what is of the pointer. */
  savePicture() {
    if (!this.map.canvas.gl || !this.known.seconds.length) return null;
    const { pointer, map } = this;
    this.pointer = null;
    this.chooseBook();
    this.picture = new Picture(this.known);
    const [state] = this.state();
    const at = map.view.endOf(this.known.end);
    const picture = this.picture.draw(map, { symbol: this.symbol, source: this.known.frame?.source ?? "", state, at });
    this.pointer = pointer;
    this.chooseBook();
    return savePicture(picture, this.symbol, at);
  }

  /** Say what is missing where the browser draws no WebGL. */
  contextChanged() {
    window.clearTimeout(this.contextTask);
    const has = this.map.canvas.gl !== null;
    const missing = byId("map-missing");
    if (has) missing.hidden = true;
    const say = () => {
      missing.hidden = this.map.canvas.gl !== null;
      setText("map-missing", "This browser gives no WebGL 2, which the map is drawn with; numbers, list and form go on without it.");
    };
    if (!has) this.contextTask = window.setTimeout(say, this.known.seconds.length ? LOST_MS : 0);
    if (has && this.known.seconds.length) {
      this.map.drawnVersion = -1;
      this.drawSoon("data");
    }
  }
}

/** @param {string} id @returns {HTMLCanvasElement} */
function canvas(id) {
  return /** @type {HTMLCanvasElement} */ (byId(id));
}
