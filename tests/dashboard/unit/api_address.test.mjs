import assert from "node:assert/strict";
import { test } from "node:test";

import { apiAddress, whyRefused } from "../../../dashboard/assets/feed/api_address.mjs";

const here = { protocol: "https:", hostname: "lab.example.org" };

test("the API is at its port of the page's host, unless it has a public address", () => {
  assert.equal(apiAddress({ apiPort: "8000", apiUrl: "" }, here), "https://lab.example.org:8000");
  assert.equal(apiAddress({ apiPort: "8000", apiUrl: "http://a/b" }, here), "http://a/b");
});

test("a refusal is told in the API's words, and nothing else is one", async () => {
  /** @type {[number, string, string][]} status, body, what is told */
  const answers = [[403, "{\"reason\": \"why\"}", "why"], [200, "{\"symbols\": []}", ""], [403, "no JSON", ""], [403, "{}", ""]];
  const plain = globalThis.fetch;
  try {
    for (const [status, body, told] of answers) {
      globalThis.fetch = async () => new Response(body, { status });
      assert.equal(await whyRefused("http://api.test"), told);
    }
    globalThis.fetch = async () => { throw new TypeError("nobody there"); };
    assert.equal(await whyRefused("http://api.test"), "");
  } finally {
    globalThis.fetch = plain;
  }
});
