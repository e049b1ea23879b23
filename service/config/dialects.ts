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
      .regex(/^[^/]+\/\/[^/?#@]+(\/[A-Za-z0-9._~-]+)*$/, "must have a host, a plain path or none, and no query, fragment or `/` at its end")
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

/** One path at which a gateway asks. */
const OpaGateway = z.strictObject({
  kind: z.enum(["kong", "apisix", "higress", "contextforge", "agt"]).describe("whose body is sent"),
  protocol: z
    .enum(["mcp", "http"])
    .default("mcp")
    .describe("what is behind it: MCP servers, or any HTTP server; a request that looks like MCP means nothing to the latter"),
  mcp_headers: z
    .boolean()
    .default(false)
    .describe("judge by `Mcp-*` headers where the body is not sent; only for servers that refuse headers which differ from the body"),
  asks_again: z
    .boolean()
    .default(false)
    .describe("Higress: its plugin holds a request until it was asked about the body, too; without this nothing with a body passes"),
  servers: z
    .array(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, "must be the name of a server"))
    .max(256)
    .default([])
    .describe(
      "ContextForge: names of its gateways; a tool `<gateway>-<tool>` of one of them is tool `<tool>` of that server. Kong, APISIX, Higress: the one name of what is behind, where neither a header nor the gateway tells it",
    ),
  roles: z.array(z.string().min(1).max(256)).max(64).default([]).describe("roles of each subject whose roles the gateway does not tell"),
});

const Opa = z
  .strictObject({
    default_decision: dataPath.default("system/main").describe("path that `POST /` answers from"),
    gateways: z
      .record(dataPath, OpaGateway)
      .default({})
      .describe(
        "paths below `/v1/data/` at which a gateway's body becomes a tool call: `kind` (`kong`, `apisix`, `higress`, `contextforge`, `agt`), `protocol` (`mcp`, or `http` for routes to other servers), `mcp_headers`, `asks_again`, `servers` and `roles`",
      ),
  })
  .prefault({});

const Check = z
  .strictObject({
    mcp_paths: z
      .array(
        z
          .string()
          .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*(\/\*|\/)?$/, "must be a path, or one that ends with `/*`")
          .min(1),
      )
      .max(64)
      .default(["/mcp"])
      .describe(
        "paths of the original request at which an MCP server is, all below one that ends with `/*`; a request elsewhere is a tool call `http.<method>`",
      ),
    mcp_headers: z
      .boolean()
      .default(false)
      .describe(
        "where no body is forwarded, judge by `Mcp-Method` and `Mcp-Name` alone: right only when every server behind refuses headers that differ from its body (MCP 2026-07-28)",
      ),
    obligations: z
      .enum(["deny", "header"])
      .default("deny")
      .describe(
        "what becomes of an allow under obligations: `header` lets it pass and tells them in `x-remit-obligations` to whom the proxy hands it",
      ),
    resource_metadata: z
      .url({ protocol: /^https?$/ })
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must hold no quotes and no spaces")
      .optional()
      .describe("URL of the protected resource's metadata (RFC 9728), named in challenges to clients"),
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
export const Dialects = z
  .strictObject({ identity_headers: IdentityHeaders, authzen: Authzen, opa: Opa, check: Check, hooks: Hooks })
  .prefault({});
export type Dialects = z.infer<typeof Dialects>;
