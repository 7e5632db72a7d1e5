// Where the marks of detections stand in their lane: at their times, and above each other where they come at once. Pure.

/** How many font heights a row of marks takes. */
export const MARK_ROW = 1.15;

/** Where a mark stands: in which row, 0 being next to the map, and how many others are told by the same mark, for which the
 * lane has no room.
 * @typedef {{at: number, row: number, others: number}} Place
 */

/** Return the place of each mark; one that does not fit any more shares that of an earlier one. Linear.
 * @param {number[]} xs  px, ascending @param {number} spacing  px that two marks of a row are apart at least @param {number} rows
 * @returns {Place[]} the same object for all that share a place
 */
export function placeMarks(xs, spacing, rows) {
  /** @type {(Place | null)[]} the last of each row */
  const last = new Array(Math.max(1, rows)).fill(null);
  const isFree = (/** @type {Place | null} */ place, /** @type {number} */ x) => (
    place === null || x - place.at >= spacing * (place.others ? 1.5 : 1) // a number is wider than a mark
  );
  return xs.map((x) => {
    const row = last.findIndex((place) => isFree(place, x));
    if (row >= 0) {
      const place = { at: x, row, others: 0 };
      last[row] = place;
      return place;
    }
    const shared = /** @type {Place} */ (last[last.length - 1]);
    shared.others += 1;
    return shared;
  });
}
