import { z } from "zod";
import { pepPermissions } from "../decide/tool-call.ts";
import { Dialects } from "./dialects.ts";

const integer = (min: number, max: number) => z.number().int().min(min).max(max);
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit");
const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127\./.test(host);

const pepId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be 1 to 64 of a-z 0-9 - and start with a letter or digit");

const Pep = z.strictObject({
  id: pepId.describe("name of the enforcement point; its API keys start with `rk_<id>_`"),
  tenant: id.default("default").describe("tenant that its sessions and records belong to"),
  dialects: z.array(z.string()).default(["native"]).describe("dialects it may use"),
  permissions: z
    .array(z.enum(pepPermissions))
    .min(1)
    .default(["decide", "grant"])
    .describe(
      "`decide`: ask and report outcomes; `grant`: declare grants, read and end sessions; `approve`: decide access requests; `operate`: terminate agents and subjects",
    ),
  asserts_subject: z.boolean().default(false).describe("whether its subject and agent claims count without a token"),
  annotations_trusted: z.boolean().default(false).describe("whether the tool annotations it forwards are believed"),
  api_keys_sha256: z.array(z.string()).default([]).describe("SHA-256 in hex of each live API key; two during a rotation"),
  webhook_secrets: z
    .array(z.string().min(32))
    .max(2)
    .default([])
    .describe("secrets of its signed webhooks (HMAC-SHA256); two during a rotation"),
  jwt: z
    .strictObject({ issuer: z.string().describe("one of `auth.issuers`"), subject: z.string().describe("`sub` that its JWT must have") })
    .optional()
    .describe("accept a JWT of this issuer and subject in place of an API key"),
});

const Issuer = z.strictObject({
  issuer: z.string().min(1).describe("exact `iss` of its tokens"),
  audience: z.array(z.string().min(1)).min(1).describe("accepted `aud` values; required, since a token for somebody else must not count"),
  algorithms: z.array(z.string()).min(1).describe("accepted signature algorithms (RFC 7518 names)"),
  jwks: z
    .union([z.strictObject({ uri: z.url() }), z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1) })])
    .describe("its keys: `{uri}` of a JWK set over HTTPS, or `{keys}` inline (RFC 7517)"),
  allow_http: z.boolean().default(false).describe("allow a plain `http:` key set URI that is not on loopback"),
  typ: z.array(z.string()).default(["at+jwt", "JWT"]).describe("accepted `typ` headers"),
  typ_absent_allowed: z.boolean().default(false).describe("accept a token without a `typ` header"),
  clock_skew_s: integer(0, 30).default(5).describe("tolerance of time claims"),
  max_age_s: integer(1, 31_536_000).default(86_400).describe("oldest accepted `iat`"),
  roles_claim: z.string().default("roles").describe("claim that holds the roles; dots reach into objects"),
  groups_claim: z.string().default("groups").describe("claim that holds the groups"),
  subject_style: z.enum(["human_in_sub", "agent_in_sub"]).default("human_in_sub").describe("whether `sub` is the human or the agent"),
  human_claim: z.string().optional().describe("with `agent_in_sub`: the claim that names the human"),
});

const Redis = z.strictObject({
  nodes: z
    .array(z.string().regex(/^rediss?:\/\//, "must begin with `redis://` or `rediss://`"))
    .min(1)
    .describe("URL, or several of a cluster, without credentials"),
  cluster: z.boolean().default(false).describe("whether it is a cluster"),
  username: z.string().optional().describe("user of its ACL"),
  password: z.string().optional().describe("password of that user"),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9:_-]{1,32}$/)
    .default("remit:")
    .describe("begin of every key"),
  command_timeout_ms: integer(1, 10_000).default(50).describe("time after which a command that was not answered counts as failed"),
  allow_eviction: z.boolean().default(false).describe("use it although its `maxmemory-policy` may forget keys, and with them labels"),
});

const BundleKey = z.strictObject({
  id: z.string().min(1).describe("key id, as in the signature's `kid`"),
  algorithm: z.string().describe("signature algorithm, e.g. `ES256`; never taken from the bundle"),
  key: z.string().describe("public key in PEM, or the shared secret of an HS algorithm"),
  scope: z.string().optional().describe("scope that the signature must state"),
});

