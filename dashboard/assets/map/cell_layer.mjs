// The map's cells: a raster in one float texture, drawn in the data units of its panel.
//
// A second texture says which rows of each column are known; what is not is hatched. Colours are looked up by the
// position of a size between black and white point.

import { KNOWN_FIELDS } from "../book/raster.mjs";
import { ENTRIES } from "./colour_maps.mjs";
import { link, uniformsOf } from "./gl_canvas.mjs";

/** @import {Raster} from "../book/raster.mjs" */
/** @import {ScaleRange} from "./colour_maps.mjs" */
/** @import {GlCanvas, Panel} from "./gl_canvas.mjs" */

const VERTEX = `#version 300 es
const vec2 corners[4] = vec2[4](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(1, 1));
out vec2 at;
void main() {
  at = corners[gl_VertexID];
  gl_Position = vec4(at * 2.0 - 1.0, 0, 1);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
uniform highp sampler2D cells;   // across: rows, up: columns; a size, negative of bids
uniform highp sampler2D known;   // of each column: first and last known row, rows of the tenth bid and ask
uniform lowp sampler2D colours;  // bids, then asks
uniform ivec2 whole;             // rows and columns that are written
uniform vec4 view;               // first and last column, lowest and highest row, as shares of a cell too
uniform float last;              // column at which now is
uniform vec3 scale;              // black point, log(white / black), gamma
uniform vec4 hatchBack, hatch, outline;
uniform vec2 pixel;              // columns and rows that a pixel takes
uniform float ratio, onlyTop;
in vec2 at;
out vec4 colour;
vec4 hatched() {
  float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 9.0 * ratio);
  return stripe < 1.2 * ratio ? hatch : hatchBack;
}
void main() {
  float columns = mix(view.x, view.y, at.x);
  float rows = mix(view.z, view.w, at.y);
  if (columns >= last) { colour = vec4(0); return; }
  int column = int(floor(columns));
  int row = int(floor(rows));
  if (column < 0 || column >= whole.y || row < 0 || row >= whole.x) { colour = hatched(); return; }
  vec4 range = texelFetch(known, ivec2(column, 0), 0);
  if (row < int(range.x) || row > int(range.y)) { colour = hatched(); return; }
  float size = texelFetch(cells, ivec2(row, column), 0).r;
  bool bid = size <= 0.0;
  float shown = abs(size);
  float share = clamp(log(max(shown, 1e-9) / scale.x) / scale.y, 0.0, 1.0);
  float position = shown > 0.0 ? max(0.05, pow(share, scale.z)) : 0.0;
  bool top = row >= int(range.z) && row <= int(range.w);
  if (onlyTop > 0.5 && !top) position = 0.0;
  colour = texelFetch(colours, ivec2(int(position * ${ENTRIES - 1}.0 + 0.5), bid ? 0 : 1), 0);
  float below = (rows - range.z) / pixel.y;
  float above = (range.w + 1.0 - rows) / pixel.y;
  bool edge = (below >= -ratio && below < 0.0) || (above >= -ratio && above < 0.0);
  if (onlyTop < 0.5 && edge) colour = mix(colour, vec4(outline.rgb / max(outline.a, 0.01), 1), outline.a);
}`;

const GRAIN = 256; // of the textures' sizes: to make one anew whenever the zoom changes holds the drawing up

/** What is written of a raster, and the rows and columns that its textures have room for.
 * @typedef {{raster: Raster | null, rows: number, columns: number}} Written
 */

