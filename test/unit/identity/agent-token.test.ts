import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TokenResult, VerifiedToken } from "../../../service/decide/ports.ts";
import { type AgentTokenVerifier, createTokenVerifier, type TokenVerifierOptions } from "../../../service/identity/agent-token.ts";
import type { IssuerOptions } from "../../../service/identity/issuer-options.ts";
import { tokenReasons } from "../../../service/identity/token-reasons.ts";
import { createSigningKey, goodClaims, signToken, startIssuer, type TestIssuer } from "../../helpers/issuer.ts";
import { signRaw, tokenZoo, zooSettings } from "../../helpers/token-zoo.ts";

const nowS = 1_800_000_000;
const nowMs = nowS * 1000;
const signal = new AbortController().signal;
const open: AgentTokenVerifier[] = [];
let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startIssuer();
});
afterEach(() => {
  for (const verifier of open.splice(0)) verifier.close();
});
afterAll(() => issuer.close());

function inline(changes: Partial<IssuerOptions> = {}): IssuerOptions {
  return { issuer: issuer.url, audience: [issuer.audience], jwks: { keys: [issuer.key().jwk] }, ...zooSettings, ...changes };
}

function createVerifier(changes: Partial<IssuerOptions> = {}, options: Partial<TokenVerifierOptions> = {}): AgentTokenVerifier {
  const verifier = createTokenVerifier({ issuers: [inline(changes)], ...options });
  open.push(verifier);
  return verifier;
}

function token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  return issuer.token({ iat: nowS, exp: nowS + 300, ...claims }, header);
}

async function verified(verifier: AgentTokenVerifier, text: string, atMs = nowMs): Promise<VerifiedToken> {
  const result = await verifier.verify(text, atMs, signal);
  if (result.kind !== "verified") throw new Error(`not verified: ${JSON.stringify(result)}`);
  return result;
}

async function reasonFor(verifier: AgentTokenVerifier, text: string, atMs = nowMs): Promise<string> {
  const result: TokenResult = await verifier.verify(text, atMs, signal);
  return result.kind === "rejected" ? result.reason : result.kind;
}

describe("the token zoo", () => {
  it("rejects every animal for its own reason, twice alike", async () => {
    const verifier = createVerifier();
    const seen: Record<string, string> = {};
    const wanted: Record<string, string> = {};

    for (const { name, reason, token: make } of tokenZoo(issuer, nowS)) {
      const text = await make();
      wanted[name] = `${reason} ${reason}`;
      seen[name] = `${await reasonFor(verifier, text)} ${await reasonFor(verifier, text)}`;
    }

    expect(seen).toEqual(wanted);
    expect(Object.keys(seen).length).toBeGreaterThan(100);
  });

  it("has an animal for every reason", () => {
    const shown = new Set(tokenZoo(issuer, nowS).map(({ reason }) => reason));

    expect([...shown].sort()).toEqual(Object.keys(tokenReasons).sort());
  });
});

