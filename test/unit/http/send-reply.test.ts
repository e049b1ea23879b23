import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { gunzipSync } from "node:zlib";
import express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WireReply } from "../../../service/dialects/dialect.ts";
import { sendReply } from "../../../service/http/send-reply.ts";

const long = "é".repeat(600);
let reply: WireReply;
let server: Server;

beforeAll(async () => {
  const app = express();
  app.use((_request, response) => sendReply(response, reply, "r-1"));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close());

/** The answer as it is on the wire: `fetch` would unpack it. */
function ask(accepted?: string): Promise<{ readonly head: string; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const header = accepted === undefined ? "" : `accept-encoding: ${accepted}\r\n`;
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${header}\r\n`);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const bytes = Buffer.concat(chunks);
      const end = bytes.indexOf("\r\n\r\n");
      resolve({ head: bytes.subarray(0, end).toString().toLowerCase(), body: bytes.subarray(end + 4) });
    });
  });
}

test.each<[string | undefined, number | undefined, boolean]>([
  ["gzip", 1024, true],
  ["br;q=1, GZIP ; q=0.1", 1200, true],
  ["deflate, gzip", 1024, true],
  ["gzip", 1201, false],
  ["gzip", undefined, false],
  ["gzip;q=0", 1024, false],
  ["gzip; q=0.000, br", 1024, false],
  ["xgzip, gzipped", 1024, false],
  ["*", 1024, false],
  [undefined, 1024, false],
])("whoever accepts %s, from %s bytes on: %s", async (accepted, gzipFromBytes, packed) => {
  reply = { status: 207, headers: { "content-type": "text/x" }, body: long, ...(gzipFromBytes === undefined ? {} : { gzipFromBytes }) };
  const { head, body } = await ask(accepted);
  expect(head).toContain("207");
  for (const line of ["cache-control: no-store", "x-request-id: r-1", "content-type: text/x", `content-length: ${body.length}`])
    expect(head).toContain(line);
  expect(head.includes("content-encoding: gzip")).toBe(packed);
  expect((packed ? gunzipSync(body) : body).toString()).toBe(long);
});

test("a reply without a body has none", async () => {
  reply = { status: 405, headers: {}, body: null };
  const { head, body } = await ask("gzip");
  expect(head).toContain("content-length: 0");
  expect(body.length).toBe(0);
});
