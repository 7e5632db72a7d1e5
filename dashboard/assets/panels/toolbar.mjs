// The map's controls: row height, colours, what is drawn, and the picture to take away.

import { KINDS, MEANINGS } from "../book/detections.mjs";
import { FLOWS } from "../book/numbers.mjs";
import { COLOUR_MAPS } from "../map/colour_maps.mjs";
import { byId, make, press, setText } from "../ui/dom.mjs";
import { isCutOff, TICKS } from "../ui/preferences.mjs";

/** @import {Preferences} from "../ui/preferences.mjs" */

/** @typedef {{onChange: (name: string) => void, onFollow: () => void, onPicture: () => void}} Tell */

const ROWS = Object.fromEntries(TICKS.map((ticks) => [ticks, ticks === "auto" ? "auto" : `${ticks} tick${ticks === "1" ? "" : "s"}`]));

const SCALE_HINT = "“30 %” is a percentile of the sizes in view, “0.5” a size.";

const FLOW_NAMES = { ofi_best: "of the best levels", ofi: "change of ten-level volumes" };

/** Say how many ticks a row has that is chosen by itself. @param {number} ticks */
export function showRow(ticks) {
  const auto = byId("choose-ticks").firstElementChild;
  const text = `auto: ${ticks} tick${ticks === 1 ? "" : "s"}`;
  if (auto && auto.textContent !== text) auto.textContent = text;
}

/** Build the controls into the toolbar. @param {Preferences} preferences @param {Tell} tell */
export function buildToolbar(preferences, tell) {
  const choose = (/** @type {string} */ name, /** @type {string} */ text) => {
    if (preferences.set(name, text)) tell.onChange(name);
  };
  byId("toolbar").append(
    make("button", { id: "follow", class: "switch", type: "button", "aria-label": "Hold the view", onclick: tell.onFollow }, "❚❚"),
    list("ticks", "row", TICKS, "Ticks in a row of the map; auto is the finest that can be seen", preferences, choose, ROWS),
    list("colours", "", COLOUR_MAPS, "Colour map", preferences, choose),
    toggle("top", "only ten levels", "Show only the ten best levels a side, of which numbers and detectors speak", preferences, choose),
    toggle("vwap", "VWAP", "Volume-weighted price since the beginning of the window", preferences, choose),
    menu("scale-menu", "scale", scaleFields(preferences, choose)),
    menu("kinds-menu", "kinds", kindFields(preferences, choose)),
    make("span", { class: "space" }),
    make("button", { id: "picture", class: "switch", type: "button", title: "Save the page's picture as PNG (p)", onclick: tell.onPicture }, "PNG"),
  );
  byId("legend-box").append(
    make("div", { id: "legend-sides" }, make("div", { class: "bid" }, "bids"), make("div", { class: "ask" }, "asks")),
    make("canvas", { id: "legend", width: 256, height: 2, title: "Colours of sizes: bids above, asks below; the left end is known and empty" }),
    make("div", { id: "legend-texts" }, make("div", { id: "legend-range" }, ""), make("div", { id: "row-shown" }, "")),
  );
}

/** `texts` are what options are called, where that is not their value. @param {string} name @param {string} label
 * @param {readonly string[]} options @param {string} title @param {Preferences} preferences
 * @param {(name: string, text: string) => void} choose @param {Record<string, string>} [texts]
 */
function list(name, label, options, title, preferences, choose, texts = {}) {
  const select = make("select", { id: `choose-${name}`, title, onchange: () => choose(name, select.value) },
    ...options.map((option) => make("option", { value: option }, texts[option] ?? option)));
  select.value = preferences.get(name);
  if (label) return make("label", { class: "control" }, make("span", { class: "label" }, label), select);
  select.setAttribute("aria-label", title);
  return select;
}

/** @param {string} name @param {string} label @param {string} title @param {Preferences} preferences
 * @param {(name: string, text: string) => void} choose
 */
function toggle(name, label, title, preferences, choose) {
  const button = make("button", {
    id: `toggle-${name}`, class: "switch", type: "button", title,
    onclick: () => {
      const on = preferences.get(name) === "1";
      choose(name, on ? "0" : "1");
      press(button, !on);
    },
  }, label);
  press(button, preferences.get(name) === "1");
  return button;
}

