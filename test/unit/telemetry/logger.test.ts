import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { RemitError } from "../../../service/errors.ts";
import { createLogger } from "../../../service/telemetry/logger.ts";

interface Captured {
  readonly stream: Writable;
  text(): string;
}

function capture(delayMs = 0): Captured {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      setTimeout(() => {
        chunks.push(String(chunk));
        done();
      }, delayMs);
    },
  });
  return { stream, text: () => chunks.join("") };
}

async function logged(write: (logger: ReturnType<typeof createLogger>) => void, format: "json" | "console" = "json"): Promise<string> {
  const captured = capture();
  const logger = createLogger({ level: "debug", format, stream: captured.stream });
  write(logger);
  await logger.close();
  return captured.text();
}

async function fieldsOf(fields: Record<string, unknown>): Promise<Record<string, unknown>> {
  return JSON.parse(await logged((logger) => logger.info("message", fields)));
}

describe("json lines", () => {
  it("has timestamp, level, static message and fields", async () => {
    const line = JSON.parse(await logged((logger) => logger.warn("bundle refused", { bundle: "default", attempts: 2 })));
    expect(line).toEqual({ timestamp: expect.any(String), level: "warn", message: "bundle refused", bundle: "default", attempts: 2 });
    expect(new Date(line.timestamp).toISOString()).toBe(line.timestamp);
  });

  it("adds the fields of its parents, and lets the own ones win", async () => {
    const text = await logged((logger) =>
      logger.child({ trace_id: "4bf9", part: "a" }).child({ span_id: "00f0" }).error("failed", { part: "b" }),
    );
    expect(JSON.parse(text)).toMatchObject({ level: "error", trace_id: "4bf9", span_id: "00f0", part: "b" });
  });

  it("writes only the levels asked for", async () => {
    const captured = capture();
    const logger = createLogger({ level: "warn", format: "json", stream: captured.stream });
    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);
    await logger.close();
    expect(
      captured
        .text()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).message),
    ).toEqual(["warn", "error"]);
  });

  it("does not let fields replace the timestamp, level or message", async () => {
    const line = await fieldsOf({ message: "forged", level: "error", timestamp: "never" });
    expect(line).toMatchObject({ level: "info", message: "message", field_message: "forged", field_level: "error" });
  });
});

describe("one event, one line", () => {
  const hostile = 'a\nb\r\u0000\u001b[31m"\u2028\u2029\u0085\u202e\u2066\u200f\ufeff\ud800';

  it.each(["json", "console"] as const)("keeps hostile text inside its %s line", async (format) => {
    const text = await logged((logger) => logger.info(hostile, { [hostile]: hostile, nested: { [hostile]: [hostile] } }), format);
    expect(text.endsWith("\n")).toBe(true);
    expect(text.slice(0, -1)).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u);
  });

  it("loses nothing of the text in json", async () => {
    expect((await fieldsOf({ value: "a\n\u202e\u2028b" })).value).toBe("a\n\u202e\u2028b");
  });

  it("is readable in console format", async () => {
    const text = await logged((logger) => logger.info("service started", { url: "http://127.0.0.1:8181" }), "console");
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}service started url="http:\/\/127\.0\.0\.1:8181"\n$/);
  });
});

describe("secrets", () => {
  const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJlbW1hIn0.c2lnbmF0dXJl";

  it.each([
    "token",
    "access_token",
    "Authorization",
    "proxy-authorization",
    "api_key",
    "apiKey",
    "x-api-key",
    "password",
    "client_secret",
    "clientSecrets",
    "set-cookie",
    "private_key",
    "assertion",
    "credentials",
  ])("redacts %s, at any depth", async (name) => {
    const text = await logged((logger) => logger.info("request", { [name]: "hunter22", headers: [{ [name]: { raw: "hunter22" } }] }));
    expect(text).not.toContain("hunter22");
    expect(JSON.parse(text)[name]).toBe("[redacted]");
  });

  it("keeps what only speaks about a secret", async () => {
    const fields = { token_digest: "sha256:ab", token_reason: "token_expired", passwords_checked: 3, tokenizer: "bpe" };
    expect(await fieldsOf(fields)).toMatchObject(fields);
  });

  it.each([
    ["a JWT in a text", `rejected ${jwt} today`],
    ["a JWT without its signature", `x=${jwt.slice(0, jwt.lastIndexOf("."))}`],
    ["a bearer header", "Authorization: Bearer abcdefghij.klm"],
    ["a basic header", "basic aHVudGVyOjIy"],
  ])("redacts %s, also in an error", async (_what, value) => {
    const text = await logged((logger) => logger.info("failed", { value, error: new Error(value) }));
    const secret = value.split(/[ =]/).find((word) => word.startsWith("eyJ") || word.startsWith("abcdef") || word.startsWith("aHVu"));
    expect(secret).toBeDefined();
    expect(text).not.toContain(secret);
    expect(text).toContain("[redacted]");
  });
});

