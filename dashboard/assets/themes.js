// Colours of everything that is not a cell. The page's own colours are in page.css, under the same names.
"use strict";
(function (liquidity) {
  const THEMES = {
    dark: {
      text: "#b8c2d3", faint: "#7d899c", grid: "rgba(140,156,180,0.13)", box: "#5b677a",
      bid: "#4db5ff", ask: "#ffa23a", bidFill: "rgba(77,181,255,0.42)", askFill: "rgba(255,162,58,0.42)",
      bought: "rgba(150,222,255,0.50)", sold: "rgba(255,200,120,0.50)", edge: "rgba(8,12,20,0.9)",
      line: "#d7deea", mid: "rgba(230,236,245,0.55)", detection: "#f25fd0",
      order: "#ffffff", orderFill: "rgba(255,255,255,0.30)",
    },
    light: {
      text: "#27313f", faint: "#5d6879", grid: "rgba(40,54,74,0.13)", box: "#b3bdca",
      bid: "#1768b4", ask: "#b85a06", bidFill: "rgba(23,104,180,0.34)", askFill: "rgba(204,104,16,0.34)",
      bought: "rgba(10,84,160,0.60)", sold: "rgba(176,76,0,0.60)", edge: "rgba(255,255,255,0.95)",
      line: "#27313f", mid: "rgba(30,40,54,0.55)", detection: "#b3128f",
      order: "#000000", orderFill: "rgba(0,0,0,0.25)",
    },
  };
  const FONT = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  /** Return a colour ("#rrggbb" or "rgba(r,g,b,a)") as shares of 1 with the alpha multiplied in, as WebGL blends. */
  function premultiplied(colour) {
    const [red, green, blue, alpha = 1] = colour.startsWith("#")
      ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
      : colour.match(/[\d.]+/g).map(Number);
    return [red, green, blue].map((channel) => (channel / 255) * alpha).concat(alpha);
  }

  /** Return the layout changes that give a figure the colours of `name`; `axes` are its 2D axes. */
  function layoutOf(name, axes) {
    const theme = THEMES[name];
    const layout = { "font.color": theme.text, "font.size": 11, "font.family": FONT };
    for (const axis of axes) {
      layout[`${axis}.gridcolor`] = theme.grid;
      layout[`${axis}.zerolinecolor`] = theme.grid;
      layout[`${axis}.linecolor`] = theme.grid;
      layout[`${axis}.tickfont.color`] = theme.faint;
    }
    return layout;
  }

  liquidity.themes = { THEMES, premultiplied, layoutOf };
})((window.liquidity = window.liquidity || {}));
