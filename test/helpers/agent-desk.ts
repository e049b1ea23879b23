import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { type CrmServer, startCrm } from "./mcp-server.ts";
import { cleanUp, type RunningService, startService } from "./service.ts";

/** A model that asks for one tool, and keeps what the agent told it of the result. */
interface Model {
  readonly results: readonly string[];
  close(): Promise<void>;
}

/** Where a coding agent works: a home of its own, an MCP server, and Remit that its hooks ask. */
export interface AgentDesk {
  readonly crm: CrmServer;
  readonly service: RunningService;
  readonly home: string;
  readonly apiKey: string;
  /** Runs the agent until it ends; resolves with what it told the model of the result. */
  run(program: string, args: readonly string[], env: Readonly<Record<string, string>>, model: Model): Promise<string>;
  killRemit(): Promise<void>;
  close(): Promise<void>;
}

const runMsMax = 25_000;

export async function startAgentDesk(dialect: string, config: Readonly<Record<string, unknown>>): Promise<AgentDesk> {
  const crm = await startCrm();
  const apiKey = generateApiKey("laptop");
  const pep = { id: "laptop", asserts_subject: true, dialects: [dialect], api_keys_sha256: [hashApiKey(apiKey)] };
  const service = await startService({ config: { auth: { mode: "required", peps: [pep] }, ...config } });
  const home = mkdtempSync(join(tmpdir(), `remit-${dialect}-`));
  const work = join(home, "work");
  mkdirSync(work);
  return {
    ...{ crm, service, home, apiKey },
    async run(program, args, env, model) {
      const child = spawn(program, args, { cwd: work, env: { PATH: process.env.PATH ?? "", HOME: home, ...env }, stdio: "ignore" });
      const timer = setTimeout(() => child.kill("SIGKILL"), runMsMax);
      await new Promise((done) => child.once("close", done));
      clearTimeout(timer);
      await model.close();
      return model.results.join("\n");
    },
    async killRemit() {
      const ended = new Promise((done) => service.process.once("exit", done));
      service.kill("SIGKILL");
      await ended;
    },
    async close() {
      service.kill("SIGKILL");
      cleanUp(service);
      await crm.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A file of commands in `examples/`, with the script where it is here, Remit where it runs, and emma of role support behind it. */
export function localCommands(shipped: string, scripts: string, service: RunningService): string {
  return shipped
    .replaceAll("node /opt/remit/", `${process.execPath} ${scripts}/`)
    .replaceAll("http://127.0.0.1:8181", service.url)
    .replaceAll('$USER\\"', 'emma\\" --header \\"x-remit-roles: support\\"');
}
