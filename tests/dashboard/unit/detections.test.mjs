import assert from "node:assert/strict";
import test from "node:test";

import {
  colourSide, ENDINGS, figuresOf, hintOf, isOpen, KINDS, latestDetections, markOf, MEANINGS, nameOf, shownDetections,
  summaryOf, wantedDetections,
} from "../../../dashboard/assets/book/detections.mjs";
import { helpOfMarks } from "../../../dashboard/assets/panels/help.mjs";
import { emptyFrame } from "./market.mjs";

/** @import {Detection} from "../../../dashboard/types/frames.d.ts" */

/** @param {Partial<Detection>} other @returns {Detection} */
function entry(other) {
  return { id: "a", kind: "wall", event: "opened", side: "bid", price: 60_000, started_at: 5, time: 6, reason: null, magnitude: 1, rank: null, evidence: {}, ...other };
}

/** @param {Detection[]} detections */
function row(...detections) {
  return { ...emptyFrame(1), detections };
}

test("a sweep is named by what its takers did, all else by the side of the book", () => {
  const names = [entry({ kind: "sweep", side: "ask" }), entry({ kind: "sweep", side: "bid" }), entry({}), entry({ kind: "iceberg", side: "ask" })];
  assert.deepEqual(names.map(nameOf), ["buy sweep", "sell sweep", "bid wall", "ask iceberg"]);
});

test("the latest entry of each is told, the one that began last first", () => {
  const found = latestDetections([
    row(entry({ id: "a", started_at: 1 }), entry({ id: "b", started_at: 9 })), row(entry({ id: "c", started_at: 4 })),
    row(entry({ id: "a", started_at: 1, event: "updated" }), entry({ id: "b", started_at: 9, event: "closed", reason: "traded" })),
  ]);
  assert.deepEqual(found.map(({ id, event }) => `${id} ${event}`), ["b closed", "c opened", "a updated"]);
  assert.deepEqual(found.map(isOpen), [false, true, true]);
  assert.deepEqual(latestDetections([]), []);
});

test("one that was interrupted keeps the figures that it had", () => {
  const interrupted = entry({ event: "closed", reason: "interrupted" });
  const [kept] = latestDetections([row(entry({ evidence: { size: 5 } })), row(interrupted)]);
  assert.deepEqual([kept.event, kept.evidence], ["closed", { size: 5 }]);
  assert.deepEqual(latestDetections([row(interrupted)])[0].evidence, {});
});

test("each kind's evidence is said in words", () => {
  const said = {
    wall: [{ size: 120, median_size: 10, held_ms: 4200 }, "120 BTC, 12 × the median, after 4.2 s"],
    sweep: [{ levels: 4, volume: 3.21, duration_ms: 12, last_price: 60_000.1 }, "4 levels, 3.21 BTC in 12 ms, to 60,000.1"],
    absorption: [{ volume: 50, largest_size: 3, refills: 9 }, "took 50 BTC where at most 3 BTC showed, 9 refills"],
    layering: [{ levels: 3, changes: [5, 6, 7], traded_share: 0.02 }, "3 levels, changed 5, 6, 7 times, 2 % traded"],
    iceberg: [{ volume: 12, trade_count: 8, hidden_volume: 9 }, "took 12 BTC in 8 trades, about 9 BTC hidden"],
    exhaustion: [
      { depth_before: 90, depth_after: 9, spread: 1.5, direction: "up", mid: 60_001 }, "depth 90 to 9 BTC, spread 1.5, mid up to 60,001.0",
    ],
  };
  assert.deepEqual(Object.keys(said), Object.keys(KINDS));
  for (const [kind, [evidence, text]] of Object.entries(said)) {
    assert.equal(summaryOf({ kind, evidence: /** @type {Record<string, any>} */ (evidence) }, 1, "BTC"), text);
  }
  assert.equal(summaryOf({ kind: "wall", evidence: { lost: 7, traded: 2, held_ms: 900 } }, 1, "ETH"), "lost 7 ETH, of that traded 2 ETH, after 0.9 s");
});

