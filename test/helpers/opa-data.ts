import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { toolPath } from "../../scripts/tools/find.ts";
import { buildOpaBundle, startOpa } from "./opa-server.ts";
import { cleanUp, type RunningService, startService } from "./service.ts";

/** OPA, or undefined when it cannot be had; a `SKIPPED` line then says so. */
export const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: the tests of the data API compile policies, or ask OPA's own server, and need OPA");

const policies = "test/fixtures/opa-data";
const entrypoints = [
  ...["app", "pkg/sub/p", "pkg/sub/q", "pkg/sub/nothing", "system/main"],
  ...["err/conflict", "err/quotient", "err/number", "err/guarded", "err/loop"],
];

/** The service, with the policies of `test/fixtures/opa-data` as one builds them for OPA. */
export async function startPlain(): Promise<{ readonly service: RunningService; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "opa-data-"));
  writeFileSync(join(folder, "bundle.tar.gz"), buildOpaBundle(opa ?? "", policies, entrypoints));
  const bundle = { name: "plain", source: join(folder, "bundle.tar.gz"), entrypoints: ["app", "system/main"] };
  const service = await startService({ config: { bundle } });
  return {
    service,
    async stop() {
      await service.stop();
      cleanUp(service);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The service and OPA's own server with the same policies. */
export async function startBoth() {
  const [plainly, server] = await Promise.all([startPlain(), startOpa(opa ?? "", policies)]);
  const { service } = plainly;
  return {
    service,
    async ask(asked: Asked) {
      const [theirs, ours] = await Promise.all([ask(server.url, asked), ask(service.url, asked)]);
      return { theirs, ours };
    },
    async stop() {
      server.stop();
      await plainly.stop();
    },
  };
}

/** One request. */
export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Buffer;
}

/** Sends a path as it is: `fetch` would tidy it up. */
export function ask(base: string, { method = "POST", path, body, headers = {} }: Asked): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const sent = body === undefined ? headers : { "content-length": String(Buffer.byteLength(body)), ...headers };
    const request = httpRequest({ hostname, port, method, path, headers: sent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }));
    });
    request.once("error", reject);
    request.end(body);
  });
}

/** Requests to the data API. */
export const v1 = (path: string, input?: unknown): Asked => ({ path: `/v1/data/${path}`, body: JSON.stringify({ input }) });
export const v0 = (path: string, input?: unknown): Asked => ({ path: `/v0/data/${path}`, body: JSON.stringify(input ?? null) });
export const get = (path: string, query = ""): Asked => ({ method: "GET", path: `/v1/data/${path}${query}` });

/** A reply without what differs by its nature: the decision's id, times, and which build it is. */
export function plain({ status, headers, bytes }: Got) {
  const text = (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
  return { status, type: headers["content-type"], encoding: headers["content-encoding"], body: bodyOf(text) };
}

function bodyOf(text: string): unknown {
  if (text === "") return null;
  const body = JSON.parse(text) as unknown;
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { decision_id: _, metrics, provenance, ...rest } = body as Record<string, unknown>;
  const own = { ...(metrics === undefined ? {} : { metrics: true }), ...(provenance === undefined ? {} : { provenance: true }) };
  return { ...rest, ...own };
}

/** Texts, and any JSON that doubles and strict bodies can hold. */
export const texts = fc.string({ unit: "grapheme", maxLength: 8 });
const safe = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }));
export const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    ...[texts, safe, fc.boolean(), fc.constant(null)],
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(
      texts.filter((key) => key !== "__proto__"),
      tie("json"),
      { maxKeys: 4 },
    ), // prettier-ignore
  ),
}));
