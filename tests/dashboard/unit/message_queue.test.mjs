import assert from "node:assert/strict";
import test from "node:test";

import { listenToSockets, takeMessages } from "../../../dashboard/assets/feed/message_queue.mjs";

class Socket extends EventTarget {
  /** @param {string | URL} url */
  constructor(url) {
    super();
    this.url = String(url);
  }

  /** @param {string} data */
  say(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

Object.assign(globalThis, { window: { WebSocket: Socket, location: { href: "http://page.test/" } } });
listenToSockets();
const Listening = /** @type {any} */ (globalThis).window.WebSocket;

test("every message of a feed is kept in order with its address and arrival, until it is taken", () => {
  const [one, other] = [new Listening("ws://api.test/ws/BTCUSDT?try=1"), new Listening("ws://api.test/ws/ETHUSDT?try=2")];
  one.say("a");
  other.say("b");
  one.say("c");
  const messages = takeMessages();
  assert.deepEqual(messages.map(({ url, text }) => `${url} ${text}`), [
    "ws://api.test/ws/BTCUSDT?try=1 a", "ws://api.test/ws/ETHUSDT?try=2 b", "ws://api.test/ws/BTCUSDT?try=1 c",
  ]);
  messages.forEach(({ at }, index) => assert.ok(at <= performance.now() && (!index || at >= messages[index - 1].at)));
  assert.deepEqual(takeMessages(), []);
});

test("other sockets are left alone", () => {
  const socket = new Listening("ws://page.test/_dash-socket");
  socket.say("a");
  assert.deepEqual(takeMessages(), []);
  assert.ok(socket instanceof Socket);
});

test("a page that takes nothing keeps the newest", () => {
  const socket = new Listening("ws://api.test/ws/BTCUSDT");
  for (let count = 0; count < 1000; count += 1) socket.say(String(count));
  const texts = takeMessages().map(({ text }) => Number(text));
  assert.equal(texts.length, 400);
  assert.deepEqual([texts[0], texts[399]], [600, 999]);
});