export class CellLayer {
  /** @param {GlCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {[Written, Written]} one is shown, the other stands by */
    this.written = [{ raster: null, rows: 0, columns: 0 }, { raster: null, rows: 0, columns: 0 }];
    this.shown = 0;
    /** @type {Uint8Array | null} */
    this.table = null;
    canvas.add(this);
  }

  /** The raster that is shown. */
  get raster() {
    return this.written[this.shown].raster;
  }

  /** @param {WebGL2RenderingContext} gl */
  start(gl) {
    this.program = link(gl, VERTEX, FRAGMENT);
    this.uniforms = uniformsOf(gl, this.program, [
      "cells", "known", "colours", "whole", "view", "last", "scale", "hatchBack", "hatch", "outline", "pixel", "ratio", "onlyTop",
    ]);
    this.textures = [0, 1, 2, 3, 4].map(() => texture(gl)); // of both rasters cells and known, and the colours
    this.canvas.use(this.program);
    ["cells", "known", "colours"].forEach((name, unit) => gl.uniform1i(this.uniforms?.[name] ?? null, unit));
    if (this.table) this.setColours(this.table);
    this.written.forEach((written, which) => {
      written.rows = 0;
      if (written.raster) this.write(written.raster, which);
    });
  }

  /** Write a raster. `changed` are the first column that is not as it was written before, and the one behind the last.
   * @param {Raster} raster @param {number} which of the two @param {[number, number]} [changed]
   */
  write(raster, which, [first, end] = [0, raster.lattice.columns]) {
    const { gl } = this.canvas;
    const written = this.written[which];
    written.raster = raster;
    if (!gl || !this.textures) return;
    const { rows, columns } = raster.lattice;
    const fits = rows <= written.rows && columns <= written.columns;
    if (!fits) [written.rows, written.columns] = [rows, columns].map((count) => Math.ceil(count / GRAIN) * GRAIN);
    if (fits && end <= first) return;
    this.bind(gl, 0, 2 * which);
    if (!fits) gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, written.rows, written.columns, 0, gl.RED, gl.FLOAT, null);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, first, rows, end - first, gl.RED, gl.FLOAT, raster.cells, first * rows);
    this.bind(gl, 1, 2 * which + 1);
    if (!fits) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, written.columns, 1, 0, gl.RGBA, gl.FLOAT, null);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, first, 0, end - first, 1, gl.RGBA, gl.FLOAT, raster.known, first * KNOWN_FIELDS);
    if (raster.known.length !== KNOWN_FIELDS * columns) throw new Error("a raster's columns and their range differ");
  }

  /** Set the colours: a table of colour_maps.mjs. @param {Uint8Array} table */
  setColours(table) {
    const { gl } = this.canvas;
    this.table = table;
    if (!gl || !this.textures) return;
    this.bind(gl, 2, 4);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ENTRIES, 2, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
  }

  /** @param {WebGL2RenderingContext} gl @param {number} unit @param {number} which of the textures */
  bind(gl, unit, which) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, this.textures?.[which] ?? null);
  }

  /** Draw into a panel (ms across, units upwards) what is known before `now` (ms).
   * @param {Panel} panel @param {number} now @param {ScaleRange} scale
   * @param {{hatchBack: number[], hatch: number[], outline: number[], onlyTop: boolean}} look
   */
  draw(panel, now, scale, look) {
    const { gl, drawnRatio: ratio, element } = this.canvas;
    const { x, y, width, height } = this.canvas.pixelsOf(panel);
    if (!gl || !this.raster || !this.uniforms || !this.program || width <= 0 || height <= 0) return;
    const { firstColumn, columnMs, firstRow, step, tick } = this.raster.lattice;
    const columnAt = (/** @type {number} */ ms) => ms / columnMs - firstColumn;
    const rowAt = (/** @type {number} */ price) => (price + tick / 2) / step - firstRow;
    const view = [columnAt(panel.from), columnAt(panel.to), rowAt(panel.low), rowAt(panel.high)];
    const { uniforms } = this;
    this.canvas.use(this.program);
    [2 * this.shown, 2 * this.shown + 1, 4].forEach((which, unit) => this.bind(gl, unit, which));
    gl.bindVertexArray(null);
    gl.disable(gl.BLEND); // nothing lies below
    gl.scissor(x, y, width, height);
    gl.viewport(x, y, width, height);
    gl.uniform2i(uniforms.whole, this.raster.lattice.rows, this.raster.lattice.columns);
    gl.uniform4fv(uniforms.view, view);
    gl.uniform1f(uniforms.last, columnAt(now));
    gl.uniform3f(uniforms.scale, scale.black, Math.log(scale.white / scale.black), scale.gamma);
    gl.uniform4fv(uniforms.hatchBack, look.hatchBack);
    gl.uniform4fv(uniforms.hatch, look.hatch);
    gl.uniform4fv(uniforms.outline, look.outline);
    gl.uniform2f(uniforms.pixel, (view[1] - view[0]) / width, (view[3] - view[2]) / height);
    gl.uniform1f(uniforms.ratio, ratio);
    gl.uniform1f(uniforms.onlyTop, look.onlyTop ? 1 : 0);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.viewport(0, 0, element.width, element.height);
    gl.enable(gl.BLEND);
  }
}

/** @param {WebGL2RenderingContext} gl */
function texture(gl) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, which, gl.NEAREST);
  for (const which of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, which, gl.CLAMP_TO_EDGE);
  return made;
}