describe("a good token", () => {
  it("is read into the documented view", async () => {
    const text = await token({
      jti: "j-1",
      roles: ["customer"],
      groups: ["retail"],
      acr: "urn:mace:incommon:iap:silver",
      amr: ["pwd", "otp"],
      auth_time: nowS - 60,
      cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
      authorization_details: [{ type: "payment", amount: "4.00" }],
      email: "emma@example.com",
    });

    expect(await createVerifier().verify(text, nowMs, signal)).toEqual({
      kind: "verified",
      issuer: issuer.url,
      subject: { type: "user", id: "emma", roles: ["customer"], groups: ["retail"] },
      agent: "bank-assistant",
      chain: ["bank-assistant"],
      audience: ["remit"],
      scopes: ["read", "write"],
      acr: "urn:mace:incommon:iap:silver",
      amr: ["pwd", "otp"],
      authTimeS: nowS - 60,
      issuedAtS: nowS,
      expiresAtS: nowS + 300,
      senderConstrained: true,
      authorizationDetails: [{ type: "payment", amount: "4.00" }],
      claims: {
        client_id: "bank-assistant",
        jti: "j-1",
        roles: ["customer"],
        groups: ["retail"],
        cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
        email: "emma@example.com",
      },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  it.each([
    ["at+jwt", {}],
    ["application/at+jwt", {}],
    ["AT+JWT", {}],
    ["JWT", {}],
    ["txntoken+jwt", { typ: ["txntoken+jwt"] }],
    [undefined, { typAbsentAllowed: true }],
  ])("of type %s is accepted with %o", async (typ, changes) => {
    expect(await reasonFor(createVerifier(changes), await token({}, { typ }))).toBe("verified");
  });

  it.each(["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"])("signed with %s is accepted", async (alg) => {
    const key = await createSigningKey("k", alg);
    const verifier = createVerifier({ algorithms: [alg], jwks: { keys: [key.jwk] } });

    expect(await reasonFor(verifier, await signToken(key, goodClaims(issuer.url, "remit", nowS)))).toBe("verified");
  });

  it("without a kid is accepted while the issuer has one key, and rejected when several fit", async () => {
    const other = await createSigningKey("other");
    const text = await token({}, { kid: undefined });

    expect(await reasonFor(createVerifier(), text)).toBe("verified");
    expect(await reasonFor(createVerifier({ jwks: { keys: [issuer.key().jwk, other.jwk] } }), text)).toBe("token_key_unknown");
  });

  it("with ignored jwk, jku and x5u headers is judged by the configured keys alone", async () => {
    const stranger = await createSigningKey("stranger");
    const header = {
      alg: "ES256",
      kid: issuer.key().kid,
      typ: "at+jwt",
      jwk: stranger.jwk,
      jku: "https://attacker.example",
      x5u: "file:///x",
    };

    expect(await reasonFor(createVerifier(), signRaw(issuer.key(), header, goodClaims(issuer.url, "remit", nowS)))).toBe("verified");
  });

  it("verified under a weak RSA key of the issuer is rejected", async () => {
    const { generateKeyPairSync } = await import("node:crypto");
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const { sign } = await import("node:crypto");
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const input = `${part({ alg: "RS256", kid: "weak", typ: "at+jwt" })}.${part(goodClaims(issuer.url, "remit", nowS))}`;
    const text = `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
    const verifier = createVerifier({
      algorithms: ["RS256"],
      jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kty: "RSA", kid: "weak" }] },
    });

    expect(await reasonFor(verifier, text)).toBe("token_key_unknown");
  });
});

describe("times", () => {
  // exp is at +200 s and the skew is 5 s: the token lives while now < +205 s, within the time to live of the warm cache.
  it.each([
    [-6_000, "token_not_yet_valid"],
    [-5_000, "verified"],
    [0, "verified"],
    [204_999, "verified"],
    [205_000, "token_expired"],
    [260_000, "token_expired"],
  ])("at %i ms after iat the answer is %s, from a fresh verifier and from a warm one", async (offsetMs, expected) => {
    const text = await token({ exp: nowS + 200 });
    const warm = createVerifier({}, { cache: { ttlS: 300 } });
    await verified(warm, text);

    expect(await reasonFor(createVerifier(), text, nowMs + offsetMs)).toBe(expected);
    expect(await reasonFor(warm, text, nowMs + offsetMs)).toBe(expected);
  });

  it("applies the age limit to remembered tokens too", async () => {
    const text = await token({ exp: nowS + 9000 });
    const verifier = createVerifier({ maxAgeS: 60 }, { cache: { ttlS: 300 } });
    await verified(verifier, text);

    expect(await reasonFor(verifier, text, nowMs + 64_999)).toBe("verified");
    expect(await reasonFor(verifier, text, nowMs + 66_000)).toBe("token_too_old");
  });

  it("rejects a remembered token when the clock has gone back before its nbf", async () => {
    const text = await token({ iat: nowS - 100, nbf: nowS });
    const verifier = createVerifier();
    await verified(verifier, text);

    expect(await reasonFor(verifier, text, nowMs - 6_000)).toBe("token_not_yet_valid");
  });
});

describe("who acts for whom", () => {
  it.each([
    ["act over client_id", { act: { sub: "bot", act: { sub: "planner" } } }, "user:emma", "bot", ["bot", "planner"]],
    ["azp without client_id", { client_id: undefined, azp: "portal" }, "user:emma", "portal", ["portal"]],
    ["nobody named", { client_id: undefined }, "user:emma", null, []],
    ["the client itself", { sub: "bank-assistant" }, "client:bank-assistant", "bank-assistant", ["bank-assistant"]],
    ["four actors", { act: { sub: "a", act: { sub: "b", act: { sub: "c", act: { sub: "d" } } } } }, "user:emma", "a", ["a", "b", "c", "d"]],
  ])("human in sub, %s", async (_name, claims, subject, agent, chain) => {
    const result = await verified(createVerifier(), await token(claims));

    expect(`${result.subject.type}:${result.subject.id}`).toBe(subject);
    expect(result.agent).toBe(agent);
    expect(result.chain).toEqual(chain);
  });

  it("agent in sub, the human in a claim, and the agent's roles are not the human's", async () => {
    const verifier = createVerifier({ subjectStyle: "agent_in_sub", humanClaim: "on_behalf_of.sub" });
    const result = await verified(verifier, await token({ sub: "bot", on_behalf_of: { sub: "emma" }, roles: ["admin"], groups: ["g"] }));

    expect(result.subject).toEqual({ type: "user", id: "emma", roles: [], groups: [] });
    expect(result.agent).toBe("bot");
    expect(result.chain).toEqual(["bot"]);
  });

  it("agent in sub with an act: the actor acts for the agent", async () => {
    const verifier = createVerifier({ subjectStyle: "agent_in_sub" });
    const result = await verified(verifier, await token({ sub: "bot", act: { sub: "helper" }, roles: ["r"] }));

    expect(result.subject).toEqual({ type: "agent", id: "bot", roles: ["r"], groups: [] });
    expect(result.chain).toEqual(["helper", "bot"]);
  });

  it.each([
    ["realm_access.roles", { realm_access: { roles: ["a", "b"] } }, ["a", "b"]],
    ["https://example.com/roles", { "https://example.com/roles": ["c"] }, ["c"]],
    ["role", { role: "d" }, ["d"]],
    ["constructor", {}, []],
    ["constructor.name", {}, []],
    ["realm_access.roles", { realm_access: [] }, []],
  ])("roles are found at %s in %o", async (rolesClaim, claims, roles) => {
    expect((await verified(createVerifier({ rolesClaim }), await token(claims))).subject.roles).toEqual(roles);
  });

  it.each([
    [{ scope: "read write" }, ["read", "write"]],
    [{ scope: undefined, scp: ["read", "write"] }, ["read", "write"]],
    [{ scope: "" }, []],
    [{ scope: undefined }, []],
  ])("scopes of %o", async (claims, scopes) => {
    expect((await verified(createVerifier(), await token(claims))).scopes).toEqual(scopes);
  });

  it.each([
    [{ jkt: "x" }, true],
    [{ "x5t#S256": "x" }, true],
    [{ jwk: { kty: "EC" } }, true],
    [{}, false],
    [undefined, false],
  ])("cnf %o is sender constrained: %s", async (cnf, constrained) => {
    expect((await verified(createVerifier(), await token({ cnf }))).senderConstrained).toBe(constrained);
  });
});

describe("remembered tokens", () => {
  it("are answered without a promise, and counted as cached", async () => {
    const results: string[] = [];
    const verifier = createVerifier({}, { onResult: (iss, result) => results.push(`${iss} ${result}`) });
    const text = await token();
    const first = await verified(verifier, text);

    const second = verifier.verify(text, nowMs + 1, signal);

    expect(second).toBe(first);
    expect(results).toEqual([`${issuer.url} verified`, `${issuer.url} cached`]);
  });

  it("are verified again after their time to live, and when the clock goes back", async () => {
    const verifier = createVerifier();
    const text = await token();
    await verified(verifier, text);

    expect(verifier.verify(text, nowMs + 59_999, signal)).not.toBeInstanceOf(Promise);
    expect(verifier.verify(text, nowMs + 60_000, signal)).toBeInstanceOf(Promise);
    expect(verifier.verify(text, nowMs - 1, signal)).toBeInstanceOf(Promise);
  });

  it("never mix, even with the same jti and sub", async () => {
    const verifier = createVerifier();
    const one = await token({ jti: "same", roles: ["reader"] });
    const two = await token({ jti: "same", roles: ["admin"] });

    for (let round = 0; round < 2; round++) {
      expect((await verified(verifier, one)).subject.roles).toEqual(["reader"]);
      expect((await verified(verifier, two)).subject.roles).toEqual(["admin"]);
    }
  });

  it("do not help a token whose signature was changed", async () => {
    const verifier = createVerifier();
    const text = await token();
    await verified(verifier, text);

    expect(await reasonFor(verifier, text.slice(0, -4))).toBe("token_signature");
  });

  it("are bounded in number: the least recently used is verified again", async () => {
    const verifier = createVerifier({}, { cache: { entriesMax: 2 } });
    const texts = await Promise.all(["a", "b", "c"].map((sub) => token({ sub })));
    for (const text of texts) await verified(verifier, text);

    const sync = texts.map((text) => !(verifier.verify(text, nowMs, signal) instanceof Promise));

    expect(sync).toEqual([false, true, true]);
  });

  it("are not kept for rejections", async () => {
    const verifier = createVerifier();
    const text = await token({ nbf: nowS + 30 });

    expect(await reasonFor(verifier, text)).toBe("token_not_yet_valid");
    expect(await reasonFor(verifier, text, nowMs + 30_000)).toBe("verified");
  });
});

describe("metrics", () => {
  it("name only configured issuers and known reasons", async () => {
    const labels = new Set<string>();
    const known = new Set<string>([...Object.keys(tokenReasons), "verified", "cached"]);
    const verifier = createVerifier({}, { onResult: (iss, result) => labels.add(`${iss}|${known.has(result)}`) });

    for (const { token: make } of tokenZoo(issuer, nowS)) await verifier.verify(await make(), nowMs, signal);

    expect([...labels].sort()).toEqual([`${issuer.url}|true`, "null|true"].sort());
  });
});