/** Every key of the configuration: default, unit (last in the name) and meaning. `docs/configuration.md` is made from it. */
export const Config = z
  .strictObject({
    var_dir: z.string().default("./var").describe("folder for records, the last good bundle and `listen.json`"),
    listen: z
      .strictObject({
        host: z.string().default("127.0.0.1").describe("address to listen on"),
        port: integer(0, 65_535).default(8181).describe("TCP port; 0 takes a free one, written to `listen.json` in `var_dir`"),
      })
      .prefault({}),
    auth: z
      .strictObject({
        mode: z.enum(["required", "none"]).default("required").describe("`none` believes every caller and works on loopback only"),
        peps: z.array(Pep).default([]).describe("the enforcement points that may ask"),
        issuers: z.array(Issuer).default([]).describe("issuers of enforcement points' JWTs, with an audience of their own"),
      })
      .prefault({}),
    tokens: z
      .strictObject({
        issuers: z.array(Issuer).default([]).describe("issuers of agents' tokens; others are refused"),
        cache_max: integer(0, 1_000_000).default(10_000).describe("verified tokens kept"),
        token_bytes_max: integer(256, 16_384).default(8192).describe("longest accepted token"),
        act_depth_max: integer(1, 16).default(4).describe("longest accepted chain of actors (RFC 8693 `act`)"),
      })
      .prefault({}),
    bundle: z
      .strictObject({
        name: id.default("default").describe("name of the bundle in answers, records and metrics"),
        source: z.string().default("bundles/default.tar.gz").describe("bundle file or folder"),
        watch: z.boolean().default(true).describe("load the bundle again when it changes; SIGHUP always does"),
        entrypoints: z
          .array(z.string().min(1))
          .default(["remit/decision"])
          .describe(
            "entrypoints that a bundle must have; without `remit/decision` it serves plain questions only, and every tool call is denied",
          ),
        keys: z.array(BundleKey).default([]).describe("keys that sign bundles; once there is one, unsigned bundles are refused"),
      })
      .prefault({}),
    engine: z
      .strictObject({
        fuel_max: integer(1000, 2_000_000_000).optional().describe("evaluation budget in fuel units; left out: about 50 ms"),
        memory_pages_max: integer(16, 65_536).default(1024).describe("WebAssembly memory of one policy instance, in pages of 64 KiB"),
        warmup_decisions: integer(0, 100_000).default(2000).describe("decisions run before the service says it is ready"),
      })
      .prefault({}),
    decision_log: z
      .strictObject({
        file: z.string().optional().describe("file of decision records; left out: `decisions.jsonl` in `var_dir`"),
        stdout: z.boolean().default(false).describe("also write records to standard output"),
        labels: z.record(z.string(), z.string()).default({}).describe("labels of every record"),
        flush_ms: integer(1, 1000).default(5).describe("longest time a record waits for its batch"),
        queue_records_max: integer(1, 1_000_000)
          .default(20_000)
          .describe("records that may wait; a full queue turns decisions into errors"),
        queue_bytes_max: integer(1024, 1_073_741_824).default(67_108_864).describe("size of the records that may wait"),
      })
      .prefault({}),
    sessions: z
      .strictObject({
        store: z
          .enum(["embedded", "redis", "memory"])
          .default("embedded")
          .describe(
            "`embedded`: a file, shared by the processes of this machine; `redis`: for several machines; `memory`: for tests, forgets on restart",
          ),
        path: z.string().optional().describe("folder of the embedded store; left out: `sessions` in `var_dir`"),
        durability: z
          .enum(["process", "machine"])
          .default("process")
          .describe(
            "`process`: survives the end of any process, synced every second; `machine`: each change is synced, about ten times slower",
          ),
        redis: Redis.optional().describe("the Redis or Valkey of `store: redis`"),
        key: z
          .string()
          .min(32)
          .optional()
          .describe(
            "secret of the keyed hashes and binding tokens, the same for all replicas; left out: made once, in `sessions.key` in `var_dir`",
          ),
        sessions_max: integer(1, 10_000_000).default(100_000).describe("living sessions remembered; none is forgotten for a new one"),
        idle_s: integer(60, 2_592_000).default(86_400).describe("time without a change after which a session is forgotten"),
        values_max: integer(100, 1_000_000)
          .default(20_000)
          .describe("values of results remembered per session; what does not fit counts as untrusted"),
        grants: z.enum(["any", "signed"]).default("any").describe("`signed`: only grants signed by one of `grant_issuers` are accepted"),
        approval_clients: z
          .array(z.string().min(1))
          .default([])
          .describe("`client_id` of each page by which people approve; a token of any other client counts as held by an agent"),
        grant_issuers: z.array(Issuer).default([]).describe("issuers of signed grants, with an audience of their own"),
      })
      .prefault({}),
    dialects: Dialects,
    limits: z
      .strictObject({
        body_bytes_max: integer(1024, 16_777_216).default(262_144).describe("largest body"),
        json_depth_max: integer(4, 256).default(64).describe("deepest nesting of a body"),
        json_nodes_max: integer(100, 1_000_000).default(10_000).describe("most values in a body"),
        outcome_body_bytes_max: integer(1024, 16_777_216).default(1_048_576).describe("largest body of an outcome, which holds a result"),
        outcome_nodes_max: integer(100, 1_000_000).default(100_000).describe("most values in the body of an outcome"),
        batch_max: integer(1, 1000).default(100).describe("most calls in one batch"),
        in_flight_max: integer(1, 100_000).default(1000).describe("requests at a time; more are answered 503 with `Retry-After`"),
        decision_deadline_ms: integer(1, 60_000).default(150).describe("longest wait for the keys of an issuer within one decision"),
        headers_timeout_ms: integer(100, 60_000).default(5000).describe("time for a client to send its headers"),
        request_timeout_ms: integer(100, 300_000).default(10_000).describe("time for a client to send its request"),
        keep_alive_timeout_ms: integer(1000, 600_000).default(75_000).describe("idle time after which a connection is closed"),
        drain_wait_ms: integer(0, 60_000)
          .default(500)
          .describe("time after SIGTERM in which new connections are still taken, while readiness says no"),
        drain_ms_max: integer(0, 300_000).default(10_000).describe("time that requests in flight have to finish after SIGTERM"),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("least severe message that is written"),
        format: z.enum(["json", "console"]).default("json").describe("`json` for machines, `console` for people"),
      })
      .prefault({}),
  })
  .check((context) => {
    const { auth, listen } = context.value;
    const complain = (path: PropertyKey[], message: string) => context.issues.push({ code: "custom", path, message, input: context.value });
    if (auth.mode === "none" && !isLoopback(listen.host))
      complain(["listen", "host"], `\`${listen.host}\` is not loopback, which \`auth.mode: none\` demands; configure \`auth.peps\``);
    if (auth.mode === "required" && auth.peps.length === 0)
      complain(["auth", "peps"], "no enforcement point is configured; add one, or state `auth.mode: none` for a trial on loopback");
    for (const [index, pep] of auth.peps.entries()) {
      if (pep.api_keys_sha256.length === 0 && pep.webhook_secrets.length === 0 && pep.jwt === undefined)
        complain(["auth", "peps", index], `\`${pep.id}\` has no credential; add \`api_keys_sha256\`, \`webhook_secrets\` or \`jwt\``);
      if (pep.jwt !== undefined && !auth.issuers.some((issuer) => issuer.issuer === pep.jwt?.issuer))
        complain(["auth", "peps", index, "jwt", "issuer"], `\`${pep.jwt.issuer}\` is not one of \`auth.issuers\``);
    }
  })
  .check((context) => {
    const { sessions } = context.value;
    const complain = (path: PropertyKey[], message: string) => context.issues.push({ code: "custom", path, message, input: context.value });
    if (sessions.store === "redis" && sessions.redis === undefined)
      complain(["sessions", "redis"], "`store: redis` needs `sessions.redis.nodes`");
    if (sessions.store === "redis" && sessions.key === undefined)
      complain(["sessions", "key"], "`store: redis` needs `sessions.key`, the same for all replicas");
    if (sessions.grants === "signed" && sessions.grant_issuers.length === 0)
      complain(["sessions", "grant_issuers"], "`grants: signed` needs at least one issuer");
  });
export type Config = z.infer<typeof Config>;
