import { describe, expect, it } from "vitest";
import type { TokenResult, TokenVerifier } from "../../../service/decide/ports.ts";
import { RemitError } from "../../../service/errors.ts";
import { createTokenVerifier } from "../../../service/identity/agent-token.ts";
import { generateApiKey, hashApiKey, sampleSecret } from "../../../service/identity/api-key.ts";
import {
  createPepAuthenticator,
  type Headers,
  type PepAuthenticator,
  type PepOptions,
  requireDialect,
  requirePermission,
} from "../../../service/identity/pep.ts";
import { createSigningKey, goodClaims, signToken } from "../../helpers/issuer.ts";

const nowMs = 1_800_000_000_000;
const keyA = generateApiKey("gateway-a");
const keyA2 = generateApiKey("gateway-a");
const keyB = generateApiKey("gateway-b");

function pep(id: string, changes: Partial<PepOptions> = {}): PepOptions {
  return { id, tenant: "acme", dialects: ["native"], permissions: ["decide"], assertsSubject: false, annotationsTrusted: true, ...changes };
}

const pepA = pep("gateway-a", { apiKeysSha256: [hashApiKey(keyA), hashApiKey(keyA2).toUpperCase()] });
const pepB = pep("gateway-b", { apiKeysSha256: [hashApiKey(keyB)], assertsSubject: true });
const authenticator = createPepAuthenticator({ mode: "required", peps: [pepA, pepB] });

function ask(headers: Headers, by: PepAuthenticator = authenticator, remote?: string) {
  return by.authenticate(headers, remote, nowMs);
}

async function failure(run: () => unknown): Promise<string> {
  try {
    await run();
    return "accepted";
  } catch (thrown) {
    if (!(thrown instanceof RemitError)) throw thrown;
    return `${thrown.code}: ${thrown.message}`;
  }
}

const refused =
  "pep_unauthenticated: no accepted credential; send `Authorization: Bearer` or `X-API-Key` of a configured enforcement point";

