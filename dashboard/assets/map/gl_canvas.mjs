// One WebGL2 canvas for several layers: its size, its loss and return, and where a rectangle of the page lies in it.

/** A rectangle in CSS pixels from the canvas's top left. @typedef {{left: number, top: number, width: number, height: number}} Box */
/** A box and what it shows: `from` to `to` across, `low` to `high` upwards.
 * @typedef {Box & {from: number, to: number, low: number, high: number}} Panel
 */
/** @typedef {{start(gl: WebGL2RenderingContext): void}} Layer */

export class GlCanvas {
  /** `onChange` is called when the context was lost, and when it is back: then all is to be written again.
   * @param {HTMLCanvasElement} element @param {() => void} onChange
   */
  constructor(element, onChange) {
    this.element = element;
    /** @type {number | null} device pixels in one CSS pixel, where they are not the screen's */
    this.ownRatio = null;
    this.drawnRatio = 1; // in which it was cleared last
    /** @type {Layer[]} */
    this.layers = [];
    /** @type {WebGL2RenderingContext | null} null where the browser has none, or none now */
    this.gl = null;
    /** @type {WebGLProgram | null} that draws now */
    this.program = null;
    element.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else the browser never gives it back
      this.gl = null;
      onChange();
    });
    element.addEventListener("webglcontextrestored", () => {
      this.start();
      if (this.gl) for (const layer of this.layers) layer.start(this.gl);
      onChange();
    });
    this.start();
  }

  start() {
    const gl = this.element.getContext("webgl2", { antialias: false, depth: false, premultipliedAlpha: true });
    this.gl = gl;
    this.program = null;
    gl?.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl?.enable(gl.BLEND);
  }

  /** Give the context back: browsers keep few, and close the oldest where there are more. */
  release() {
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** Start a layer now, and again after each loss. @param {Layer} layer */
  add(layer) {
    this.layers.push(layer);
    if (this.gl) layer.start(this.gl);
  }

  /** Draw with a program from now on. @param {WebGLProgram} program */
  use(program) {
    if (program !== this.program) this.gl?.useProgram(program);
    this.program = program;
  }

  /** Device pixels in one CSS pixel. */
  get ratio() {
    return this.ownRatio ?? (window.devicePixelRatio || 1);
  }

  /** Make the canvas as large as its place on the screen, and empty. What is drawn then is blended, and cut at its scissor's box:
   * to say so for each shape takes longer than to draw it.
   */
  clear() {
    const { gl, element, ratio } = this;
    if (!gl) return;
    this.drawnRatio = ratio;
    const [width, height] = [element.clientWidth, element.clientHeight].map((length) => Math.round(length * ratio));
    if (element.width !== width || element.height !== height) [element.width, element.height] = [width, height];
    gl.viewport(0, 0, width, height);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
  }

  /** Return a box in whole device pixels from the bottom left. @param {Box} box */
  pixelsOf({ left, top, width, height }) {
    const { element, drawnRatio: ratio } = this;
    return {
      x: Math.round(left * ratio), y: Math.round(element.height - (top + height) * ratio),
      width: Math.round(width * ratio), height: Math.round(height * ratio),
    };
  }
}

/** Return the program of two GLSL sources, linked.
 * @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment
 */
export function link(gl, vertex, fragment) {
  const program = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`A shader does not link: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}

/** Return where a program keeps these uniforms, by name.
 * @param {WebGL2RenderingContext} gl @param {WebGLProgram} program @param {string[]} names
 * @returns {Record<string, WebGLUniformLocation | null>}
 */
export function uniformsOf(gl, program, names) {
  return Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
}
