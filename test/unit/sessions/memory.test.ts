import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../../service/sessions/memory.ts";

describe("memory store", () => {
  it("forgets what has expired after so many changes", async () => {
    const store = createMemoryStore({ docsMax: 10 });
    const none = { docs: [], counters: [], fields: [] };
    const expiresMs = 1_000;
    const query = { docs: ["a"], counters: ["c"], fields: [{ owner: "o", names: ["n"] }] };
    await store.change(
      "t",
      {
        docs: [{ key: "a", version: 0, text: "x", expiresMs, limited: true }],
        counters: [{ key: "c", add: 1, max: null, expiresMs }],
        fields: [{ owner: "o", expiresMs, entries: [{ name: "n", value: "v", overwrite: false }] }],
      },
      0,
    );
    for (let n = 0; n < 500; n++) await store.change("other", none, 1_000);
    // What is only expired would be there for an earlier moment.
    expect(await store.read("t", query, 0)).toMatchObject({ docs: [{ text: "x" }], counters: [1], fields: [["v"]] });
    for (let n = 0; n < 500; n++) await store.change("other", none, 1_000);
    expect(await store.read("t", query, 0)).toMatchObject({ docs: [{ text: null }], counters: [0], fields: [[null]] });
  });
});
