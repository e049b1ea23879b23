import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readSources } from "../../scripts/bundle/sources.ts";
import { answers, type Contender, freePort, post, spawnServer, target, waitFor } from "./contender.ts";

/** OPA's own server with the same policies and data, asked with the `input` that Remit built, and its decision log in a file. */
export function createOpa(opa: string, input: object): Contender {
  const version = /Version: (\S+)/.exec(spawnSync(opa, ["version"], { encoding: "utf8" }).stdout)?.[1] ?? "unknown";
  return {
    name: "OPA",
    about: `OPA ${version}, \`opa run --server\`, GOMAXPROCS=1, same Rego and data, decision log on the console redirected to a file`,
    async start(dir) {
      const bundle = join(dir, "bundle");
      for (const [name, content] of readSources()) {
        mkdirSync(dirname(join(bundle, name)), { recursive: true });
        writeFileSync(join(bundle, name), content);
      }
      const url = new URL(`http://127.0.0.1:${await freePort()}/v1/data/remit/decision`);
      const settings = ["--set", "decision_logs.console=true", "--log-level", "error", "--log-format", "json", "--disable-telemetry"];
      const command = [opa, "run", "--server", "--addr", url.host, ...settings, "--bundle", bundle];
      // OPA prints its decision log, as all it logs, to standard error.
      const child = spawnServer(command, { dir, stdout: "stdout.log", env: { GOMAXPROCS: "1" } });
      await waitFor(child, "OPA", () => answers(`${url.origin}/health`));
      const log = { path: join(dir, "stderr.log"), marker: '"type":"openpolicyagent.org/decision_logs"' };
      return { process: child, target: target(url, post(url, JSON.stringify({ input })), '"allow":true'), log };
    },
  };
}
