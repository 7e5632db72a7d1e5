// The page: its parts, the frames that come in, and what they say of now. What it does with them stands in app/.

import { Chosen } from "./app/chosen.mjs";
import { Drawing } from "./app/drawing.mjs";
import { Hands } from "./app/hands.mjs";
import { Orders } from "./app/orders.mjs";
import { Pointer } from "./app/pointer.mjs";
import { BookWindow } from "./book/book_window.mjs";
import { NewestBook } from "./book/instant.mjs";
import { FLOWS } from "./book/numbers.mjs";
import { decimalsOf } from "./book/units.mjs";
import { whyRefused } from "./feed/api_address.mjs";
import { Liveness } from "./feed/liveness.mjs";
import { takeMessages } from "./feed/message_queue.mjs";
import { MarketMap } from "./map/market_map.mjs";
import { CostPanel } from "./panels/cost_panel.mjs";
import { DepthPanel } from "./panels/depth_panel.mjs";
import { DetectionList } from "./panels/detection_list.mjs";
import { showTitle } from "./panels/header.mjs";
import { HealthPanel } from "./panels/health_panel.mjs";
import { writeHelp } from "./panels/help.mjs";
import { showTooltip } from "./panels/readout.mjs";
import { SurfacePanel } from "./panels/surface_panel.mjs";
import { SymbolSwitch } from "./panels/symbol_switch.mjs";
import { buildToolbar, closeMenus } from "./panels/toolbar.mjs";
import { byId, make, setText } from "./ui/dom.mjs";
import { baseAsset } from "./ui/formats.mjs";
import { listenToKeys } from "./ui/keys.mjs";
import { Picture, savePicture } from "./ui/picture.mjs";
import { DEPTH_RANGES } from "./ui/preferences.mjs";

/** @import {Connection} from "./feed/connection.mjs" */
/** @import {Instant} from "./book/instant.mjs" */
/** @import {Preferences} from "./ui/preferences.mjs" */
/** @import {Frame} from "../types/frames.d.ts" */

const TICK_MS = 250;
const NOTE_MS = 20_000; // that a note in the header stays
const LOST_MS = 4000; // a drawing context that does not come back for so long is gone for good

export class App {
  /** `connection` already follows the preferences' symbol; `note` is what the header says at first.
   * @param {HTMLElement} root @param {Connection} connection @param {Preferences} preferences @param {string} api the API's URL
   * @param {string} [note]
   */
  constructor(root, connection, preferences, api, note = "") {
    this.root = root;
    this.connection = connection;
    this.preferences = preferences;
    this.symbols = (root.dataset.symbols ?? "").split(",");
    this.symbol = connection.symbol;
    this.note = note;
    this.known = new BookWindow();
    this.live = new Liveness();
    this.newest = new NewestBook();
    /** @type {Instant | null} the newest book */
    this.newestBook = null;
    /** @type {Picture | null} */
    this.picture = null;
    this.contextTask = 0;
    /** @type {import("./map/market_map.mjs").Choices} */
    this.choices = { ticks: "auto", onlyTop: false, vwap: false, colours: "", kinds: new Set(), rank: 0, flow: FLOWS[0] };
    this.drawing = new Drawing(this);
    this.map = new MarketMap({
      gl: canvas("map-canvas"), axes: canvas("map-axes"), cross: canvas("map-cross"),
    }, this.known, this.choices, () => this.contextChanged());
    this.depth = new DepthPanel(canvas("depth-canvas"), canvas("depth-texts"), () => this.drawing.soon("view"));
    this.cost = new CostPanel(canvas("cost-canvas"), canvas("cost-texts"), () => this.drawing.soon("view"));
    this.surface = new SurfacePanel(byId("surface"));
    this.api = api;
    this.refusal = ""; // why the API does not let this page in, as it says
    this.health = new HealthPanel(api);
    this.list = new DetectionList((entry) => this.hands.showDetection(entry));
    this.switch = new SymbolSwitch(this.symbols, (symbol) => this.chooseSymbol(symbol));
    this.pointer = new Pointer(this);
    this.hands = new Hands(this);
    this.chosen = new Chosen(this);
    this.orders = new Orders(this);
    this.listen();
    this.chosen.read();
    this.switch.show(this.symbol);
    this.contextChanged();
    this.drawing.drawList();
    this.drain();
    window.setInterval(() => this.tick(), TICK_MS);
    window.setTimeout(() => { this.note = ""; }, NOTE_MS);
  }