/** A button that opens a small panel under itself. @param {string} id @param {string} label @param {Node[]} content */
function menu(id, label, content) {
  const panel = make("div", { id, class: "menu", hidden: true, role: "group", "aria-label": label }, ...content);
  const button = make("button", {
    class: "switch", type: "button", "aria-expanded": "false", "aria-controls": id,
    onclick: () => {
      const opens = panel.hidden;
      closeMenus();
      panel.hidden = !opens;
      button.setAttribute("aria-expanded", String(opens));
    },
  }, `${label} ▾`);
  return make("span", { class: "has-menu" }, button, panel);
}

/** Close all menus; returns whether one was open. */
export function closeMenus() {
  let any = false;
  for (const panel of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".menu"))) {
    any ||= !panel.hidden;
    panel.hidden = true;
    panel.previousElementSibling?.setAttribute("aria-expanded", "false");
  }
  return any;
}

/** @param {Preferences} preferences @param {(name: string, text: string) => void} choose */
function scaleFields(preferences, choose) {
  /** @param {string} name @param {string} label @param {string} title @param {(text: string) => boolean} allows */
  const field = (name, label, title, allows) => {
    const input = make("input", {
      id: `choose-${name}`, type: "text", value: preferences.get(name), title, autocomplete: "off", maxlength: 12,
      onchange: () => {
        const allowed = allows(input.value);
        input.setAttribute("aria-invalid", String(!allowed));
        if (allowed) choose(name, input.value.trim());
        const [black, white] = ["black", "white"].map((each) => preferences.get(each));
        const isSwapped = black.includes("%") === white.includes("%") && parseFloat(black) >= parseFloat(white);
        setText("scale-note", allowed ? isSwapped ? "The black point is to be below the white point." : SCALE_HINT : `${label}: ${title}.`);
      },
    });
    return make("label", { class: "control" }, make("span", { class: "label" }, label), input);
  };
  return [
    field("black", "black point", "A percentile of the sizes in view, as 30 %, or a size, as 0.5", isCutOff),
    field("white", "white point", "A percentile of the sizes in view, as 99.5 %, or a size, as 12", isCutOff),
    field("gamma", "gamma", "From 0.2 to 5; more makes small sizes darker", (text) => Number(text) >= 0.2 && Number(text) <= 5),
    list("flow", "OFI", FLOWS, "Which order flow imbalance the strip and the header show", preferences, choose, FLOW_NAMES),
    make("p", { id: "scale-note", class: "hint", role: "status" }, SCALE_HINT),
  ];
}

/** @param {Preferences} preferences @param {(name: string, text: string) => void} choose */
function kindFields(preferences, choose) {
  const box = (/** @type {string} */ name, /** @type {string} */ kind) => {
    const input = make("input", {
      type: "checkbox", id: `${name}-${kind}`,
      onchange: () => {
        const now = new Set(preferences.get(name).split(" ").filter((each) => each in KINDS));
        if (input.checked) now.add(kind);
        else now.delete(kind);
        choose(name, [...now].join(" ") || "none");
      },
    });
    input.checked = preferences.get(name).split(" ").includes(kind);
    return input;
  };
  const rows = Object.entries(KINDS).map(([kind, mark]) => make("div", { class: "kind" },
    make("label", { title: MEANINGS[kind] }, box("kinds", kind), ` ${mark} ${kind}`),
    make("label", { title: `Notify of each new ${kind} on the desktop` }, box("notes", kind), " notify")));
  return [...rows, rankField(preferences, choose), make("p", { class: "hint" }, "“notify” shows a note on the desktop, or sounds where notes are not allowed.")];
}

/** A slider: in which share of the minutes a detection is to exceed all others of its kind. @param {Preferences} preferences
 * @param {(name: string, text: string) => void} choose
 */
function rankField(preferences, choose) {
  const shown = make("output", { for: "choose-rank" }, preferences.get("rank"));
  const slider = make("input", {
    id: "choose-rank", type: "range", min: "0", max: "1", step: "0.05",
    title: "A detection is shown that exceeds all of its kind in so many of the minutes: its rank, which is the share of the last "
      + "hour's that it exceeds, to the power of how often a minute its kind comes. Without ranks, the largest of a kind that comes "
      + "at most once a minute. 0 shows all",
    oninput: () => {
      shown.textContent = slider.value;
      choose("rank", slider.value);
    },
  });
  slider.value = preferences.get("rank");
  return make("label", { class: "control" }, make("span", { class: "label" }, "largest of its kind in this share of minutes"), slider, shown);
}
