// Shapes over the heatmap: lines, bars and bubbles, given in the data units of the panel they are drawn in.
//
// Lines here run along the axes only, as steps do. So lines and bars are both boxes with sides along the axes:
// a line is one box without a width for each of its segments, which the vertex shader makes as wide as the
// stroke. Boxes begin on whole pixels, for crispness, and colour the pixel that they end in by the share they
// cover of it. Places are counted from each shape's first one, for float32's sake.
import { link } from "./gl_canvas.mjs";

/** @import {GlCanvas, Panel} from "./gl_canvas.mjs" */

const GIVEN = 5; // vectors that say how a set of shapes is drawn, given at one go
const UNIFORMS = `
precision highp float;
uniform vec4 given[${GIVEN}];
#define scale given[0].xy     // of data units to pixels from the canvas's bottom left
#define offset given[0].zw
#define size given[1].xy      // of the canvas
#define ratio given[1].z
#define stroke given[1].w     // pixels that a box is wider than its corners are apart
#define fill given[2]
#define edge given[3]
#define edgeWidth given[4].x
`;
const CORNERS = `
const vec2 corners[4] = vec2[4](vec2(0, 0), vec2(1, 0), vec2(0, 1), vec2(1, 1));`;

const BOX_VERTEX = `#version 300 es
${UNIFORMS}${CORNERS}
in vec4 shape; // two opposite corners
flat out vec4 sides;
void main() {
  vec2 one = shape.xy * scale + offset;
  vec2 other = shape.zw * scale + offset;
  vec2 low = floor(min(one, other) - 0.5 * stroke + 0.5);
  vec2 high = floor(max(one, other) - 0.5 * stroke + 0.5) + stroke;
  sides = vec4(low, high);
  gl_Position = vec4(mix(low, ceil(high), corners[gl_VertexID]) / size * 2.0 - 1.0, 0, 1);
}`;

const BOX_FRAGMENT = `#version 300 es
${UNIFORMS}
flat in vec4 sides;
out vec4 colour;
float covered(vec2 low, vec2 high) {
  vec2 inside = min(gl_FragCoord.xy + 0.5, high) - max(gl_FragCoord.xy - 0.5, low);
  return clamp(inside.x, 0.0, 1.0) * clamp(inside.y, 0.0, 1.0);
}
void main() {
  float inner = covered(sides.xy + edgeWidth, sides.zw - edgeWidth);
  colour = fill * inner + edge * (covered(sides.xy, sides.zw) - inner);
}`;

const BUBBLE_VERTEX = `#version 300 es
${UNIFORMS}${CORNERS}
in vec3 shape; // centre, and diameter in CSS pixels
flat out vec3 circle;
void main() {
  circle = vec3(shape.xy * scale + offset, 0.5 * shape.z * ratio);
  vec2 corner = circle.xy + (corners[gl_VertexID] * 2.0 - 1.0) * (circle.z + 1.0);
  gl_Position = vec4(corner / size * 2.0 - 1.0, 0, 1);
}`;

const BUBBLE_FRAGMENT = `#version 300 es
${UNIFORMS}
flat in vec3 circle;
out vec4 colour;
void main() {
  float inside = circle.z - distance(gl_FragCoord.xy, circle.xy);
  float inner = clamp(inside - edgeWidth + 0.5, 0.0, 1.0);
  colour = fill * inner + edge * (clamp(inside + 0.5, 0.0, 1.0) - inner);
}`;

const KINDS = {
  boxes: { floats: 4, vertex: BOX_VERTEX, fragment: BOX_FRAGMENT },
  bubbles: { floats: 3, vertex: BUBBLE_VERTEX, fragment: BUBBLE_FRAGMENT },
};

/** Colours are premultiplied shares of 1, widths in CSS pixels.
 * @typedef {{fill: number[], edge?: number[], edgeWidth?: number, stroke?: number}} Look
 */
/** @typedef {{array: WebGLVertexArrayObject | null, buffer: WebGLBuffer | null, kind: "boxes" | "bubbles", base: number[],
 *   data: Float32Array, count: number}} Shapes
 */

