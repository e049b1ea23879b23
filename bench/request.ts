import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** What is asked in every round, by every server: an update of a customer record by an operator's agent, which is allowed. */
export interface Question {
  /** Body of `POST /decide`. */
  readonly body: string;
  readonly issuer: { readonly issuer: string; readonly audience: string; readonly publicKey: JWK };
}

const issuer = "https://login.bench.example";
const audience = "remit";

/** A request of a realistic size with a token that is valid for two hours. */
export async function makeQuestion(): Promise<Question> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const nowS = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({
    client_id: "support-agent",
    roles: ["operator"],
    scope: "crm.read crm.write",
    auth_time: nowS - 60,
    acr: "phr",
    act: { sub: "support-agent" },
  })
    .setProtectedHeader({ alg: "ES256", kid: "bench-1", typ: "at+jwt" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject("emma")
    .setJti("0193a5c0-7c1e-7c1e-8a00-5f2d9c1b7e42")
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + 7200)
    .sign(privateKey);
  const body = JSON.stringify({
    tool: { server: "crm", name: "update_customer", annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true } },
    arguments: {
      id: "c-204881",
      fields: { email: "j.smith@example.org", phone: "+44 20 7946 0958", segment: "smb", marketing_consent: false },
      addresses: [{ kind: "billing", line1: "12 High Street", city: "Leeds", postcode: "LS1 4DY", country: "GB" }],
      note: "Customer called to say that the billing address has changed; confirmed by the account number and the last invoice.",
    },
    token,
    session: { id: "s-5f2d9c1b7e42" },
    request: { id: "r-77120", method: "tools/call", origin: { ip: "10.2.3.4", user_agent: "support-agent/2.3 (mcp 2025-11-25)" } },
    context: { environment: "prod" },
  });
  return { body, issuer: { issuer, audience, publicKey: { ...(await exportJWK(publicKey)), kid: "bench-1", alg: "ES256", use: "sig" } } };
}
