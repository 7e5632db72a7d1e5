// The surface: time x price x size, Plotly's. Its script is loaded only once the map has been drawn.
//
// Prices are counted from the mid of the newest second. Its labels are the page's own: Plotly's cost more than the surface
// whenever they change, are cut at the panel's edge and lie in the surface.

import { WINDOW_MS } from "../book/book_window.mjs";
import { HeldRaster } from "../book/held_raster.mjs";
import { KNOWN_FIELDS, rowOf } from "../book/raster.mjs";
import { decimalsOfStep } from "../map/axis_ticks.mjs";
import { diverging, positionOf } from "../map/colour_maps.mjs";
import { blank, fitted, make } from "../ui/dom.mjs";
import { baseAsset, number, shortSize, time } from "../ui/formats.mjs";
import { FONT, THEMES } from "../ui/themes.mjs";
import { smooth } from "./smooth.mjs";
import { roundPart, surfaceLabels } from "./surface_axes.mjs";
import { handOn, SurfaceCamera } from "./surface_camera.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */
/** @import {Raster} from "../book/raster.mjs" */
/** @import {ScaleRange} from "../map/colour_maps.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */

const COLUMN_MS = 6000; // 30 columns: few ridges are seen, many are noise
const ROWS = 30;
const SOFTER = 0.6; // of the gamma: smoothing takes from what is bright
const SHARE = 0.0008; // of the mid, that the rows reach up and down
const UNREFINED = 721;
// Plotly refines each surface to at least 120 x 120 points whenever it changes, which takes longer than all else, but not
// one that ever had more than 720 points a row.

const AHEAD_COLUMNS = 15; // a minute that comes without the cells being made anew

/** @typedef {{x: number[], y: number[], z: (number | null)[][], surfacecolor: number[][]}} Sizes  as Plotly takes them */

/** Return {x, y, z, surfacecolor, full} around `mid` (USDT): seconds before now, USDT from the mid, shares of the largest sizes,
 * and the size (units, of a row) that is as high as can be. The cells of the call before are gone on with, in `held`.
 * @param {BookWindow} known @param {number} mid @param {number} gamma @param {HeldRaster} [held]
 */
export function surfaceOf(known, mid, gamma, held = new HeldRaster()) {
  const tick = known.tick || 1e6;
  const step = Math.max(1, Math.round((2 * SHARE * mid * 1e8) / ROWS / tick)) * tick;
  const columns = Math.round(WINDOW_MS / COLUMN_MS);
  const lattice = {
    firstColumn: Math.floor(known.end / COLUMN_MS) - columns, columns, columnMs: COLUMN_MS,
    firstRow: rowOf(mid * 1e8, { step, tick }) - ROWS / 2, rows: ROWS, step, tick,
  };
  if (!held.grow(known, lattice)) { // with room for the mid to move
    held.make(known, { ...lattice, columns: columns + AHEAD_COLUMNS, firstRow: lattice.firstRow - ROWS, rows: 3 * ROWS });
  }
  const { cells, known: knownRows, lattice: whole } = /** @type {Raster} */ (held.raster);
  const [right, up] = [lattice.firstColumn - whole.firstColumn, lattice.firstRow - whole.firstRow];
  const sizes = new Float32Array(ROWS * columns); // negative of bids, NaN where not known
  const seen = new Float32Array(ROWS * columns);
  let count = 0;
  for (let column = 0; column < columns; column += 1) {
    const at = KNOWN_FIELDS * (right + column);
    const [first, last] = [knownRows[at] - up, knownRows[at + 1] - up];
    const offset = (right + column) * whole.rows + up;
    for (let row = 0; row < ROWS; row += 1) {
      const size = row >= first && row <= last ? cells[offset + row] : NaN;
      sizes[row * columns + column] = size;
      if (!size) continue; // NaN, too
      seen[count] = Math.abs(size);
      count += 1;
    }
  }
  const scale = scaleOf(seen.subarray(0, count), gamma * SOFTER);
  const x = Array.from({ length: columns }, (_, column) => (column - columns + 1) * (COLUMN_MS / 1000));
  const y = Array.from({ length: ROWS + 2 }, (_, row) => ((row - 1 - ROWS / 2) * step) / 1e8);
  // The first and last row are out of sight, past both ends: with sizes of 0 and 1 always there Plotly's scale stays
  // what it was.
  const z = y.map((_, row) => /** @type {(number | null)[]} */ (new Array(columns).fill(row <= ROWS ? 0 : 1)));
  const surfacecolor = y.map(() => new Array(columns).fill(0));
  for (let row = 0; row < ROWS; row += 1) {
    const [heights, colours] = [z[row + 1], surfacecolor[row + 1]];
    for (let column = 0; column < columns; column += 1) {
      const size = sizes[row * columns + column];
      const most = Math.abs(size);
      heights[column] = Number.isNaN(size) ? null : Math.min(1, most / scale.white);
      if (most) colours[column] = (size <= 0 ? -1 : 1) * positionOf(most, scale);
    }
  }
  const [heights, colours] = [z, surfacecolor].map((grid) => [grid[0], ...smooth(grid.slice(1, -1)), grid[ROWS + 1]]);
  return { x, y, z: heights, surfacecolor: colours, full: scale.white };
}

