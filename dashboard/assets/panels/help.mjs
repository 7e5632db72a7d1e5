// What the help says of marks: the same as the map, the list and the menu do.

import { KINDS, markOf, MEANINGS } from "../book/detections.mjs";
import { byId, definitions } from "../ui/dom.mjs";

/** Return [marks and name, meaning] of each kind, and of a number in the place of marks. @returns {[string, string][]} */
export function helpOfMarks() {
  const lines = Object.keys(KINDS).map((kind) => {
    const marks = new Set((/** @type {const} */ (["ask", "bid"])).map((side) => markOf({ kind, side })));
    return /** @type {[string, string]} */ ([`${[...marks].join(" ")} ${kind}`, MEANINGS[kind]]);
  });
  return [...lines, ["+3", "so many at once that there is no room for their marks; the pointer names them"]];
}

/** Write it into the help. */
export function writeHelp() {
  byId("help-marks").append(...definitions(helpOfMarks()));
}