  listen() {
    writeHelp();
    buildToolbar(this.preferences, {
      onChange: (name) => this.chosen.changed(name), onFollow: () => this.hands.togglePause(), onPicture: () => this.savePicture(),
    });
    byId("state").addEventListener("click", () => this.hands.follow());
    byId("health").addEventListener("click", () => this.health.toggle(this.heard()));
    byId("theme").addEventListener("click", () => this.chosen.toggleTheme());
    byId("keys").addEventListener("click", () => this.toggleKeys());
    byId("keys-close").addEventListener("click", () => this.toggleKeys());
    byId("health-close").addEventListener("click", () => this.health.toggle(this.heard()));
    this.orders.listen();
    for (const range of DEPTH_RANGES) {
      byId("depth-ranges").append(make("button", {
        class: "switch", type: "button", "data-range": range,
        onclick: () => this.preferences.set("depth", range) && this.chosen.changed("depth"),
      }, range));
    }
    listenToKeys(this);
    document.addEventListener("visibilitychange", () => this.drawing.soon("data"));
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Element && !event.target.closest(".has-menu")) closeMenus();
    });
    new ResizeObserver(() => this.drawing.soon("view")).observe(byId("map"));
    new ResizeObserver(() => this.drawing.soon("view")).observe(byId("depth"));
  }

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
    this.drawing.soon("data");
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
    const [state, reason] = this.state();
    showTitle(this.known.frame, state, this.decimals); // here, as it takes longer than all of the header; and of a hidden page, too
    if (document.hidden) return;
    this.pointer.chooseBook(); // what came since the last picture may have made a held book one of the past
    this.drawing.showState();
    if (state !== "live" && this.map.isLive) this.goDark(reason);
  }

  /** Take away what was of now: no frame comes that would. @param {string} reason */
  goDark(reason) {
    this.newestBook = null;
    this.map.isLive = false;
    this.orders.form.clear(reason);
    this.health.draw(this.heard());
    this.drawing.soon("view");
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

  // What tells from outside how far the drawing is, and what it took.
  get timings() { return this.drawing.timings; }

  get gestureTimings() { return this.drawing.gestureTimings; }

  get drawnSecond() { return this.drawing.drawnSecond; }

  get nextDrawing() { return this.drawing.nextDrawing || this.drawing.depthTask; }

  get decimals() {
    return this.known.tick ? decimalsOf(this.known.tick) : 2;
  }

  /** The mid of now; null while it is not known. */
  get mid() {
    return this.map.isLive ? this.known.frame?.mid_price ?? null : null;
  }

  toggleKeys() {
    byId("keys-panel").hidden = !byId("keys-panel").hidden;
  }

  /** Close whatever lies over the page. */
  closeAll() {
    closeMenus();
    byId("keys-panel").hidden = true;
    if (this.health.open) this.health.toggle(this.heard());
    this.pointer.leave();
    this.pointer.show();
    this.drawing.soon("view");
  }

  /** @param {string} symbol */
  chooseSymbol(symbol) {
    if (symbol === this.symbol || !this.symbols.includes(symbol)) return;
    this.symbol = symbol;
    this.note = "";
    this.preferences.set("symbol", symbol);
    this.switch.show(symbol);
    this.known.clear();
    this.live.reset();
    this.newestBook = null;
    this.map.isLive = false;
    this.drawing.forget();
    this.pointer.leave();
    this.map.clear();
    this.surface.clear();
    this.list.clear();
    this.drawing.drawDepth();
    showTooltip(null);
    this.orders.form.setAsset(baseAsset(symbol));
    this.orders.form.clear();
    this.health.draw(null);
    this.drawing.drawList();
    this.connection.follow(symbol, performance.now());
    this.drawing.showState();
    this.drawing.showScale();
  }

  /** Save what the map shows, but for what is of the pointer. */
  savePicture() {
    if (!this.map.canvas.gl || !this.known.seconds.length) return null;
    const { map, pointer: { at: pointed } } = this;
    this.pointer.at = null;
    this.pointer.chooseBook();
    this.picture = new Picture(this.known);
    const [state] = this.state();
    const at = map.view.endOf(this.known.end);
    const picture = this.picture.draw(map, { symbol: this.symbol, source: this.known.frame?.source ?? "", state, at });
    this.pointer.at = pointed;
    this.pointer.chooseBook();
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
      this.drawing.soon("data");
    }
  }
}

/** @param {string} id @returns {HTMLCanvasElement} */
function canvas(id) {
  return /** @type {HTMLCanvasElement} */ (byId(id));
}
