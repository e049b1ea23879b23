import { afterEach, describe, expect, it, vi } from "vitest";
import { type AgentTokenVerifier, createTokenVerifier, type JwksOptions } from "../../../service/identity/agent-token.ts";
import type { FetchLike } from "../../../service/identity/fetch-jwks.ts";
import type { KeySetStatus } from "../../../service/identity/key-set.ts";
import { createSigningKey, goodClaims, type SigningKey, signToken, startIssuer, type TestIssuer } from "../../helpers/issuer.ts";

const signal = new AbortController().signal;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) await close();
});

async function start(): Promise<TestIssuer> {
  const issuer = await startIssuer();
  closers.push(() => issuer.close());
  return issuer;
}

interface Rig {
  readonly verifier: AgentTokenVerifier;
  readonly statuses: KeySetStatus[];
}

function createRig(issuer: string, uri: string, jwks: JwksOptions = {}, fetch?: FetchLike): Rig {
  const statuses: KeySetStatus[] = [];
  const verifier = createTokenVerifier({
    issuers: [{ issuer, audience: ["remit"], algorithms: ["ES256"], jwks: { uri } }],
    jwks,
    fetch,
    onFetch: (status) => statuses.push(status),
  });
  closers.push(() => verifier.close());
  return { verifier, statuses };
}

async function ask({ verifier }: Rig, token: string, nowMs = Date.now(), deadline = signal): Promise<string> {
  try {
    const result = await verifier.verify(token, nowMs, deadline);
    return result.kind === "rejected" ? result.reason : result.kind;
  } catch (thrown) {
    return String(thrown instanceof Error && "code" in thrown ? thrown.code : thrown);
  }
}

describe("over real HTTP", () => {
  it("fetches once for many first tokens", async () => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri);
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => issuer.token({ sub: `user-${i}` })));

    expect(new Set(await Promise.all(tokens.map((token) => ask(rig, token))))).toEqual(new Set(["verified"]));
    expect(issuer.fetches()).toBe(1);
  });

  it("a flood of unknown key ids makes no fetch within the cooldown, and one after it", async () => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri);
    const flood = await Promise.all(Array.from({ length: 200 }, (_, i) => issuer.token({}, { kid: `unknown-${i}` })));
    await ask(rig, await issuer.token());

    expect(new Set(await Promise.all(flood.map((token) => ask(rig, token))))).toEqual(new Set(["token_key_unknown"]));
    expect(issuer.fetches()).toBe(1);

    // The fake clock starts at zero, the fetch was timed by the real one.
    const elapsedMs = performance.now();
    vi.useFakeTimers({ toFake: ["performance"], now: Date.now() });
    vi.advanceTimersByTime(elapsedMs + 6000);

    expect(new Set(await Promise.all(flood.map((token) => ask(rig, token))))).toEqual(new Set(["token_key_unknown"]));
    expect(new Set(await Promise.all(flood.map((token) => ask(rig, token))))).toEqual(new Set(["token_key_unknown"]));
    expect(issuer.fetches()).toBe(2);
  });

  it("finds a rotated key, and then no longer believes the one that was taken back", async () => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri, { cooldownS: 0 });
    const before = await issuer.token();
    expect(await ask(rig, before)).toBe("verified");

    await issuer.rotate();

    expect(await ask(rig, await issuer.token())).toBe("verified");
    expect(await ask(rig, before)).toBe("token_key_unknown");
  });

  it("keeps both keys of an overlapping rotation", async () => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri, { cooldownS: 0 });
    const before = await issuer.token();
    await ask(rig, before);

    await issuer.rotate({ keep: true });

    expect(await ask(rig, await issuer.token())).toBe("verified");
    expect(await ask(rig, before)).toBe("verified");
  });

  it("reload empties the memory of verified tokens, and a revoked key is refused at once", async () => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri);
    const token = await issuer.token();
    await ask(rig, token);
    await ask(rig, token);
    expect(rig.verifier.verify(token, Date.now(), signal)).not.toBeInstanceOf(Promise);

    await issuer.rotate();
    await rig.verifier.reload();

    expect(await ask(rig, token)).toBe("token_key_unknown");
  });

  it("an issuer that never answers costs the timeout once, and then nothing", async () => {
    const issuer = await start();
    issuer.setMode("hang");
    const rig = createRig(issuer.url, issuer.jwksUri, { timeoutMs: 100 });
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => issuer.token({ sub: `user-${i}` })));

    expect(new Set(await Promise.all(tokens.map((token) => ask(rig, token))))).toEqual(new Set(["token_keys_unavailable"]));
    expect(new Set(await Promise.all(tokens.map((token) => ask(rig, token))))).toEqual(new Set(["token_keys_unavailable"]));
    expect(issuer.fetches()).toBe(1);
    expect(rig.statuses).toMatchObject([{ keys: 0, fetchedAtMs: null, failure: expect.stringContaining("timeout") }]);
  });

  it("a caller's deadline ends its wait, not the fetch", async () => {
    const issuer = await start();
    let finish: () => void = () => undefined;
    const body = JSON.stringify({ keys: [issuer.key().jwk] });
    issuer.setMode((response) => {
      finish = () => response.end(body);
      response.write(" ");
    });
    const rig = createRig(issuer.url, issuer.jwksUri);
    const token = await issuer.token();

    expect(await ask(rig, token, Date.now(), AbortSignal.timeout(50))).toBe("token_keys_unavailable");
    const patient = ask(rig, token);
    finish();

    expect(await patient).toBe("verified");
    expect(issuer.fetches()).toBe(1);
  });

  it.each<[string, TestIssuerAnswer, string]>([
    ["status 500", (response) => response.writeHead(500).end(), "status 500"],
    ["a redirect", (response) => response.writeHead(302, { location: "https://example.com/jwks" }).end(), "status 302"],
    ["no JSON", (response) => response.end("<html>"), "JSON"],
    ["JSON of another shape", (response) => response.end('{"keys":{}}'), "array `keys`"],
    ["a list", (response) => response.end("[]"), "array `keys`"],
    ["not UTF-8", (response) => response.end(Buffer.from([0x22, 0xc3, 0x28, 0x22])), "not valid"],
    ["101 keys", (response) => response.end(JSON.stringify({ keys: Array(101).fill({ kty: "EC" }) })), "101 keys, more than 100"],
    ["more than 256 KiB", (response) => response.end(JSON.stringify({ keys: [], filler: "x".repeat(300_000) })), "larger than 262144"],
    [
      "a body cut off",
      (response) => void response.writeHead(200, { "content-length": "99" }).write("{", () => response.destroy()),
      "terminated",
    ],
  ])("%s is no key set, and the last good one stays", async (_name, answer, failure) => {
    const issuer = await start();
    const rig = createRig(issuer.url, issuer.jwksUri);
    expect(await ask(rig, await issuer.token())).toBe("verified");

    issuer.setMode(answer);
    await rig.verifier.reload();

    expect(rig.statuses.at(-1)?.failure).toContain(failure);
    expect(rig.statuses.at(-1)?.keys).toBe(1);
    expect(await ask(rig, await issuer.token())).toBe("verified");
  });

  it("an endless body is cut off at the limit", async () => {
    const issuer = await start();
    let closed = false;
    issuer.setMode((response) => {
      const timer = setInterval(() => response.write("x".repeat(65_536)), 1);
      response.on("close", () => {
        closed = true;
        clearInterval(timer);
      });
    });
    const rig = createRig(issuer.url, issuer.jwksUri);

    expect(await ask(rig, await issuer.token())).toBe("token_keys_unavailable");
    expect(rig.statuses[0]?.failure).toContain("larger than 262144");
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});

