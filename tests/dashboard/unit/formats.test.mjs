import assert from "node:assert/strict";
import test from "node:test";

import {
  baseAsset, bothTimes, duration, number, ratio, shortSize, signed, signedSize, size, time, utc,
} from "../../../dashboard/assets/ui/formats.mjs";
import { random } from "./market.mjs";

test("no number is told with an exponent, or as less than nothing", () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const next = random(seed);
    const value = (next() < 0.5 ? -1 : 1) * 10 ** (next() * 36 - 20);
    const texts = [0, 1, 2, 5, 8].flatMap((decimals) => [number(value, decimals), signed(value, decimals)]);
    for (const text of [size(value), shortSize(value), ratio(value), ...texts]) {
      assert.doesNotMatch(text, /e|E|NaN/u, `${value}`);
      assert.doesNotMatch(text, /^[-−+][0.,]*(\D*)$/u, `${value}`);
    }
  }
  for (const zero of [0, -0, -1e-12, -0.004]) {
    assert.equal(number(zero, 2), "0.00");
    assert.equal(signed(zero, 2), "0.00");
    if (zero > -1e-9) assert.equal(size(zero), "0");
  }
});

test("signs are told of all that is not shown as nothing", () => {
  assert.deepEqual([signed(1.005, 1), signed(-1234.5, 1), signed(0.04, 1), signed(-0.05001, 1)], ["+1.0", "−1,234.5", "0.0", "−0.1"]);
});

test("sizes have three digits, and stay near what they are", () => {
  assert.deepEqual([1234.5, 12.345, 1.2345, 0.0012345, 1e-8, 0.1, 10, 999.96].map(size), ["1,235", "12.3", "1.23", "0.00123", "0.00000001", "0.1", "10", "1,000"]);
  assert.deepEqual([9999, 12_345, 3.4e6, 5.67e9, 0.5, -20_000].map(shortSize), ["9,999", "12.3k", "3.4M", "5.67G", "0.5", "−20k"]);
  for (let seed = 1; seed <= 1000; seed += 1) {
    const value = 10 ** (random(seed)() * 12 - 5);
    assert.ok(Math.abs(Number(size(value).replaceAll(",", "")) / value - 1) <= 0.0051, `${value}`);
  }
});

test("durations have no minute of 60 seconds", () => {
  assert.deepEqual([0, 4321, 9900, 10_400, 119_400, 120_000, 179_400, 3_725_000].map(duration), ["0.0 s", "4.3 s", "9.9 s", "10 s", "119 s", "2 min 0 s", "2 min 59 s", "62 min 5 s"]);
  for (let ms = 0; ms < 400_000; ms += 97) assert.doesNotMatch(duration(ms), /min (6\d|\d{3})/u, `${ms}`);
});

test("times have the fractions asked for", () => {
  const ms = Date.UTC(2026, 10, 26, 3, 4, 5, 67);
  assert.deepEqual([utc(ms), utc(ms, 1), utc(ms, 3), utc(ms + 0.4, 2)], ["03:04:05 UTC", "03:04:05.0 UTC", "03:04:05.067 UTC", "03:04:05.06 UTC"]);
  assert.match(time(ms), /^\d\d:\d\d:05$/u);
  assert.deepEqual([time(ms, 1), time(ms, 2), time(ms, 3)].map((text) => text.slice(8)), [".0", ".06", ".067"]);
  assert.doesNotMatch(time(new Date(2026, 10, 26, 0, 0, 1).getTime()), /^24/u);
});

test("a time that is local and UTC at once is said once", () => {
  const ms = Date.UTC(2026, 10, 26, 3, 4, 5, 67);
  assert.equal(bothTimes(ms, 1), new Date(ms).getTimezoneOffset() ? `${time(ms, 1)} · 03:04:05.0 UTC` : "03:04:05.0 UTC");
});

test("the base asset is what the quote leaves", () => {
  assert.deepEqual(
    ["BTCUSDT", "ETHUSDC", "1000PEPEUSDT", "BTCUSDT_261225", "USDT", "ETHBTC"].map(baseAsset),
    ["BTC", "ETH", "1000PEPE", "BTC", "base asset", "ETHBTC"],
  );
});

test("ratios are in plain figures", () => {
  assert.deepEqual([1, 2.345, 9.96, 10, 123.4, 12_345].map(ratio), ["1 ×", "2.3 ×", "10 ×", "10 ×", "123 ×", "12,345 ×"]);
});

test("sizes with a sign are short, and nothing has none", () => {
  assert.deepEqual([1.234, -1.234, 0, 12_345, -0.00012].map(signedSize), ["+1.23", "−1.23", "0", "+12.3k", "−0.00012"]);
});
