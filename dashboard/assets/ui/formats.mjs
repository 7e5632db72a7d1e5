// Numbers and times as a person reads them. Pure, but for the browser's time zone.

export const NONE = "–";
const MINUS = "−"; // as wide as a plus: the one that the page has

/** @type {Map<string, Intl.NumberFormat>} a formatter costs far more to make than to use */
const formatters = new Map();

/** @param {number} value @param {number} decimals @param {number} [least] decimals that are shown at least */
export function number(value, decimals, least = decimals) {
  const key = `${least} ${decimals}`;
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: least, maximumFractionDigits: decimals, signDisplay: "negative", // never -0
    });
    formatters.set(key, formatter);
  }
  return formatter.format(value).replace("-", MINUS);
}

/** @param {number} value @param {number} decimals */
export function signed(value, decimals) {
  const text = number(Math.abs(value), decimals);
  return Number(text.replaceAll(",", "")) === 0 ? text : (value > 0 ? "+" : MINUS) + text;
}

/** Return a size with three significant digits, never in powers of ten. @param {number} value */
export function size(value) {
  if (!value) return "0";
  const decimals = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.abs(value)) + 1e-12)));
  return number(value, decimals, 0);
}

/** Return a size as short as it can be said: 1.2k, 3.4M. @param {number} value */
export function shortSize(value) {
  for (const [unit, name] of /** @type {[number, string][]} */ ([[1e9, "G"], [1e6, "M"], [1e4, "k"]])) {
    if (Math.abs(value) >= unit) return `${size(value / (name === "k" ? 1e3 : unit))}${name}`;
  }
  return size(value);
}

/** Return a size with its sign, as short as it can be said: +1.2k. @param {number} value */
export function signedSize(value) {
  return value ? `${value > 0 ? "+" : "−"}${shortSize(Math.abs(value))}` : "0";
}

/** Return a ratio to two significant digits, in plain figures. @param {number} value */
export function ratio(value) {
  return `${number(value, value < 10 ? 1 : 0, 0)} ×`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** Return the local time of day, to `decimals` of a second. @param {number} ms @param {number} [decimals] */
export function time(ms, decimals = 0) {
  const text = clock.format(ms);
  return decimals ? `${text}.${String(Math.floor(ms) % 1000).padStart(3, "0").slice(0, decimals)}` : text;
}

/** Return the UTC time of day, to `decimals` of a second. @param {number} ms @param {number} [decimals] */
export function utc(ms, decimals = 0) {
  return `${new Date(ms).toISOString().slice(11, decimals ? 20 + decimals : 19)} UTC`;
}

/** Return the time of day, local and UTC; once where they are the same. @param {number} ms @param {number} [decimals] */
export function bothTimes(ms, decimals = 0) {
  return zoneOffset(ms) === 0 ? utc(ms, decimals) : `${time(ms, decimals)} · ${utc(ms, decimals)}`;
}

/** Return ms that local time is ahead of UTC at `ms`. @param {number} ms */
export function zoneOffset(ms) {
  return -new Date(ms).getTimezoneOffset() * 60_000;
}

/** Return how long something lasted, in words. @param {number} ms */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${number(seconds, 1)} s`;
  if (seconds < 120) return `${number(seconds, 0)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Return the name of the base asset of a symbol: BTC of BTCUSDT. @param {string} symbol */
export function baseAsset(symbol) {
  return symbol.replace(/(USDT|USDC|BUSD|USD_PERP|USD)(_\d+)?$/u, "") || "base asset";
}
