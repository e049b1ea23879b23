import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../service/decide/json.ts";
import type { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import { createDialects } from "../../service/dialects/table.ts";
import { RemitError } from "../../service/errors.ts";
import { startApp } from "../helpers/session-app.ts";
import { dialectOptions } from "./dialects/options.ts";
import type { Got, Sent } from "./dialects/sample.ts";
import { samples } from "./dialects/samples.ts";

type App = Awaited<ReturnType<typeof startApp>>;
const reason = { code: "test_refuses", message: "no", remedy: "ask", rule: "test", controls: [] };
const policies: Record<"allow" | "deny" | "nonsense" | "throws", (input: PolicyInput) => JsonObject> = {
  allow: () => ({}),
  deny: () => ({ allow: false, reasons: [reason] }),
  nonsense: () => ({ allow: "true" }),
  throws() {
    throw new RemitError("policy_timeout", "too long");
  },
};

const state = { policy: "allow" as keyof typeof policies, full: false };
const inputs: PolicyInput[] = [];
let app: App;

beforeAll(async () => {
  app = await startApp({
    policy(input) {
      inputs.push(input);
      return policies[state.policy](input);
    },
    deps: { dialects: createDialects(dialectOptions) },
  });
});
afterAll(() => app.close());

async function send(sent: Sent, policy: keyof typeof policies = "allow"): Promise<Got> {
  state.policy = policy;
  const { method, path, headers = {}, body } = sent;
  const response = await app.raw("gateway", { method, path, headers, ...(body === undefined ? {} : { body }) });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("every dialect of the table has a sample", () => {
  expect([...new Set(samples.map(({ dialect }) => dialect))].sort()).toEqual(
    createDialects(dialectOptions)
      .map(({ name }) => name)
      .sort(),
  ); // prettier-ignore
});

const titled = samples.map((sample) => ({ ...sample, title: [sample.dialect, sample.form ?? []].flat().join(": ") }));

describe.each(titled)("$title", (sample) => {
  const args = { q: "smith", nested: { list: [1, "two", null, true] }, ключ: "значение" };

  test("an allow passes, and the policy saw the call as it was sent", async () => {
    const got = await send(sample.ask(args));
    expect(sample.passes(got)).toBe(true);
    sample.check(got);
    const { call } = inputs.at(-1) as PolicyInput;
    expect(call.tool).toBe(sample.tool ?? "find");
    expect(call.arguments_known).toBe(sample.seesArguments);
    if (sample.seesArguments) expect(call.arguments).toEqual(args);
  });

  test("whatever arguments there are, they arrive as they are", async () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 30 });
    const given = fc.dictionary(
      texts.filter((key) => key !== "__proto__"),
      fc.oneof(texts, fc.integer(), fc.boolean(), fc.constant(null)),
      { maxKeys: 5 },
    ); // prettier-ignore
    if (!sample.seesArguments) return;
    await fc.assert(
      fc.asyncProperty(given, async (some) => {
        await send(sample.ask(some as JsonObject));
        expect({ ...(inputs.at(-1) as PolicyInput).call.arguments }).toEqual({ ...some });
      }),
      { numRuns: 30 },
    );
  });

  test.each(["deny", "nonsense", "throws"] as const)("a policy's %s does not pass", async (policy) => {
    const got = await send(sample.ask(args), policy);
    expect(sample.passes(got)).toBe(false);
    sample.check(got);
    if (sample.failsOpen) expect(got.status).toBe(200);
  });

  test("what cannot be recorded does not pass", async () => {
    app.room.full = true;
    try {
      const got = await send(sample.ask(args));
      expect(sample.passes(got)).toBe(false);
      sample.check(got);
      if (sample.failsOpen) expect(got.status).toBe(200);
    } finally {
      app.room.full = false;
    }
  });

  test("without a credential nothing passes", async () => {
    const { method, path, headers = {}, body } = sample.ask(args);
    const response = await app.raw("nobody", { method, path, headers, ...(body === undefined ? {} : { body }) });
    const got = { status: response.status, headers: response.headers, text: await response.text() };
    expect(sample.passes(got)).toBe(false);
    if (sample.failsOpen) sample.check(got);
  });

  test.each(sample.garbage.map((sent, index) => ({ sent, index })))("garbage $index does not pass", async ({ sent }) => {
    const got = await send(sent);
    expect(sample.passes(got)).toBe(false);
    sample.check(got);
    if (sample.failsOpen) expect(got.status).toBe(200);
  });

  test.each((sample.blind ?? []).map((sent, index) => ({ sent, index })))("blind $index: the arguments are unknown", async ({ sent }) => {
    const got = await send(sent);
    const { call } = inputs.at(-1) as PolicyInput;
    expect([call.arguments_known, sample.passes(got)]).toEqual([false, true]);
  });

  test("bodies that are anything but JSON never pass", async () => {
    const { method, path, headers = {} } = sample.ask(args);
    if (method === "GET" || sample.ask(args).body === undefined) return;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 60 }), async (body) => {
        const got = await send({ method, path, headers, body }, "deny");
        expect(sample.passes(got)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});
