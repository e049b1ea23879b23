import type { IncomingMessage } from "node:http";
import type { Json } from "../decide/json.ts";
import { RemitError } from "../errors.ts";
import { type JsonLimits, parseStrictJson } from "../json/strict-json.ts";

/** `bytesMax` bounds what is read; the rest bounds what is parsed. */
export interface BodyLimits extends JsonLimits {
  readonly bytesMax: number;
}

/** Reads and parses a JSON body. Throws RemitError: `content_type_unsupported`, `body_too_large`, `body_not_json`, `body_unsafe`. */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<Json> {
  checkJsonType(request);
  checkEncoding(request);
  return parseStrictJson(await readBytes(request, limits.bytesMax), limits);
}

const jsonType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** A body of another type must never be read as "no body": that would be no input, and a deny-list policy would allow. */
export function checkJsonType(request: IncomingMessage): void {
  const type = request.headers["content-type"];
  if (type === undefined || !(type === "application/json" || jsonType.test(type)))
    throw new RemitError(
      "content_type_unsupported",
      `content type \`${(type ?? "none").slice(0, 100)}\` is not supported; send \`application/json\``,
    );
}

function checkEncoding(request: IncomingMessage): void {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new RemitError(
      "content_type_unsupported",
      `content encoding \`${encoding.slice(0, 100)}\` is not supported; send the body as it is`,
    );
}

/** The bytes as they are. Throws RemitError `body_too_large` or `body_not_json` (cut off). */
export function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.reject(tooLarge(bytesMax));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) chunks.push(chunk);
      else reject(tooLarge(bytesMax));
    });
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", (cause) => reject(new RemitError("body_not_json", "the body was cut off", { cause })));
    request.on("aborted", () => reject(new RemitError("body_not_json", "the body was cut off")));
  });
}

function tooLarge(bytesMax: number): RemitError {
  return new RemitError("body_too_large", `the body is larger than ${bytesMax} bytes`);
}