test("kinds and figures that are not known are told as they came", () => {
  assert.equal(summaryOf({ kind: "spoof", evidence: { some_size: 1.5, at: [1, 2] } }, 1, "BTC"), "some size 1.5, at 1, 2");
  assert.equal(summaryOf({ kind: "layering", evidence: { levels: 2 } }, 1, "BTC"), "levels 2");
  assert.equal(summaryOf({ kind: "sweep", evidence: { levels: 2 } }, 1, "BTC"), "levels 2");
  for (const kind of ["toString", "constructor", "__proto__"]) assert.equal(summaryOf({ kind, evidence: { levels: 2 } }, 1, "BTC"), "levels 2");
});

test("figures have names in words, units, and no exponents", () => {
  const evidence = {
    held_ms: 500, fall_ms: 1900, traded_share: 0.025, share: 1e-7, size: 1.23456, level_prices: [60_000, 60_000.1], other: [[1, 2.5], [3, 4]],
    trades: [[7, 60_000.1, 0.25, 1_722_000_000_000]], decline_began: 1_722_000_000_123, direction: "up", none: null, last_update_id: 5_100_200,
  };
  assert.deepEqual(figuresOf(evidence, 1, "BTC"), [
    ["held", "500 ms"], ["fall", "1.9 s"], ["traded share", "2.5 %"], ["share", "0.0000001"], ["size", "1.23 BTC"],
    ["level prices", "60,000.0, 60,000.1"], ["other", "(1, 2.5), (3, 4)"], ["trades", "0.25 at 60,000.1"],
    ["decline began", "13:20:00.123 UTC"], ["direction", "up"], ["none", "not known"], ["last update id", "5100200"],
  ]);
});

test("a sweep is named and coloured by its taker, all else by its side of the book", () => {
  const named = Object.keys(KINDS).flatMap((kind) => /** @type {const} */ (["bid", "ask"]).map((side) => (
    `${nameOf({ kind, side })} ${markOf({ kind, side })} ${colourSide({ kind, side })}`
  )));
  assert.deepEqual(named.slice(0, 5), ["bid wall ■ bid", "ask wall ■ ask", "sell sweep ▼ ask", "buy sweep ▲ bid", "bid absorption ● bid"]);
  assert.equal(new Set(named).size, named.length);
  assert.equal(markOf({ kind: "toString", side: "bid" }), "•");
});

test("each kind and each ending is explained", () => {
  assert.deepEqual(Object.keys(MEANINGS), Object.keys(KINDS));
  for (const text of [...Object.values(MEANINGS), ...Object.values(ENDINGS)]) assert.match(text, /^.{20,}$/u);
});

/** @param {string} kind @param {(number | null)[]} ranks */
function ranked(kind, ...ranks) {
  return ranks.map((rank, number) => entry({ id: `${kind}${number}`, kind, rank }));
}

/** @param {Detection[]} entries @param {number} rank @param {number} [seconds] */
function shown(entries, rank, seconds = 180) {
  return wantedDetections(entries, { kinds: new Set(["sweep", "iceberg"]), rank }, seconds).map(({ id }) => id);
}

test("of a kind that comes n times a minute those are wanted whose rank to the power of n is high enough", () => {
  const six = ranked("sweep", 0.1, 0.89, 0.9, 1, 0.5, 0); // two a minute: the square root of 0.8 is 0.894
  assert.deepEqual(shown(six, 0.8), ["sweep2", "sweep3"]);
  const seldom = ranked("iceberg", 0.1, 0.7, 0.72);
  assert.deepEqual(shown([...six, ...seldom.slice(1)], 0.8), ["sweep2", "sweep3", "iceberg2"]); // 2/3 a minute: 0.716
  assert.deepEqual(shown(seldom.slice(1, 2), 0.8), ["iceberg1"]); // 1/3 a minute: 0.512
  assert.deepEqual(shown(seldom.slice(0, 1), 0.8, 179), []);
  assert.deepEqual(shown(six, 0.8, 60), ["sweep3"]); // six a minute: 0.9635
  assert.deepEqual(shown(six, 1), ["sweep3"]);
  assert.deepEqual(wantedDetections(six, { kinds: new Set(["wall"]), rank: 0 }, 180), []);
});

