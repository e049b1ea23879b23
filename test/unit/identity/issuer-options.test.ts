import { describe, expect, it } from "vitest";
import { createTokenVerifier } from "../../../service/identity/agent-token.ts";
import { type IssuerOptions, readIssuers } from "../../../service/identity/issuer-options.ts";

const good: IssuerOptions = {
  issuer: "https://issuer.example",
  audience: ["remit"],
  algorithms: ["ES256"],
  jwks: { uri: "https://issuer.example/jwks" },
};

function problems(...issuers: unknown[]): string[] {
  try {
    readIssuers(issuers as IssuerOptions[]);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Error && "errors" in thrown && "code" in thrown)) throw thrown;
    expect(thrown.code).toBe("config_invalid");
    return (thrown.errors as { path: string; message: string }[]).map(({ path, message }) => `${path} ${message}`);
  }
}

describe("readIssuers", () => {
  it("fills defaults", () => {
    expect(readIssuers([good])).toEqual([
      {
        ...good,
        typ: new Set(["application/at+jwt", "application/jwt"]),
        typAbsentAllowed: false,
        clockSkewS: 5,
        maxAgeS: undefined,
        rolesClaim: "roles",
        groupsClaim: "groups",
        subjectStyle: "human_in_sub",
        humanClaim: undefined,
      },
    ]);
  });

  it.each([
    ["an empty audience", { audience: [] }, "/issuers/0/audience is empty"],
    ["no audience", { audience: undefined }, "/issuers/0/audience is empty"],
    ["an empty name in the audience", { audience: [""] }, "/issuers/0/audience/0 "],
    ["no algorithms", { algorithms: [] }, "/issuers/0/algorithms is empty"],
    ["algorithms left out", { algorithms: undefined }, "/issuers/0/algorithms is empty"],
    ["algorithm none", { algorithms: ["none"] }, "/issuers/0/algorithms/0 `none` is not accepted"],
    ["algorithm HS256", { algorithms: ["ES256", "HS256"] }, "/issuers/0/algorithms/1 `HS256` is not accepted"],
    ["an unknown algorithm", { algorithms: ["es256"] }, "/issuers/0/algorithms/0 `es256` is not accepted"],
    ["an empty issuer", { issuer: "" }, "/issuers/0/issuer "],
    ["an empty typ list", { typ: [] }, "/issuers/0/typ is empty"],
    ["a skew over 30 s", { clockSkewS: 31 }, "/issuers/0/clock_skew_s `31` is out of range; use 0 to 30"],
    ["a negative skew", { clockSkewS: -1 }, "/issuers/0/clock_skew_s `-1`"],
    ["a skew that is no number", { clockSkewS: Number.NaN }, "/issuers/0/clock_skew_s `NaN`"],
    ["an age limit of 0", { maxAgeS: 0 }, "/issuers/0/max_age_s `0`"],
    ["plain http", { jwks: { uri: "http://issuer.example/jwks" } }, "/issuers/0/jwks/uri `http://issuer.example/jwks` is not https"],
    ["http to a lookalike of loopback", { jwks: { uri: "http://127.0.0.1.example/" } }, "/issuers/0/jwks/uri "],
    ["a file", { jwks: { uri: "file:///etc/keys.json" } }, "/issuers/0/jwks/uri "],
    ["no URL", { jwks: { uri: "issuer" } }, "/issuers/0/jwks/uri `issuer` is not a URL"],
    ["a credential in the URL", { jwks: { uri: "https://me:pw@issuer.example/" } }, "/issuers/0/jwks/uri holds a credential"],
    ["no inline keys", { jwks: { keys: [] } }, "/issuers/0/jwks/keys is empty"],
    ["a symmetric key", { jwks: { keys: [{ kty: "oct", k: "AA" }] } }, "/issuers/0/jwks/keys/0 is a symmetric key"],
    ["a private key", { jwks: { keys: [{ kty: "EC", d: "AA" }] } }, "/issuers/0/jwks/keys/0 is a private key"],
    ["a human claim without the style", { humanClaim: "act.sub" }, "/issuers/0/human_claim needs"],
  ])("refuses %s", (_name, changes, problem) => {
    const found = problems({ ...good, ...changes });

    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  it("reports every mistake of every issuer at once, and never shows a credential", () => {
    const found = problems({ ...good, audience: [] }, { ...good, algorithms: ["none"], jwks: { uri: "https://me:hunter2@x.example" } });

    expect(found.map((line) => line.split(" ")[0])).toEqual([
      "/issuers/0/audience",
      "/issuers/1/algorithms/0",
      "/issuers/1/jwks/uri",
      "/issuers/1/issuer",
    ]);
    expect(found.join()).not.toContain("hunter2");
  });

  it.each(["http://localhost:1/jwks", "http://127.0.0.1/jwks", "http://[::1]:8080/jwks"])(
    "accepts %s, which does not leave the machine",
    (uri) => {
      expect(problems({ ...good, jwks: { uri } })).toEqual([]);
    },
  );

  it("accepts plain http elsewhere only when that is said", () => {
    expect(problems({ ...good, jwks: { uri: "http://issuer.example/jwks", allowHttp: true } })).toEqual([]);
  });
});

describe("createTokenVerifier", () => {
  it.each([
    [{ limits: { tokenBytesMax: 0 } }, "/limits/token_bytes_max: `0` is out of range; use 256 to 65536"],
    [{ cache: { ttlS: 3600 } }, "/cache/ttl_s"],
    [{ cache: { entriesMax: 0 } }, "/cache/entries_max"],
    [{ jwks: { refreshS: 0 } }, "/jwks/refresh_s"],
    [{ jwks: { graceS: Number.POSITIVE_INFINITY } }, "/jwks/grace_s"],
  ])("refuses %o", (options, problem) => {
    expect(() => createTokenVerifier({ issuers: [good], ...options })).toThrow(problem);
  });
});