type TestIssuerAnswer = Exclude<Parameters<TestIssuer["setMode"]>[0], string>;

describe("over time", () => {
  const uri = "https://issuer.example/jwks";
  const url = "https://issuer.example";

  /** Everything on a fake clock: the issuer's answers come from `published`, or it is down. */
  async function createTimeRig(jwks: JwksOptions = {}) {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"], now: 1_800_000_000_000 });
    const issuer = { published: [await createSigningKey("one")] as SigningKey[], up: true, fetches: 0 };
    const rig = createRig(url, uri, jwks, async () => {
      issuer.fetches++;
      if (!issuer.up) throw new TypeError("fetch failed");
      return Response.json({ keys: issuer.published.map(({ jwk }) => jwk) });
    });
    const token = (key = issuer.published[0] as SigningKey, sub = "emma") =>
      signToken(key, { ...goodClaims(url, "remit", Math.floor(Date.now() / 1000)), sub, exp: Math.floor(Date.now() / 1000) + 86_400 });
    return { ...rig, issuer, token };
  }

  it("refreshes in the background, without any token", async () => {
    const rig = await createTimeRig({ refreshS: 300 });
    await rig.verifier.reload();

    await vi.advanceTimersByTimeAsync(3_600_000);

    expect(rig.issuer.fetches).toBeGreaterThanOrEqual(12);
    expect(rig.issuer.fetches).toBeLessThanOrEqual(14);
  });

  it("empties the memory of verified tokens when the keys change in the background", async () => {
    const rig = await createTimeRig({ refreshS: 10 });
    await rig.verifier.reload();
    const token = await rig.token();
    expect(await ask(rig, token)).toBe("verified");
    expect(rig.verifier.verify(token, Date.now(), signal)).not.toBeInstanceOf(Promise);

    rig.issuer.published = [await createSigningKey("two")];
    await vi.advanceTimersByTimeAsync(10_000);

    expect(await ask(rig, token)).toBe("token_key_unknown");
  });

  it("keeps remembered tokens when a refresh brings the same keys", async () => {
    const rig = await createTimeRig({ refreshS: 10 });
    await rig.verifier.reload();
    const token = await rig.token();
    await ask(rig, token);

    await vi.advanceTimersByTimeAsync(30_000);

    expect(rig.issuer.fetches).toBeGreaterThan(2);
    expect(rig.verifier.verify(token, Date.now(), signal)).not.toBeInstanceOf(Promise);
  });

  it("serves the last good keys through an outage until the grace ends, then fails, then recovers", async () => {
    const rig = await createTimeRig({ refreshS: 300, graceS: 3600 });
    await rig.verifier.reload();
    const token = await rig.token();
    rig.issuer.up = false;

    await vi.advanceTimersByTimeAsync(3_590_000);
    expect(await ask(rig, token)).toBe("verified");
    expect(rig.statuses.at(-1)).toMatchObject({ keys: 1, failure: "fetch failed" });

    // The token was remembered ten seconds before: that memory ends with the grace.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await ask(rig, token)).toBe("token_keys_unavailable");

    rig.issuer.up = true;
    await vi.advanceTimersByTimeAsync(300_000);
    expect(await ask(rig, token)).toBe("verified");
  });

  it("asks an issuer that is down at a slowing pace, whatever the traffic", async () => {
    const rig = await createTimeRig({ refreshS: 300, cooldownS: 5 });
    rig.issuer.up = false;
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => rig.token(undefined, `user-${i}`)));
    for (let second = 0; second < 60; second++) {
      for (const token of tokens) expect(await ask(rig, token)).toBe("token_keys_unavailable");
      await vi.advanceTimersByTimeAsync(1000);
    }

    expect(rig.issuer.fetches).toBeGreaterThan(5);
    expect(rig.issuer.fetches).toBeLessThanOrEqual(13);
  });

  it("an issuer that publishes an empty set has revoked its keys", async () => {
    const rig = await createTimeRig();
    await rig.verifier.reload();
    const token = await rig.token();
    await ask(rig, token);

    rig.issuer.published = [];
    await rig.verifier.reload();

    expect(await signToken(await createSigningKey("x"), {}).then((other) => ask(rig, other))).toBe("token_issuer_unknown");
    expect(await ask(rig, token)).toBe("token_key_unknown");
  });

  it("stops asking once closed", async () => {
    const rig = await createTimeRig({ refreshS: 10 });
    await rig.verifier.reload();
    rig.verifier.close();

    await vi.advanceTimersByTimeAsync(100_000);

    expect(rig.issuer.fetches).toBe(1);
  });

  it("does not come back to life when it is closed during a fetch", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"], now: 1_800_000_000_000 });
    let fetches = 0;
    let finish: (response: Response) => void = () => undefined;
    const rig = createRig(url, uri, { refreshS: 10 }, () => {
      fetches++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    const loading = rig.verifier.reload();
    rig.verifier.close();
    finish(Response.json({ keys: [] }));
    await loading;

    await vi.advanceTimersByTimeAsync(100_000);

    expect(fetches).toBe(1);
  });

  it("forgets verified tokens on reload even when the keys are the same", async () => {
    const rig = await createTimeRig();
    await rig.verifier.reload();
    const token = await rig.token();
    await ask(rig, token);
    expect(rig.verifier.verify(token, Date.now(), signal)).not.toBeInstanceOf(Promise);

    await rig.verifier.reload();

    expect(rig.verifier.verify(token, Date.now(), signal)).toBeInstanceOf(Promise);
  });

  it("ignores members of the set that are no usable public keys", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"], now: 1_800_000_000_000 });
    const key = await createSigningKey("good");
    const odd = [
      null,
      7,
      "key",
      [],
      {},
      { kty: "oct", k: "AAAA", kid: "oct" },
      { kty: "EC", kid: "no-curve" },
      { kty: "XYZ", kid: "good" },
    ];
    const rig = createRig(url, uri, {}, async () => Response.json({ keys: [...odd, key.jwk] }));

    expect(await ask(rig, await signToken(key, goodClaims(url, "remit")))).toBe("verified");
    expect(await ask(rig, await signToken(key, goodClaims(url, "remit"), { kid: "no-curve" }))).toBe("token_key_unknown");
    expect(await ask(rig, await signToken(key, goodClaims(url, "remit"), { kid: "oct" }))).toBe("token_key_unknown");
  });
});
