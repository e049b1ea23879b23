import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { stringify } from "yaml";
import type { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import { answers, type Contender, freePort, post, spawnServer, target, waitFor } from "./contender.ts";

/** The Cerbos PDP with a policy of the same roles, classes and conditions, told the same facts, and its audit log in a file. */
export function createCerbos(input: PolicyInput): Contender {
  const binary = cerbosBinary();
  const version = spawnSync(binary, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "unknown";
  return {
    name: "Cerbos",
    about: `Cerbos ${version} over HTTP, GOMAXPROCS=1, equivalent policy, decision audit to a file`,
    async start(dir) {
      const config = join(dir, "cerbos.yaml");
      const [http, grpc] = [await freePort(), await freePort()];
      writeFileSync(config, stringify(configuration(dir, http, grpc)));
      const child = spawnServer([binary, "server", "--config", config, "--log-level=error"], {
        dir,
        stdout: "stdout.log",
        env: { GOMAXPROCS: "1", CERBOS_NO_TELEMETRY: "1" },
      });
      const url = new URL(`http://127.0.0.1:${http}/api/check/resources`);
      await waitFor(child, "Cerbos", () => answers(`${url.origin}/_cerbos/health`));
      const expect = `"actions":{"${input.tool.class}":"EFFECT_ALLOW"}`;
      const log = { path: join(dir, "audit.log"), marker: '"log.kind":"decision"' };
      return { process: child, target: target(url, post(url, JSON.stringify(question(input))), expect), log };
    },
  };
}

/** The package `cerbos` only starts the binary of its platform's package; started directly, its CPU time is its own. */
function cerbosBinary(): string {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve("cerbos")).resolve(`@cerbos/cerbos-${process.platform}-${process.arch}`);
}

function configuration(dir: string, http: number, grpc: number): object {
  return {
    server: { httpListenAddr: `127.0.0.1:${http}`, grpcListenAddr: `127.0.0.1:${grpc}` },
    storage: { driver: "disk", disk: { directory: join(import.meta.dirname, "../cerbos"), watchForChanges: false } },
    telemetry: { disabled: true },
    audit: {
      enabled: true,
      accessLogsEnabled: false,
      decisionLogsEnabled: true,
      backend: "file",
      file: { path: join(dir, "audit.log") },
    },
  };
}

/** The same facts in Cerbos's words: the class is the action, who asks is the principal, the rest belongs to the resource. */
function question(input: PolicyInput): object {
  const { call, tool, subject, agent, token, session, provenance, request, context } = input;
  return {
    requestId: request.id,
    principal: { id: subject.id, roles: subject.roles, attr: { subject, agent, token } },
    resources: [
      {
        actions: [tool.class],
        resource: {
          kind: "tool",
          id: `${call.server}/${call.tool}`,
          attr: { call, tool, session, provenance, origin: request.origin, pep: request.pep, context },
        },
      },
    ],
  };
}