test("none is shown whose rank is below the wanted one, of a kind that comes more than once a minute", () => {
  for (const seconds of [1, 60, 180, 239]) {
    const ranks = Array.from({ length: 101 }, (_, number) => number / 100).slice(0, 5 + seconds);
    for (const least of [0.2, 0.5, 0.8, 0.95]) {
      const found = wantedDetections(ranked("sweep", ...ranks), { kinds: new Set(["sweep"]), rank: least }, seconds);
      assert.ok(found.every(({ rank }) => Number(rank) >= least));
    }
  }
});

test("however often a kind comes, about as few of it are shown a minute", () => {
  for (const often of [0.5, 1, 2, 5, 10, 30, 100]) {
    const count = 180 * often; // of three hours, so that chance is small
    const ranks = Array.from({ length: count }, (_, number) => number / count);
    const found = wantedDetections(ranked("sweep", ...ranks), { kinds: new Set(["sweep"]), rank: 0.8 }, 180 * 60);
    const everyMinute = found.length / 180;
    assert.ok(everyMinute > 0.17 && everyMinute < 0.24, `${everyMinute} a minute of ${often}`);
  }
});

/** @param {string} kind @param {number[]} magnitudes */
function unranked(kind, ...magnitudes) {
  return magnitudes.map((magnitude, number) => entry({ id: `${kind}${number}`, kind, magnitude }));
}

test("until there is a rank a kind that comes often is left out, and of a rarer one the largest is shown", () => {
  assert.deepEqual(shown([...unranked("sweep", 1, 9, 2, 3), ...unranked("iceberg", 1)], 0.8), ["iceberg0"]);
  assert.deepEqual(shown(unranked("sweep", 1, 9, 2, 3), 0), ["sweep0", "sweep1", "sweep2", "sweep3"]);
  assert.deepEqual(shown(unranked("sweep", 1, 9, 2), 0.8), ["sweep1"]);
  assert.deepEqual(shown(unranked("sweep", 2, 2, 1), 0.8), ["sweep0"]); // the one that began last
  assert.deepEqual(shown([...unranked("sweep", 9), ...ranked("sweep", 0.5, 1).slice(1)], 0.8), ["sweep0", "sweep1"]);
  assert.deepEqual(shown(unranked("sweep", 1), 0.8, 5), ["sweep0"]);
  assert.deepEqual(shown(ranked("sweep", 0.1, 0.2), 0.8, 5), []);
});

test("of a whole window something is always shown: the largest of the rarest kind that was chosen", () => {
  const many = [...unranked("sweep", 1, 2, 3, 9, 4), ...unranked("iceberg", 1, 6, 2, 3), ...unranked("wall", 7)];
  assert.deepEqual(shown(many, 0.8), ["iceberg1"]);
  assert.deepEqual(shown(many, 1), ["iceberg1"]);
  assert.deepEqual(shown(many, 0.8, 179), []);
  assert.deepEqual(shown(ranked("sweep", 0.1, 0.2), 0.8).length, 1);
  assert.deepEqual(shown([], 0.8), []);
  assert.deepEqual(shown([...many, ...unranked("iceberg", 8)], 0.8).length, 1);
});

test("an iceberg is left out beside the absorption of the same trades, and only beside that", () => {
  const absorption = entry({ id: "a", kind: "absorption", side: "bid", price: 100, started_at: 10, time: 20 });
  const iceberg = { ...absorption, id: "i", kind: "iceberg", started_at: 5, time: 10 };
  const wanted = (/** @type {Partial<Detection>} */ other, kinds = ["absorption", "iceberg"], rank = 0.8) => (
    wantedDetections([absorption, { ...iceberg, ...other }], { kinds: new Set(kinds), rank }, 180).map(({ id }) => id).join("")
  );
  assert.equal(wanted({}), "a");
  assert.equal(wanted({ started_at: 20, time: 30 }), "a");
  for (const other of [{ side: "ask" }, { price: 101 }, { time: 9 }, { started_at: 21, time: 30 }]) {
    assert.equal(wanted(/** @type {Partial<Detection>} */ (other)), "ai");
  }
  assert.equal(wanted({}, ["iceberg"]), "i");
  assert.equal(wanted({}, undefined, 0), "ai");
});