describe("API keys", () => {
  it.each<[string, Headers, string]>([
    ["in x-api-key", { "x-api-key": keyA }, "gateway-a"],
    ["as a bearer", { authorization: `Bearer ${keyA}` }, "gateway-a"],
    ["as a bearer in lower case", { authorization: `bearer ${keyA}` }, "gateway-a"],
    ["the second live one", { "x-api-key": keyA2 }, "gateway-a"],
    ["of another enforcement point", { "x-api-key": keyB }, "gateway-b"],
    ["beside the agent's forwarded token", { "x-api-key": keyB, authorization: "Bearer a.b.c" }, "gateway-b"],
  ])("%s: answered at once", (_name, headers, id) => {
    expect(ask(headers)).toMatchObject({ id });
  });

  it("gives the configured rights and no secret", () => {
    expect(ask({ "x-api-key": keyB })).toEqual({
      id: "gateway-b",
      tenant: "acme",
      dialects: ["native"],
      permissions: ["decide"],
      assertsSubject: true,
      annotationsTrusted: true,
    });
  });

  it.each<[string, Headers]>([
    ["no header", {}],
    ["an empty key", { "x-api-key": "" }],
    ["an empty bearer", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Basic ${keyA}` }],
    ["the key without a scheme", { authorization: keyA }],
    ["the header twice", { "x-api-key": [keyA, keyA] }],
    ["two keys joined", { "x-api-key": `${keyA}, ${keyA}` }],
    ["one character changed", { "x-api-key": keyA.slice(0, -1) + (keyA.endsWith("A") ? "B" : "A") }],
    ["one character more", { "x-api-key": `${keyA}A` }],
    ["one character less", { "x-api-key": keyA.slice(0, -1) }],
    ["the hash itself", { "x-api-key": hashApiKey(keyA) }],
    ["the secret under another's name", { "x-api-key": keyA.replace("gateway-a", "gateway-b") }],
    ["an unknown enforcement point", { "x-api-key": generateApiKey("nobody") }],
    ["a name of the prototype", { "x-api-key": generateApiKey("constructor") }],
    ["a megabyte", { "x-api-key": `rk_gateway-a_${"x".repeat(1_000_000)}` }],
    ["a token where no issuers are configured", { authorization: "Bearer a.b.c" }],
    ["the header twice beside a good bearer", { "x-api-key": [keyA, keyA], authorization: `Bearer ${keyA}` }],
    ["a wrong key beside a good bearer", { "x-api-key": "x", authorization: `Bearer ${keyA}` }],
  ])("%s is refused, and the answer is the same for all", async (_name, headers) => {
    expect(await failure(() => ask(headers))).toBe(refused);
  });

  it("never show up in errors or results", async () => {
    const seen: string[] = [];
    const by = createPepAuthenticator({ mode: "required", peps: [pepA], onResult: (id, result) => seen.push(`${id} ${result}`) });

    await ask({ "x-api-key": keyA }, by);
    const wrong = generateApiKey("gateway-a");

    expect(await failure(() => ask({ "x-api-key": wrong }, by))).not.toContain(wrong.slice(-20));
    expect(seen).toEqual(["gateway-a accepted", "null pep_unauthenticated"]);
  });

  it("are generated with 256 random bits and a prefix that names the enforcement point", () => {
    expect(keyA).toMatch(/^rk_gateway-a_[A-Za-z0-9_-]{43}$/);
    expect(new Set(Array.from({ length: 1000 }, () => generateApiKey("a"))).size).toBe(1000);
    expect(() => generateApiKey("has_underscore")).toThrow("does not match");
    expect(hashApiKey("rk_a_x")).toBe("0181116c66df2b1aa0114fdd9faf4abd4d5cf9b46d94459c3408e06454cec9da");
  });
});

describe("configuration", () => {
  const hashOf = (key: string) => ({ apiKeysSha256: [hashApiKey(key)] });

  it.each<[string, readonly PepOptions[], string]>([
    ["none", [], "/peps: is empty"],
    ["no credential", [pep("a")], "/peps/0: has no credential"],
    [
      "the key instead of its hash",
      [pep("a", { apiKeysSha256: [generateApiKey("a")] })],
      "/peps/0/api_keys_sha256/0: is not 64 hex digits",
    ],
    ["an empty hash", [pep("a", { apiKeysSha256: [""] })], "/peps/0/api_keys_sha256/0: is not 64 hex digits"],
    ["a short hash", [pep("a", { apiKeysSha256: ["ab".repeat(20)] })], "/peps/0/api_keys_sha256/0: is not 64 hex digits"],
    ["a hash of zeros", [pep("a", { apiKeysSha256: ["0".repeat(64)] })], "/peps/0/api_keys_sha256/0: is a placeholder"],
    ["the hash of nothing", [pep("a", hashOf(""))], "/peps/0/api_keys_sha256/0: is the hash of a sample"],
    ["the hash of a sample", [pep("a", hashOf(`rk_a_${sampleSecret}`))], "/peps/0/api_keys_sha256/0: is the hash of a sample"],
    ["the hash of a built-in key", [pep("a", hashOf("secret-api-key"))], "/peps/0/api_keys_sha256/0: is the hash of a sample"],
    ["a sample in upper case hex", [pep("a", { apiKeysSha256: [hashApiKey("").toUpperCase()] })], "is the hash of a sample"],
    [
      "nine live keys",
      [pep("a", { apiKeysSha256: Array.from({ length: 9 }, () => hashApiKey(generateApiKey("a"))) })],
      "has more than 8 keys",
    ],
    ["a name with an underscore", [pep("a_b", hashOf(keyA))], "/peps/0/id: `a_b` does not match"],
    ["a name twice", [pep("a", hashOf(keyA)), pep("a", hashOf(keyB))], "/peps/1/id: `a` is configured twice"],
    ["a key shared", [pep("a", hashOf(keyA)), pep("b", hashOf(keyA))], "/peps/1/api_keys_sha256: shares a key"],
    ["no dialects", [pep("a", { ...hashOf(keyA), dialects: [] })], "/peps/0/dialects: is empty"],
    ["no permissions", [pep("a", { ...hashOf(keyA), permissions: [] })], "/peps/0/permissions: is empty"],
    ["no tenant", [pep("a", { ...hashOf(keyA), tenant: "" })], "/peps/0/tenant: is empty"],
    ["a token without issuers", [pep("a", { jwt: { issuer: "https://i.example", subject: "a" } })], "/peps/0/jwt: needs issuers"],
  ])("refuses %s", async (_name, peps, problem) => {
    const found = await failure(() => createPepAuthenticator({ mode: "required", peps }));

    expect(found).toMatch(/^config_invalid: /);
    expect(found).toContain(problem);
    for (const { apiKeysSha256 = [] } of peps) for (const value of apiKeysSha256.filter(Boolean)) expect(found).not.toContain(value);
  });

  it("the format keeps a guessable key out even when its hash is configured", async () => {
    const by = createPepAuthenticator({ mode: "required", peps: [pep("a", hashOf("rk_a_letmein"))] });

    expect(await failure(() => ask({ "x-api-key": "rk_a_letmein" }, by))).toBe(refused);
  });
});

describe("tokens", () => {
  const issuer = "https://issuer.example";
  const claims = { ...goodClaims(issuer, "remit-peps", nowMs / 1000), sub: "gateway-a", client_id: "gateway-a" };

  async function createTokenRig() {
    const key = await createSigningKey("k");
    const tokens = createTokenVerifier({
      issuers: [{ issuer, audience: ["remit-peps"], algorithms: ["ES256"], jwks: { keys: [key.jwk] } }],
    });
    const by = createPepAuthenticator({ mode: "required", peps: [pep("gateway-a", { jwt: { issuer, subject: "gateway-a" } })], tokens });
    const present = async (changes: object) =>
      by.authenticate({ authorization: `Bearer ${await signToken(key, { ...claims, ...changes })}` }, "10.0.0.1", nowMs);
    return { present };
  }

  it("of the configured issuer and subject are accepted", async () => {
    expect(await (await createTokenRig()).present({})).toMatchObject({ id: "gateway-a", tenant: "acme" });
  });

  it.each([
    ["another subject", { sub: "emma" }],
    ["another audience, such as the agents'", { aud: "remit" }],
    ["another issuer", { iss: "https://attacker.example" }],
    ["an expired one", { exp: nowMs / 1000 - 60 }],
    ["a delegated one: its holder is somebody else", { act: { sub: "bot" } }],
  ])("%s is refused with the one answer", async (_name, changes) => {
    const { present } = await createTokenRig();

    expect(await failure(() => present(changes))).toBe(refused);
  });

  it("pass on that keys are unavailable: that is not the caller's fault", async () => {
    const tokens: TokenVerifier = {
      verify: async (): Promise<TokenResult> => {
        throw new RemitError("token_keys_unavailable", "down");
      },
    };
    const by = createPepAuthenticator({ mode: "required", peps: [pep("a", { jwt: { issuer, subject: "a" } })], tokens });

    expect(await failure(() => by.authenticate({ authorization: "Bearer a.b.c" }, undefined, nowMs))).toBe("token_keys_unavailable: down");
  });

  it("an API key never reaches the token verifier", async () => {
    const tokens: TokenVerifier = {
      verify: () => {
        throw new Error("was asked");
      },
    };
    const by = createPepAuthenticator({ mode: "required", peps: [{ ...pepA, jwt: { issuer, subject: "a" } }], tokens });

    expect(await failure(() => ask({ "x-api-key": keyB }, by))).toBe(refused);
  });
});

describe("authentication off", () => {
  const off = createPepAuthenticator({ mode: "none", peps: [] });

  it.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", undefined])(
    "accepts %s as anonymous, which may assert subjects",
    (remote) => {
      expect(ask({}, off, remote)).toMatchObject({ id: "anonymous", tenant: "default", assertsSubject: true, annotationsTrusted: false });
    },
  );

  it.each(["10.0.0.1", "::2", "127.0.0.1.example", "", "::ffff:10.0.0.1"])("refuses %s", async (remote) => {
    expect(await failure(() => ask({}, off, remote))).toContain("pep_forbidden");
  });

  it("accepts other machines only when that is said", () => {
    expect(ask({}, createPepAuthenticator({ mode: "none", peps: [], anonymousFromAnywhere: true }), "10.0.0.1")).toMatchObject({
      id: "anonymous",
    });
  });
});

describe("requireDialect", () => {
  it("lets listed dialects and the star through, and forbids the rest", async () => {
    expect(await failure(() => requireDialect(pepA, "native"))).toBe("accepted");
    expect(await failure(() => requireDialect(pep("a", { dialects: ["*"] }), "mcp"))).toBe("accepted");
    expect(await failure(() => requireDialect(pepA, "mcp"))).toContain(
      "pep_forbidden: enforcement point `gateway-a` may not use dialect `mcp`",
    );
  });
});

describe("requirePermission", () => {
  const approver = pep("desk", { permissions: ["decide", "approve"] });

  it("lets through whoever has one of the permissions", async () => {
    expect(await failure(() => requirePermission(approver, ["approve"]))).toBe("accepted");
    expect(await failure(() => requirePermission(approver, ["grant", "decide"]))).toBe("accepted");
  });

  it("forbids the rest and says what to configure", async () => {
    expect(await failure(() => requirePermission(approver, ["operate"]))).toBe(
      "pep_forbidden: enforcement point `desk` has no permission `operate`; add it to its `permissions`",
    );
  });

  it("lets an anonymous caller do everything but approve, since it may be the agent", async () => {
    const anonymous = await ask({}, createPepAuthenticator({ mode: "none", peps: [] }));

    for (const permission of ["decide", "grant", "operate"] as const)
      expect(await failure(() => requirePermission(anonymous, [permission]))).toBe("accepted");
    expect(await failure(() => requirePermission(anonymous, ["approve"]))).toContain("authentication is off");
  });
});
