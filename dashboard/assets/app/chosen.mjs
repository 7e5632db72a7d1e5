// What a person chose to see, taken from what is kept and handed to those who draw it.

import { KINDS } from "../book/detections.mjs";
import { press } from "../ui/dom.mjs";
import { askForNotes } from "../ui/notes.mjs";

/** @import {App} from "../app.mjs" */

export class Chosen {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
  }

  read() {
    const { preferences, choices, map, depth, surface } = this.app;
    const cutOff = (/** @type {string} */ name) => {
      const text = preferences.get(name);
      return text.includes("%") ? { percent: parseFloat(text), size: null } : { percent: null, size: Number(text) };
    };
    const [black, white] = [cutOff("black"), cutOff("white")];
    Object.assign(map.scale.settings, {
      blackPercent: black.percent ?? 55, whitePercent: white.percent ?? 98, black: black.size, white: white.size,
      gamma: Number(preferences.get("gamma")),
    });
    choices.ticks = preferences.get("ticks") === "auto" ? "auto" : Number(preferences.get("ticks"));
    choices.onlyTop = preferences.get("top") === "1";
    map.chooseReach();
    choices.vwap = preferences.get("vwap") === "1";
    choices.flow = /** @type {import("../book/numbers.mjs").Flow} */ (preferences.get("flow"));
    choices.colours = preferences.get("colours");
    choices.kinds = new Set(preferences.get("kinds").split(" ").filter((kind) => kind in KINDS));
    choices.rank = Number(preferences.get("rank"));
    depth.range = preferences.get("depth");
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#depth-ranges button"))) {
      press(button, button.dataset.range === depth.range);
    }
    const theme = /** @type {"dark" | "light"} */ (preferences.get("theme"));
    document.documentElement.dataset.theme = theme;
    map.setTheme(theme);
    depth.theme = theme;
    surface.setColours(theme, choices.colours);
  }

  /** @param {string} name */
  changed(name) {
    this.read();
    if (["black", "white"].includes(name)) this.app.map.restartScale();
    this.app.map.drawnVersion = -1;
    this.app.map.drawnRaster = "";
    if (name === "notes") askForNotes();
    this.app.drawing.soon("data");
  }

  toggleTheme() {
    this.app.preferences.set("theme", this.app.preferences.get("theme") === "dark" ? "light" : "dark");
    this.changed("theme");
  }
}