describe("errors", () => {
  it("writes name, code, message, stack and causes, nothing else", async () => {
    const cause = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED", request: { headers: { host: "x" } } });
    const error = new RemitError("token_keys_unavailable", "key set of `https://i` is unavailable", { cause });
    const line = await fieldsOf({ error });
    expect(Object.keys(line.error as object)).toEqual(["name", "code", "message", "stack", "cause"]);
    expect(line.error).toMatchObject({ name: "RemitError", code: "token_keys_unavailable" });
    expect((line.error as { cause: object }).cause).toEqual({
      name: "Error",
      code: "ECONNREFUSED",
      message: "connect failed",
      stack: expect.any(String),
    });
  });

  it("writes the paths of a RemitError", async () => {
    const errors = [{ path: "/tool/name", message: "is required" }];
    const line = await fieldsOf({ error: new RemitError("request_invalid", "request is invalid", { errors }) });
    expect((line.error as { errors: unknown }).errors).toEqual(errors);
  });

  it("ends chains of causes, even circular ones", async () => {
    const error: Error & { cause?: unknown } = new Error("a");
    error.cause = error;
    expect(JSON.stringify(await fieldsOf({ error }))).toContain('"cause"');
  });
});

describe("anything can be a field", () => {
  it("bounds texts, lists, objects and depth", async () => {
    const deep: Record<string, unknown> = {};
    let at = deep;
    for (let depth = 0; depth < 100; depth += 1) {
      at.next = {};
      at = at.next as Record<string, unknown>;
    }
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index]));
    const text = await logged((logger) => logger.info("m", { long: "x".repeat(1e6), list: Array(1e5).fill(1), wide, deep }));
    expect(text.length).toBeLessThan(10_000);
    expect(text).toContain("[too deep]");
    expect(text).toContain("(100000 items)");
  });

  it("writes what JSON cannot", async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const broken = {
      get value() {
        throw new Error("no");
      },
    };
    const fields = {
      circular,
      broken,
      big: 12n,
      bytes: new Uint8Array(3),
      at: new Date(0),
      never: new Date(Number.NaN),
      set: new Set([1]),
      map: new Map([["token", "x"]]),
      not_a_number: Number.NaN,
      absent: undefined,
      run: () => 1,
    };
    expect(await fieldsOf(fields)).toEqual({
      timestamp: expect.any(String),
      level: "info",
      message: "message",
      circular: { self: "[circular]" },
      broken: { value: "[unreadable]" },
      big: "12",
      bytes: "[3 bytes]",
      at: "1970-01-01T00:00:00.000Z",
      never: "[invalid date]",
      set: [1],
      map: { token: "[redacted]" },
      not_a_number: null,
    });
  });

  it("keeps __proto__ a mere name", async () => {
    const text = await logged((logger) => logger.info("m", JSON.parse('{"__proto__":{"polluted":true},"a":1}')));
    expect(JSON.parse(text).a).toBe(1);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("the stream", () => {
  it("has every line when close resolves, however slow it is", async () => {
    const captured = capture(1);
    const logger = createLogger({ level: "info", format: "json", stream: captured.stream });
    for (let index = 0; index < 200; index += 1) logger.info("line", { index });
    await logger.close();
    const lines = captured.text().trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).index)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  it("that breaks does not end the service, nor hang close", async () => {
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
      },
    });
    const logger = createLogger({ level: "info", format: "json", stream });
    logger.info("one");
    await new Promise((resolve) => setImmediate(resolve));
    logger.info("two");
    await logger.close();
  });
});