/** Return the colours' range over a surface's own sizes. @param {Float32Array} sizes @param {number} gamma @returns {ScaleRange} */
function scaleOf(sizes, gamma) {
  sizes.sort();
  const at = (/** @type {number} */ share) => sizes[Math.floor(share * (sizes.length - 1))] ?? 1;
  const black = at(0.1);
  return { black, white: Math.max(at(0.99), black * 1.001), gamma };
}

/** @param {HTMLElement} element */
function fontOf(element) {
  return Math.round(parseFloat(getComputedStyle(element).fontSize));
}

/** Where the first and the last row of prices lie, as shares of the reach. */
const ENDS = [-1, 1 - 2.4 / ROWS];

export class SurfacePanel {
  /** @param {HTMLElement} element  holds the scene, and its first figure as JSON */
  constructor(element) {
    this.gd = /** @type {any} */ (element);
    /** @type {Theme} */
    this.theme = "dark";
    this.colours = "blue and orange";
    this.made = false;
    this.cells = new HeldRaster();
    /** @type {any} what Plotly's trace last gave to its drawing, and for which x and y */
    this.given = null;
    this.places = "";
    this.camera = new SurfaceCamera();
    this.hand = make("div", {
      id: "surface-hand", tabindex: 0, role: "img",
      "aria-label": "The book over time as a surface: drag or arrows turn it, wheel or + and - zoom, a double click shows all again",
    });
    element.after(this.hand); // Plotly's own hands reach under the floor, and so near that the picture is cropped
    handOn(this.hand, this.camera, () => this.look());
    this.texts = make("canvas", { id: "surface-texts", "aria-hidden": "true" });
    this.hand.before(this.texts);
    new ResizeObserver(() => this.resized()).observe(element);
    this.width = 0; // px, that the scene was last fitted to
    this.height = 0;
    this.reach = 1; // USDT from the mid that are shown
    this.full = 0; // units that are as high as can be; 0 before the first
    this.base = ""; // the base asset's name
    this.written = ""; // what the labels hang on
    /** @type {{sizes: Sizes, mid: number, end: number} | null} what is shown, and of which instant (ms) */
    this.shown = null;
    this.isNow = false; // that instant is the newest second's
    this.magnitude = 0; // of the mid that the axes' labels were made for; 0: they are to be made anew
  }

  /** Plotly's camera for the panel as it is. */
  get view() {
    this.camera.font = fontOf(this.gd);
    [this.width, this.height] = [this.gd.clientWidth || 300, this.gd.clientHeight || 200];
    return this.camera.camera(this.width, this.height);
  }

  /** Fill the panel as it is now, with labels of the page's size. */
  resized() {
    if (!this.made || !this.gd.clientHeight) return;
    const { width, height } = this.gd._fullLayout;
    if (width !== this.gd.clientWidth || height !== this.gd.clientHeight) window.Plotly?.Plots.resize(this.gd);
    this.look();
  }

