import { parseArgs } from "node:util";
import { examples } from "./cli/examples.ts";
import { hashKeyCommand, newKeyCommand } from "./cli/keys.ts";
import { compose, type Service } from "./compose.ts";
import { loadConfig } from "./config/load.ts";
import { describe } from "./errors.ts";
import { reload, start, stop } from "./lifecycle.ts";
import { version } from "./version.ts";

const help = `remit ${version} - policy decision point for AI agents

usage: remit [--config FILE] [--examples]      start the service
       remit check-config [--config FILE]      say what is wrong with a configuration, and exit
       remit new-key PEP                       make an API key for an enforcement point
       remit hash-key < FILE                   hash of the API key on standard input

  --config FILE   YAML file; docs/configuration.md describes every key. REMIT_* variables win over it
  --examples      print two curl lines when ready: an allow and a deny
  --version       print the version
  --help          print this

signals: SIGHUP loads bundle, keys and files anew; SIGTERM and SIGINT finish what is in flight and stop
`;

/** Runs one command; resolves with the exit status, or undefined while the service runs. */
async function main(args: readonly string[]): Promise<number | undefined> {
  const options = {
    config: { type: "string" },
    examples: { type: "boolean" },
    help: { type: "boolean" },
    version: { type: "boolean" },
  } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help) return print(help);
  if (values.version) return print(`${version}\n`);
  const [command, ...rest] = positionals;
  if (command === "new-key") return print(newKeyCommand(rest));
  if (command === "hash-key") return print(await hashKeyCommand());
  const config = loadConfig(values.config);
  if (command === "check-config") return print("the configuration is valid\n");
  if (command !== undefined) throw new Error(`no command \`${command}\`; see --help`);
  await run(compose(config), values.examples ?? false);
  return undefined;
}

async function run(service: Service, showExamples: boolean): Promise<void> {
  // However many signals come, the service ends once, and only after its records are written.
  let ending: Promise<void> | undefined;
  const end = (status: number): void => {
    if (ending !== undefined) return;
    ending = stop(service).then(
      (cut) => process.exit(cut > 0 ? 1 : status),
      (error: unknown) => {
        process.stderr.write(`remit: ${describe(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => end(0)).on("SIGINT", () => end(0));
  process.on("SIGHUP", () => void reload(service));
  // A fault nobody caught leaves the process in an unknown state: finish what is in flight and let the supervisor start a new one.
  process.on("uncaughtException", (error) => {
    service.logger.error("uncaught fault", { error });
    end(1);
  });
  const url = await start(service);
  if (showExamples) process.stdout.write(examples(url));
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

main(process.argv.slice(2)).then(
  (status) => {
    if (status !== undefined) process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`remit: ${describe(error)}\n`);
    process.exit(2);
  },
);