export class ShapeLayer {
  /** @param {GlCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Map<string, Shapes>} by name */
    this.shapes = new Map();
    /** @type {Record<string, {program: WebGLProgram, given: WebGLUniformLocation | null}>} */
    this.programs = {};
    this.given = new Float32Array(4 * GIVEN);
    canvas.add(this);
  }

  /** @param {WebGL2RenderingContext} gl */
  start(gl) {
    this.programs = Object.fromEntries(Object.entries(KINDS).map(([kind, { vertex, fragment }]) => {
      const program = link(gl, vertex, fragment);
      return [kind, { program, given: gl.getUniformLocation(program, "given") }];
    }));
    for (const set of this.shapes.values()) {
      set.array = null;
      this.upload(gl, set);
    }
  }

  /** Replace all shapes of one name, one after the other in `flat`. `kind` is boxes: x, y, x, y of two opposite corners, or
   * bubbles: x, y, diameter in CSS pixels.
   * @param {string} name @param {"boxes" | "bubbles"} kind @param {number[]} flat
   */
  write(name, kind, flat) {
    const { floats } = KINDS[kind];
    if (!flat.length && this.shapes.get(name)?.count === 0) return;
    const base = [flat[0] ?? 0, flat[1] ?? 0];
    const data = new Float32Array(flat.length);
    const places = kind === "bubbles" ? 2 : 4; // of the floats, x and y in turns
    for (let first = 0; first < flat.length; first += floats) {
      for (let at = first; at < first + places; at += 2) {
        data[at] = flat[at] - base[0];
        data[at + 1] = flat[at + 1] - base[1];
      }
      if (places < floats) data[first + places] = flat[first + places];
    }
    const known = this.shapes.get(name);
    const set = { array: null, buffer: null, ...known, kind, base, data, count: flat.length / floats };
    this.shapes.set(name, set);
    if (this.canvas.gl) this.upload(this.canvas.gl, set);
  }

  /** @param {WebGL2RenderingContext} gl @param {Shapes} set */
  upload(gl, set) {
    if (!set.array) {
      set.array = gl.createVertexArray();
      set.buffer = gl.createBuffer();
      const place = gl.getAttribLocation(this.programs[set.kind].program, "shape");
      gl.bindVertexArray(set.array);
      gl.bindBuffer(gl.ARRAY_BUFFER, set.buffer);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, KINDS[set.kind].floats, gl.FLOAT, false, 0, 0);
      gl.vertexAttribDivisor(place, 1);
      gl.bindVertexArray(null);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, set.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, set.data, gl.DYNAMIC_DRAW);
  }

  /** Draw the shapes of one name into a panel; nothing of them is seen outside of it.
   *
   * The panel is a rectangle in CSS pixels from the canvas's top left, and what it shows: `from` to `to`
   * across, `low` to `high` upwards. Colours are premultiplied shares of 1, widths are in CSS pixels.
   * @param {string} name @param {Panel} panel @param {Look} look
   */
  draw(name, panel, { fill, edge = fill, edgeWidth = 0, stroke = 0 }) {
    const { gl, element, drawnRatio: ratio } = this.canvas;
    const set = this.shapes.get(name);
    const { x, y, width, height } = this.canvas.pixelsOf(panel);
    if (!gl || !set?.count || width <= 0 || height <= 0) return;
    const { program, given: place } = this.programs[set.kind];
    const { given } = this;
    const [across, up] = [width / (panel.to - panel.from), height / (panel.high - panel.low)];
    given[0] = across;
    given[1] = up;
    given[2] = x + (set.base[0] - panel.from) * across;
    given[3] = y + (set.base[1] - panel.low) * up;
    given[4] = element.width;
    given[5] = element.height;
    given[6] = ratio;
    given[7] = stroke * ratio;
    given.set(fill, 8);
    given.set(edge, 12);
    given[16] = edgeWidth * ratio;
    this.canvas.use(program);
    gl.uniform4fv(place, given);
    gl.scissor(x, y, width, height);
    gl.bindVertexArray(set.array);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, set.count);
  }
}