  /** See the scene from where the camera is now. */
  look() {
    if (!this.made) return;
    const camera = this.view;
    const { scene } = this.gd._fullLayout;
    Object.assign(scene.camera, camera);
    this.gd.layout.scene.camera = camera; // with which Plotly begins at the next theme or page size
    scene._scene.setViewport({ camera, aspectratio: scene.aspectratio });
    scene._scene.glplot.redraw();
    this.write();
  }

  /** Write the labels beside the scene as it is seen now. */
  write() {
    const { camera, reach, full, base, shown } = this;
    const high = shortSize(full / 1e8);
    const newest = !shown ? "" : this.isNow ? "now" : time(shown.end);
    const is = [newest, high, base, reach, this.theme, camera.azimuth, camera.elevation, camera.zoom, camera.font, this.width, this.height].join();
    if (is === this.written) return;
    this.written = is;
    const [context, width, height] = fitted(this.texts);
    if (!full || !width || !height) return blank(this.texts);
    context.font = `${camera.font}px ${FONT}`;
    context.textBaseline = "middle";
    const colours = THEMES[this.theme];
    const part = roundPart(reach);
    const decimals = decimalsOfStep(part);
    const along = (/** @type {number} */ price) => (2 * (price / reach - ENDS[0])) / (ENDS[1] - ENDS[0]) - 1;
    const { labels, edge: [foot, top] } = surfaceLabels(camera, width, height, {
      times: [[1, newest], [1 / 3, "−1 min"], [-1 / 3, "−2 min"]],
      prices: [[along(-part), `−${number(part, decimals)}`], [along(part), `+${number(part, decimals)}`], [along(0), "mid"]],
      sizes: [[1, `${high} ${base}`], [0, shortSize(full / 2e8)]],
    }, (text) => context.measureText(text).width);
    context.lineWidth = 1;
    context.strokeStyle = colours.box;
    context.beginPath();
    context.moveTo(foot.x, foot.y);
    context.lineTo(top.x, top.y);
    context.stroke();
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = colours.back; // a text over the surface is read by its rim
    context.fillStyle = colours.text;
    for (const { text, x, y } of labels) {
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  /** See the scene as at first. */
  resetCamera() {
    this.camera.reset();
    this.look();
  }

  /** Show the window; where the page does not follow it, or it says nothing of now, what was shown last.
   * @param {BookWindow} known @param {number} gamma @param {boolean} isNow
   */
  draw(known, gamma, isNow) {
    const mid = known.frame?.mid_price;
    const isNew = Boolean(mid) && (isNow || !this.shown);
    if (isNew && mid) {
      const { full, ...sizes } = surfaceOf(known, mid, gamma, this.cells);
      this.shown = { sizes, mid, end: known.end };
      this.full = full;
      this.base = baseAsset(known.frame?.symbol ?? "");
    }
    if (!this.shown || !window.Plotly) return;
    const { shown } = this;
    if (!this.made || magnitudeOf(shown.mid) !== this.magnitude) this.make(shown.sizes, shown.mid);
    else if (isNew) this.setSizes(shown.sizes);
    this.gd.style.visibility = "";
    this.isNow = isNow && isNew;
    this.write();
  }

  /** Say of which time the surface is: it is not of now any more, or the view is held. */
  leaveNow() {
    if (!this.isNow) return;
    this.isNow = false;
    this.write();
  }

  /** Draw other sizes, as `Plotly.restyle` does, but for examining the whole figure once more and for making anew what is
   * the same: that takes longer than the drawing. The names are this Plotly's own.
   * @param {Sizes} sizes
   */
  setSizes(sizes) {
    const [trace] = this.gd._fullData;
    const scene = this.gd._fullLayout.scene._scene;
    const drawn = scene.traces[trace.uid];
    Object.assign(this.gd.data[0], sizes); // with which Plotly begins at the next theme or page size
    Object.assign(trace, sizes);
    const places = `${sizes.x} ${sizes.y} ${scene.dataScale}`;
    const { glplot } = scene;
    const { onrender } = glplot;
    if (this.given && places === this.places && this.given.to === drawn.surface) {
      this.give(sizes, scene.dataScale[2]);
      glplot.onrender = null; // which would lay the page out and make the axes, which stay, anew
    } else {
      this.listen(drawn.surface);
      drawn.update(trace);
      this.places = places;
    }
    glplot.redraw();
    glplot.onrender = onrender;
  }

  /** Keep what the trace gives to its drawing. @param {any} surface */
  listen(surface) {
    const { update } = surface;
    surface.drawPick = null; // what Plotly's hover would read
    if (!Object.hasOwn(surface, "update")) {
      surface.update = (/** @type {any} */ given) => {
        if (given.coords) [this.given, this.places] = [{ ...given, to: surface, update }, ""];
        return update.call(surface, given);
      };
    }
  }

  /** Give the drawing the same once more, with other heights and colours. @param {Sizes} sizes
   * @param {number} scale  of heights
   */
  give({ z, surfacecolor }, scale) {
    const { coords, intensity, intensityBounds, objectOffset, to, update } = this.given;
    const [heights, rows, columns] = [coords[2].data, z.length, z[0].length];
    for (let column = 0; column < columns; column += 1) {
      for (let row = 0; row < rows; row += 1) {
        const height = z[row][column];
        heights[column * rows + row] = height === null ? NaN : height * scale - objectOffset[2];
        intensity.data[column * rows + row] = surfacecolor[row][column];
      }
    }
    update.call(to, { coords, intensity, intensityBounds, objectOffset });
  }

  /** @param {Sizes} sizes @param {number} mid */
  make(sizes, mid) {
    const { data, layout, config } = JSON.parse(this.gd.dataset.figure);
    const { Plotly } = window;
    if (!Plotly) return;
    const reach = SHARE * mid;
    const part = roundPart(reach);
    const theme = THEMES[this.theme];
    this.reach = reach;
    Object.assign(layout.scene.yaxis, { range: ENDS.map((end) => end * reach), tickvals: [-part, 0, part] });
    for (const axis of ["xaxis", "yaxis", "zaxis"]) {
      Object.assign(layout.scene[axis], { gridcolor: theme.box, backgroundcolor: "rgba(0,0,0,0)" });
    }
    layout.scene.camera = this.view;
    data[0].colorscale = diverging(this.theme, this.colours);
    this.magnitude = magnitudeOf(mid);
    if (this.made) { // the scene stays: browsers have few drawing contexts
      Plotly.react(this.gd, [{ ...this.gd.data[0], colorscale: data[0].colorscale, ...sizes }], layout, config);
      return;
    }
    const strip = [0, 1].map((size) => new Array(UNREFINED).fill(size));
    Object.assign(data[0], { x: Array.from({ length: UNREFINED }, (_, at) => at), y: [2 * reach, 2.1 * reach], z: strip, surfacecolor: strip });
    Plotly.newPlot(this.gd, data, layout, config);
    Plotly.restyle(this.gd, { x: [sizes.x], y: [sizes.y], z: [sizes.z], surfacecolor: [sizes.surfacecolor] }, [0]);
    this.made = true;
    // After each update Plotly reads the scene's pixels back for its hover, which this scene has not: skip it.
    const gl = this.gd._fullLayout.scene._scene?.glplot?.gl;
    if (gl) gl.readPixels = function skipped() {};
  }

  /** Show nothing before the next drawing: another symbol follows. */
  clear() {
    this.magnitude = 0;
    this.full = 0;
    this.shown = null;
    this.isNow = false;
    this.cells.clear();
    this.gd.style.visibility = "hidden";
    this.written = "";
    blank(this.texts);
  }

  /** Give the scene other colours, with the next drawing. @param {Theme} theme @param {string} colours */
  setColours(theme, colours) {
    if (theme !== this.theme || colours !== this.colours) this.magnitude = 0;
    this.theme = theme;
    this.colours = colours;
  }
}

/** @param {number} mid */
function magnitudeOf(mid) {
  return 10 ** Math.round(Math.log10(mid));
}

/** Load Plotly; resolves when it is there, or is known not to come. @param {string} url */
export function loadPlotly(url) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = url;
    for (const ending of ["load", "error"]) script.addEventListener(ending, () => resolve(ending));
    document.head.append(script);
  });
}
