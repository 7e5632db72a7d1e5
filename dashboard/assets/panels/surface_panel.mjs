// The surface: time x price x size, Plotly's. Its script is loaded only once the map has been drawn.
//
// Prices are counted from the mid of the newest second, so that labels stay where they are; other labels every second
// would cost more than the surface itself.

import { cellAt, rasterOf, rowOf, sampleSizes } from "../book/raster.mjs";
import { diverging, positionOf } from "../map/colour_maps.mjs";
import { number } from "../ui/formats.mjs";
import { THEMES } from "../ui/themes.mjs";
import { make } from "../ui/dom.mjs";
import { handOn, SurfaceCamera } from "./surface_camera.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */
/** @import {ScaleRange} from "../map/colour_maps.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */

const COLUMN_MS = 4000; // 45 columns: a larger surface is slow to update
const ROWS = 40;
const SHARE = 0.0008; // of the mid, that the rows reach up and down
const UNREFINED = 721;
// Plotly refines each surface to at least 120 x 120 points whenever it changes, which takes longer than all else, but not
// one that ever had more than 720 points a row.

/** Return {x, y, z, surfacecolor} around `mid` (USDT): seconds before now, USDT from the mid, shares of the largest sizes.
 * @param {BookWindow} known @param {number} mid @param {number} gamma
 */
export function surfaceOf(known, mid, gamma) {
  const tick = known.tick || 1e6;
  const step = Math.max(1, Math.round((2 * SHARE * mid * 1e8) / ROWS / tick)) * tick;
  const columns = Math.round(180_000 / COLUMN_MS);
  const lattice = {
    firstColumn: Math.floor(known.end / COLUMN_MS) - columns, columns, columnMs: COLUMN_MS,
    firstRow: rowOf(mid * 1e8, { step, tick }) - ROWS / 2, rows: ROWS, step, tick,
  };
  const raster = rasterOf(known.since(known.end - 180_000 - COLUMN_MS), lattice, known.end);
  const scale = scaleOf(sampleSizes(raster), gamma);
  const x = Array.from({ length: columns }, (_, column) => (column - columns + 1) * (COLUMN_MS / 1000));
  const y = Array.from({ length: ROWS }, (_, row) => ((row - ROWS / 2) * step) / 1e8);
  const z = y.map(() => /** @type {(number | null)[]} */ (new Array(columns).fill(null)));
  const surfacecolor = y.map(() => new Array(columns).fill(0));
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const cell = cellAt(raster, column, row);
      if (!cell) continue;
      const size = Math.max(cell.bid, cell.ask);
      z[row][column] = Math.min(1, size / scale.white);
      surfacecolor[row][column] = (cell.bid >= cell.ask ? -1 : 1) * positionOf(size, scale);
    }
  }
  // Out of sight, past both ends: with sizes of 0 and 1 always there Plotly's scale stays what it was.
  const beyond = (2 * SHARE * mid) / ROWS;
  y.unshift(y[0] - beyond);
  y.push(y[y.length - 1] + beyond);
  z.unshift(new Array(columns).fill(0));
  z.push(new Array(columns).fill(1));
  surfacecolor.unshift(new Array(columns).fill(0));
  surfacecolor.push(new Array(columns).fill(0));
  return { x, y, z, surfacecolor };
}

/** Return the colours' range over a surface's own sizes. @param {Float32Array} sizes @param {number} gamma @returns {ScaleRange} */
function scaleOf(sizes, gamma) {
  sizes.sort();
  const at = (/** @type {number} */ share) => sizes[Math.floor(share * (sizes.length - 1))] ?? 1;
  const black = at(0.1);
  return { black, white: Math.max(at(0.99), black * 1.001), gamma };
}

export class SurfacePanel {
  /** @param {HTMLElement} element  holds the scene, and its first figure as JSON */
  constructor(element) {
    this.gd = /** @type {any} */ (element);
    /** @type {Theme} */
    this.theme = "dark";
    this.colours = "blue and orange";
    this.made = false;
    this.camera = new SurfaceCamera();
    this.hand = make("div", {
      id: "surface-hand", tabindex: 0, role: "img",
      "aria-label": "The book over time as a surface: drag or arrows turn it, wheel or + and - zoom, a double click shows all again",
    });
    element.after(this.hand); // Plotly's own hands reach under the floor, and so near that the picture is cropped
    handOn(this.hand, this.camera, () => this.look());
    new ResizeObserver(() => this.look()).observe(element);
    this.magnitude = 0; // of the mid that the axes' labels were made for; 0: they are to be made anew
  }

  /** Plotly's camera for the panel as it is. */
  get view() {
    return this.camera.camera((this.gd.clientWidth || 1) / (this.gd.clientHeight || 1));
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
  }

  /** See the scene as at first. */
  resetCamera() {
    this.camera.reset();
    this.look();
  }

  /** Show the window. @param {BookWindow} known @param {number} gamma */
  draw(known, gamma) {
    const mid = known.frame?.mid_price;
    if (!mid || !window.Plotly) return;
    const sizes = surfaceOf(known, mid, gamma);
    if (this.made && magnitudeOf(mid) === this.magnitude) this.setSizes(sizes);
    else this.make(sizes, mid);
    this.gd.style.visibility = "";
  }

  /** Draw other sizes, as `Plotly.restyle` does, but for examining the whole figure once more: that takes longer than the
   * drawing. The names are this Plotly's own. @param {ReturnType<typeof surfaceOf>} sizes
   */
  setSizes(sizes) {
    const [trace] = this.gd._fullData;
    const scene = this.gd._fullLayout.scene._scene;
    Object.assign(this.gd.data[0], sizes); // with which Plotly begins at the next theme or page size
    scene.traces[trace.uid].update(Object.assign(trace, sizes));
    scene.glplot.redraw();
  }

  /** @param {ReturnType<typeof surfaceOf>} sizes @param {number} mid */
  make(sizes, mid) {
    const { data, layout, config } = JSON.parse(this.gd.dataset.figure);
    const { Plotly } = window;
    if (!Plotly) return;
    const reach = SHARE * mid;
    const decimals = Math.max(0, 2 - Math.floor(Math.log10(reach)));
    const label = (/** @type {number} */ from) => `${from < 0 ? "−" : "+"}${number(Math.abs(from), decimals)}`;
    const theme = THEMES[this.theme];
    layout.font = { color: theme.text, size: parseFloat(getComputedStyle(this.gd).fontSize) };
    Object.assign(layout.scene.yaxis, {
      range: [-reach, reach], tickvals: [-reach / 2, 0, reach / 2], ticktext: [label(-reach / 2), "mid", label(reach / 2)],
    });
    for (const axis of ["xaxis", "yaxis", "zaxis"]) {
      Object.assign(layout.scene[axis], { gridcolor: theme.box, color: theme.faint, backgroundcolor: "rgba(0,0,0,0)" });
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
    this.gd.style.visibility = "hidden";
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