test("an iceberg that was shown leaves for the absorption of the same trades, and nothing else leaves", () => {
  const wall = entry({ id: "w", kind: "wall", side: "ask", rank: 0.1 });
  const iceberg = entry({ id: "i", kind: "iceberg", side: "bid", price: 100, started_at: 5, time: 10, rank: 0.1 });
  const absorption = { ...iceberg, id: "a", kind: "absorption", rank: 1 };
  const wanted = { kinds: new Set(["wall", "iceberg", "absorption"]), rank: 0.8 };
  const left = (/** @type {Detection[]} */ entries, rank = wanted.rank) => (
    shownDetections(entries, { ...wanted, rank }, 100, new Set(["w", "i"])).map(({ id }) => id).join("")
  );
  assert.equal(left([wall, iceberg]), "wi");
  assert.equal(left([wall, iceberg, absorption]), "wa");
  assert.equal(left([absorption]), "a");
  assert.equal(left([wall, iceberg, absorption], 0), "wia", "all of them");
});

test("what a closing says of a wall is shown, and of others what they were while they were open", () => {
  for (const [kind, told] of Object.entries({ wall: 3, absorption: 2, layering: 2, iceberg: 2 })) {
    const life = [["opened", null], ["updated", null], ["closed", "out_of_range"]].map(([event, reason], number) => (
      row(entry({ kind, event: /** @type {Detection["event"]} */ (event), reason, magnitude: number, evidence: { size: number + 1 } }))
    ));
    const [latest] = latestDetections(life);
    assert.deepEqual([latest.event, latest.reason, latest.magnitude, latest.evidence], ["closed", "out_of_range", 2, { size: told }], kind);
    assert.deepEqual(latestDetections(life.slice(2))[0].evidence, { size: 3 }, "all that is known");
  }
});

test("what was told with a high rank once keeps it", () => {
  const lives = [0.9, null, 0.3].map((rank) => row(entry({ rank, event: "updated" })));
  assert.deepEqual(latestDetections(lives).map(({ rank }) => rank), [0.9]);
  assert.deepEqual(latestDetections([row(entry({ rank: 0.2 })), row(entry({ rank: 0.7 }))]).map(({ rank }) => rank), [0.7]);
  assert.deepEqual(latestDetections([row(entry({}))]).map(({ rank }) => rank), [null]);
});

test("distances have their unit", () => {
  assert.deepEqual(figuresOf({ distance_ticks: 12, distance_bps: 0.194, distance_bps_at_open: 1.5 }, 1, "BTC"), [
    ["distance ticks", "12"], ["distance", "0.19 bp"], ["distance at open", "1.50 bp"],
  ]);
});

test("the help names each kind with the marks that the map draws", () => {
  const help = new Map(helpOfMarks());
  for (const kind of Object.keys(KINDS)) {
    const line = [...help].find(([name]) => name.endsWith(` ${kind}`));
    assert.equal(line?.[1], MEANINGS[kind]);
    for (const side of /** @type {const} */ (["bid", "ask"])) assert.ok(line?.[0].split(" ").includes(markOf({ kind, side })), `${kind} ${side}`);
  }
  assert.equal([...help.keys()].length, Object.keys(KINDS).length + 1);
});

test("a list says what it leaves out, and nothing where it leaves out nothing", () => {
  assert.equal(hintOf(0, 0, 42), "None in the last 42 seconds.");
  assert.equal(hintOf(0, 7, 180), "7 in the last 180 seconds not shown: smaller, or of no chosen kind.");
  assert.equal(hintOf(2, 9, 180), "7 more in the last 180 seconds not shown: smaller, or of no chosen kind.");
  assert.equal(hintOf(3, 3, 180), "");
});
