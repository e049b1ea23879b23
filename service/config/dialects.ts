import { z } from "zod";

const headerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be a header name in lower case");
const dataPath = z.string().regex(/^[A-Za-z0-9_]+(\/[A-Za-z0-9_.-]+)*$/, "must be parts of a path with `/` between them");

/** Who the agent is, as headers say: named here, so that no header counts which the operator did not make the proxy set. */
const IdentityHeaders = z
  .strictObject({
    subject: headerName.optional().describe("header with the id of the subject"),
    roles: headerName.optional().describe("header with the roles of the subject, separated by commas"),
    agent: headerName.optional().describe("header with the id of the agent"),
    session: headerName.optional().describe("header with the id of the session"),
    server: headerName.optional().describe("header with the name of the MCP server"),
    origin_ip: headerName.optional().describe("header with the address of the agent"),
  })
  .prefault({});

const Authzen = z
  .strictObject({
    base_url: z
      .url({ protocol: /^https$/ })
      .regex(/^[^?#]*[^/?#]$/, "must have no query, no fragment and no `/` at its end")
      .optional()
      .describe("URL by which enforcement points know this service; without it there is no `/.well-known/authzen-configuration`"),
    metadata_key: z
      .strictObject({
        id: z.string().min(1).describe("`kid` of the signature"),
        algorithm: z.enum(["ES256", "ES384", "EdDSA", "RS256", "PS256"]).describe("signature algorithm"),
        private_key: z.string().min(1).describe("private key in PEM (PKCS #8)"),
      })
      .optional()
      .describe("key that signs `signed_metadata`; left out: the metadata is not signed"),
  })
  .prefault({});

const Opa = z
  .strictObject({
    default_decision: dataPath.default("system/main").describe("path that `POST /` answers from"),
    gateways: z
      .record(dataPath, z.enum(["kong", "apisix", "higress", "contextforge", "agt"]))
      .default({})
      .describe("paths below `/v1/data/` at which a gateway's body becomes a tool call, with the kind of the gateway"),
  })
  .prefault({});

const Hooks = z
  .strictObject({
    allow: z
      .enum(["no_opinion", "allow"])
      .default("no_opinion")
      .describe("what an allow says to an agent's hook: `no_opinion` leaves the agent's own permission prompt in place, `allow` skips it"),
    webhook_age_s_max: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .default(300)
      .describe("oldest accepted signature of a webhook that tells its time"),
  })
  .prefault({});

/** Wire formats beside the native one. */
export const Dialects = z.strictObject({ identity_headers: IdentityHeaders, authzen: Authzen, opa: Opa, hooks: Hooks }).prefault({});
export type Dialects = z.infer<typeof Dialects>;
