// One WebGL2 canvas for several layers: its size, its loss and return, and where a rectangle of the page lies in it.
"use strict";
(function (liquidity) {
  class GlCanvas {
    /** `onRestored` is called when a lost context is back: what layers do not keep must be written again. */
    constructor(element, onRestored) {
      this.element = element;
      this.layers = [];
      element.addEventListener("webglcontextlost", (event) => {
        event.preventDefault(); // else the browser never gives it back
        this.gl = null;
      });
      element.addEventListener("webglcontextrestored", () => {
        this.start();
        for (const layer of this.layers) layer.start(this.gl);
        onRestored();
      });
      this.start();
    }

    start() {
      const options = { antialias: false, depth: false, premultipliedAlpha: true };
      this.gl = this.element.getContext("webgl2", options);
      if (!this.gl) throw new Error("This browser has no WebGL 2, which the map needs.");
      this.gl.blendFunc(this.gl.ONE, this.gl.ONE_MINUS_SRC_ALPHA);
    }

    /** Start a layer now, and again after each loss: `layer.start(gl)`. `gl` is null while the context is lost. */
    add(layer) {
      this.layers.push(layer);
      if (this.gl) layer.start(this.gl);
    }

    /** Device pixels in one CSS pixel. */
    get ratio() {
      return window.devicePixelRatio || 1;
    }

    /** Make the canvas as large as its place on the screen, and empty. */
    clear() {
      const { gl, element, ratio } = this;
      if (!gl) return;
      const size = [element.clientWidth, element.clientHeight].map((length) => Math.round(length * ratio));
      if (element.width !== size[0] || element.height !== size[1]) [element.width, element.height] = size;
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }

    /** Return a rectangle (CSS pixels from the top left) in whole device pixels from the bottom left. */
    pixelsOf({ left, top, width, height }) {
      const { element, ratio } = this;
      return {
        x: Math.round(left * ratio), y: Math.round(element.height - (top + height) * ratio),
        width: Math.round(width * ratio), height: Math.round(height * ratio),
      };
    }
  }

  /** Return the program of two GLSL sources, linked. */
  function link(gl, vertex, fragment) {
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(`A shader does not link: ${gl.getProgramInfoLog(program)}`);
    }
    return program;
  }

  /** Return where a program keeps these uniforms, by name. */
  function uniformsOf(gl, program, names) {
    return Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
  }

  liquidity.GlCanvas = GlCanvas;
  liquidity.gl = { link, uniformsOf };
})((window.liquidity = window.liquidity || {}));
