import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { benchBundle } from "../bundle.ts";
import type { Question } from "../request.ts";
import { answers, type Contender, post, spawnServer, target, waitFor } from "./contender.ts";

export interface RemitOptions {
  readonly question: Question;
  /** Path of the Node binary. */
  readonly node: string;
  readonly name: string;
  /** Options for Node itself. */
  readonly nodeArgs?: readonly string[];
}

/** A Remit in which every dialect is configured. */
export interface RemitWithDialects extends Contender {
  /** The key of its one enforcement point. */
  readonly apiKey: string;
}

/** The service as a user starts it: API key, verified token, session, and the decision log on. */
export function createRemit({ question, node, name, nodeArgs = [] }: RemitOptions): RemitWithDialects {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  const main = join(import.meta.dirname, "../../dist/main.js");
  const key = newKey(node, main);
  return {
    name,
    apiKey: key.key,
    about: `Node ${version}, default bundle in WebAssembly (with larger budgets), API key checked, token verified (cached), session in the embedded store, decision record to a file`,
    async start(dir) {
      const config = join(dir, "remit.yaml");
      const bundle = await benchBundle();
      writeFileSync(config, stringify(configuration({ dir, question, keyHash: key.hash, bundle })));
      const child = spawnServer([node, ...nodeArgs, main, "--config", config], { dir, stdout: "stdout.log" });
      let url = "";
      await waitFor(child, name, async () => {
        url = (JSON.parse(readFileSync(join(dir, "listen.json"), "utf8")) as { url: string }).url;
        return answers(`${url}/health/ready`);
      });
      const decide = new URL("/decide", url);
      const request = post(decide, question.body, { "x-api-key": key.key });
      const log = { path: join(dir, "decisions.jsonl"), marker: '"type":"openpolicyagent.org/decision_logs"' };
      return { process: child, target: target(decide, request, '"allow":true'), log };
    },
  };
}

interface Settings {
  readonly dir: string;
  readonly question: Question;
  readonly keyHash: string;
  readonly bundle: string;
}

function configuration({ dir, question, keyHash, bundle }: Settings): object {
  const { issuer } = question;
  return {
    var_dir: dir,
    listen: { host: "127.0.0.1", port: 0 },
    auth: { mode: "required", peps: [{ id: "bench", dialects: ["*"], api_keys_sha256: [keyHash] }] },
    tokens: {
      issuers: [{ issuer: issuer.issuer, audience: [issuer.audience], algorithms: ["ES256"], jwks: { keys: [issuer.publicKey] } }],
    },
    dialects: {
      identity_headers: { session: "x-session", server: "x-server" },
      opa: { gateways: { "bench/kong": { kind: "kong" } } },
    },
    bundle: { source: bundle },
    log: { level: "warn" },
  };
}

/** As an operator makes a key: the command prints the key and its hash. */
function newKey(node: string, main: string): { readonly key: string; readonly hash: string } {
  const { stdout, stderr } = spawnSync(node, [main, "new-key", "bench"], { encoding: "utf8" });
  const key = /\brk_bench_\S+/.exec(stdout)?.[0];
  const hash = /\b[0-9a-f]{64}\b/.exec(stdout)?.[0];
  if (key === undefined || hash === undefined) throw new Error(`remit new-key printed no key; run npm run build first: ${stdout}${stderr}`);
  return { key, hash };
}
