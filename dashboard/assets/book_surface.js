// The surface: time x level x size. Bids behind one colour ramp, asks behind the other.
//
// Its axes never change: seconds before now, levels from the touch, and size as a share of the largest that
// the colours tell apart. Other tick labels every second would cost more than the surface itself.
"use strict";
(function (liquidity) {
  const SECONDS_A_COLUMN = 3; // 60 columns: a larger surface is slow to update
  const LEVELS = 10;
  const AFTER_POINTER_MS = 400; // an update in the middle of a turn makes the camera jump

  /** Return {x, y, z, surfacecolor} of the window's rows (one a second, null where unknown) at one ladder. */
  function surfaceOf(rows, stepIndex, range, logarithmic) {
    const { ladderOf } = liquidity.priceSteps;
    const newest = rows.length - 1;
    const x = [];
    const ladders = [];
    for (let index = newest % SECONDS_A_COLUMN; index <= newest; index += SECONDS_A_COLUMN) {
      x.push(index - newest);
      ladders.push(ladderOf(rows[index], stepIndex));
    }
    const level = (side, index) => ladders.map((ladder) => {
      const size = ladder?.[side][index]?.[1];
      return size === undefined || size === null ? null : Math.min(1, size / range[1]);
    });
    const y = [];
    const z = [];
    const surfacecolor = [];
    const add = (side, sign, index) => {
      const sizes = level(side, index);
      y.push(sign * (index + 1));
      z.push(sizes);
      surfacecolor.push(sizes.map((size) => sign * liquidity.colourScale.positionOf(size * range[1], range, logarithmic)));
    };
    const addPlain = (at, size) => {
      y.push(at);
      z.push(x.map(() => size));
      surfacecolor.push(x.map(() => 0));
    };
    // Out of sight, past the last levels: with sizes of 0 and 1 always there, Plotly's scale stays what it was,
    // and it need not make the axes anew, which would take several times as long as the surface.
    addPlain(-LEVELS - 1, 0);
    for (let index = LEVELS - 1; index >= 0; index -= 1) add("bids", -1, index);
    for (let index = 0; index < LEVELS; index += 1) add("asks", 1, index);
    addPlain(LEVELS + 1, 1);
    return { x, y, z, surfacecolor };
  }

  /** Return the changes of the figure's layout that give it the colours of a theme. */
  function layoutOf(name) {
    const theme = liquidity.themes.THEMES[name];
    const layout = { "font.color": theme.text, "font.size": 10 };
    for (const axis of ["xaxis", "yaxis", "zaxis"]) {
      layout[`scene.${axis}.gridcolor`] = theme.box;
      layout[`scene.${axis}.color`] = theme.faint;
      layout[`scene.${axis}.backgroundcolor`] = "rgba(0,0,0,0)";
    }
    return layout;
  }

  /** Set `object.a.b` for a key such as "a.b". */
  function assignDeep(object, key, value) {
    const [name, ...others] = key.split(".");
    if (!others.length) object[name] = value;
    else assignDeep((object[name] ??= {}), others.join("."), value);
  }

  class BookSurface {
    /** `element` is to hold the scene, and has its first figure, which is made with the first drawing only:
     * the texts of its axes take several times as long as the whole map.
     */
    constructor(element) {
      this.gd = element;
      this.theme = "dark";
      this.made = false;
      this.cleared = false;
      this.held = false;
      this.freeAt = 0;
      element.addEventListener("pointerdown", () => { this.held = true; }, true);
      const release = () => { this.held = false; this.freeAt = Date.now() + AFTER_POINTER_MS; };
      window.addEventListener("pointerup", release, true);
      window.addEventListener("pointercancel", release, true);
      element.addEventListener("wheel", () => { this.freeAt = Date.now() + AFTER_POINTER_MS; }, { capture: true, passive: true });
    }

    /** Show the window, unless somebody is turning the scene. */
    draw(rows, stepIndex, range, logarithmic) {
      const turning = this.held || Date.now() < this.freeAt;
      if (stepIndex === null || (turning && !this.cleared)) return;
      const { x, y, z, surfacecolor } = surfaceOf(rows, stepIndex, range, logarithmic);
      if (this.made) {
        this.setSizes({ z, surfacecolor }); // seconds and levels are the same every second
      } else {
        this.make();
        window.Plotly.restyle(this.gd, { x: [x], y: [y], z: [z], surfacecolor: [surfacecolor] }, [0]);
      }
      this.cleared = false;
      this.gd.style.visibility = "";
    }

    /** Draw other sizes, as `Plotly.restyle` does, but for examining the whole figure once more: that takes longer
     * than the drawing. The names are this Plotly's own.
     */
    setSizes(sizes) {
      const [trace] = this.gd._fullData;
      const scene = this.gd._fullLayout.scene._scene;
      Object.assign(this.gd.data[0], sizes); // with which Plotly begins at the next theme or page size
      scene.traces[trace.uid].update(Object.assign(trace, sizes));
      scene.glplot.redraw();
    }

    /** Show nothing before the next drawing: another symbol follows. */
    clear() {
      this.cleared = true;
      this.gd.style.visibility = "hidden";
    }

    make() {
      const { data, layout, config } = JSON.parse(this.gd.dataset.figure);
      for (const [key, value] of Object.entries(layoutOf(this.theme))) assignDeep(layout, key, value);
      data[0].colorscale = liquidity.colourScale.diverging(this.theme);
      window.Plotly.newPlot(this.gd, data, layout, config);
      this.made = true;
      this.readNothingBack();
    }

    /** After each update Plotly reads the scene's pixels back for its hover, which this scene has not: skip it. */
    readNothingBack() {
      const gl = this.gd._fullLayout.scene._scene?.glplot?.gl;
      if (gl) gl.readPixels = function skipped() {};
    }

    /** Give the scene another theme's colours. */
    setTheme(name) {
      this.theme = name;
      if (!this.made) return;
      window.Plotly.update(this.gd, { colorscale: [liquidity.colourScale.diverging(name)] }, layoutOf(name), [0]);
    }
  }

  liquidity.surfaceOf = surfaceOf;
  liquidity.BookSurface = BookSurface;
})((window.liquidity = window.liquidity || {}));
