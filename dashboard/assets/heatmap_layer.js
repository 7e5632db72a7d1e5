// The heatmap's cells: a WebGL2 layer that lies under the plot and draws in its data units.
//
// One float texture holds the sizes, a row a second and a column a price bin, both addressed modulo the
// texture's size, so that neither time nor price ever moves what is stored. A second texture says which
// second each row holds, and which of its bins are known: what is not there stays blank. Two uploads a
// second, whatever the size of the window. Seconds and bins are counted from a base, for float32's sake.
"use strict";
(function (liquidity) {
  const ROWS = 256; // seconds; more than the window
  const BINS = 1024; // more than one row's ladder ever spans
  const UNKNOWN = -1;

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
  uniform highp sampler2D cells;     // r: bid size, g: ask size; negative: not known
  uniform highp sampler2D rows;      // second, mid in bins, lowest and highest known bin
  uniform lowp sampler2D colours;    // bids, then asks
  uniform vec4 view;                 // first second, last second, lowest bin, highest bin
  uniform vec3 scale;                // sizes at both ends of the colours, 1 for a logarithmic scale
  in vec2 at;
  out vec4 colour;
  void main() {
    float bins = mix(view.z, view.w, at.y);
    int second = int(floor(mix(view.x, view.y, at.x))) + 1;  // a row's second ends at its time
    int row = second & ${ROWS - 1};
    vec4 known = texelFetch(rows, ivec2(0, row), 0);
    int bin = int(floor(bins));
    if (int(known.x) != second || bin < int(known.z) || bin > int(known.w)) discard;
    bool bid = bins < known.y;
    vec2 sizes = texelFetch(cells, ivec2(bin & ${BINS - 1}, row), 0).rg;
    float size = bid ? sizes.r : sizes.g;
    if (size < 0.0) discard;
    float share = scale.z > 0.5 ? log(size / scale.x) / log(scale.y / scale.x)
                                : (size - scale.x) / (scale.y - scale.x);
    float position = size > 0.0 ? clamp(share, 0.04, 1.0) : 0.0;
    colour = texelFetch(colours, ivec2(int(position * 255.0 + 0.5), bid ? 0 : 1), 0);
  }`;

  class HeatmapLayer {
    /** `canvas` is a GlCanvas. */
    constructor(canvas) {
      this.canvas = canvas;
      this.base = { second: 0, bin: 0, step: 1 };
      this.range = [0.001, 1];
      this.logarithmic = true;
      this.table = liquidity.colourScale.lookUpTable("dark");
      canvas.add(this);
    }

    start(gl) {
      this.program = liquidity.gl.link(gl, VERTEX, FRAGMENT);
      this.uniforms = liquidity.gl.uniformsOf(gl, this.program, ["cells", "rows", "colours", "view", "scale"]);
      this.cells = texture(gl, 0, gl.RG32F, BINS, ROWS, gl.RG, gl.FLOAT);
      this.rows = texture(gl, 1, gl.RGBA32F, 1, ROWS, gl.RGBA, gl.FLOAT);
      this.colours = texture(gl, 2, gl.RGBA8, liquidity.colourScale.ENTRIES, 2, gl.RGBA, gl.UNSIGNED_BYTE);
      gl.useProgram(this.program);
      ["cells", "rows", "colours"].forEach((name, unit) => gl.uniform1i(this.uniforms[name], unit));
      this.setColours(this.table);
      this.reset(this.base.second, this.base.bin, this.base.step);
    }

    /** Forget all rows; `second` and `bin` are the new bases, `step` the bins' height in USDT. */
    reset(second, bin, step) {
      this.base = { second, bin, step };
      const { gl } = this.canvas;
      if (!gl) return;
      const nothing = new Float32Array(ROWS * 4).fill(-1e9);
      gl.activeTexture(gl.TEXTURE1);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 1, ROWS, gl.RGBA, gl.FLOAT, nothing);
    }

    /** Write one second: its cells (see price_steps.js), or null for a second that stays blank. */
    write(second, cells) {
      const { base, canvas: { gl } } = this;
      if (!gl) return;
      const index = second - base.second;
      const row = index & (ROWS - 1);
      const known = new Float32Array([-1e9, 0, 0, 0]);
      if (cells && cells.low <= cells.high) {
        known.set([index, cells.mid / cells.step - base.bin, cells.low - base.bin, cells.high - base.bin]);
        gl.activeTexture(gl.TEXTURE0);
        gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, BINS, 1, gl.RG, gl.FLOAT, sizesOf(cells, base.bin));
      }
      gl.activeTexture(gl.TEXTURE1);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, 1, 1, gl.RGBA, gl.FLOAT, known);
    }

    /** Set the colours: a table of colour_scale.js. */
    setColours(table) {
      const { gl } = this.canvas;
      this.table = table;
      if (!gl) return;
      gl.activeTexture(gl.TEXTURE2);
      const width = liquidity.colourScale.ENTRIES;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, 2, gl.RGBA, gl.UNSIGNED_BYTE, table);
    }

    /** Draw into a panel (see ShapeLayer.draw) what lies between its seconds since the epoch and its prices. */
    draw(panel) {
      const { base, range, canvas: { gl } } = this;
      const { x, y, width, height } = this.canvas.pixelsOf(panel);
      if (!gl || width <= 0 || height <= 0) return;
      gl.useProgram(this.program);
      gl.viewport(x, y, width, height);
      gl.uniform4f(
        this.uniforms.view, panel.from - base.second, panel.to - base.second,
        panel.low / base.step - base.bin, panel.high / base.step - base.bin,
      );
      gl.uniform3f(this.uniforms.scale, range[0], range[1], this.logarithmic ? 1 : 0);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  /** Return one texture row: bid and ask sizes by bin, 0 where known to be empty. */
  function sizesOf(cells, baseBin) {
    const sizes = new Float32Array(2 * BINS).fill(UNKNOWN);
    const slot = (bin) => 2 * ((bin - baseBin) & (BINS - 1));
    const lowest = Math.max(cells.low, cells.high - BINS + 1);
    const middle = Math.floor(cells.mid / cells.step); // between the touch there is nothing, which is known
    for (let bin = lowest; bin <= middle; bin += 1) sizes[slot(bin)] = cells.bids.get(bin) ?? 0;
    for (let bin = middle; bin <= cells.high; bin += 1) sizes[slot(bin) + 1] = cells.asks.get(bin) ?? 0;
    return sizes;
  }

  function texture(gl, unit, format, width, height, layout, type) {
    const made = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, made);
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
    for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, which, gl.NEAREST);
    return made;
  }

  liquidity.HeatmapLayer = HeatmapLayer;
})((window.liquidity = window.liquidity || {}));
