import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, post, spawnServer, target, waitFor } from "./contender.ts";

/** The floor: `node:http` alone, reading the same request and answering the same bytes. */
export function createBare(options: {
  readonly node: string;
  readonly name: string;
  readonly body: string;
  readonly answer: string;
}): Contender {
  const { node, name, body, answer } = options;
  return {
    name,
    about: "`node:http` alone: reads the same request, answers the same bytes, decides nothing",
    async start(dir) {
      writeFileSync(join(dir, "answer.json"), answer);
      const script = join(import.meta.dirname, "bare-server.mjs");
      const child = spawnServer([node, script, join(dir, "answer.json")], { dir, stdout: "url.txt" });
      let url = "";
      await waitFor(child, name, async () => {
        url = readFileSync(join(dir, "url.txt"), "utf8").trim();
        return url !== "";
      });
      const at = new URL("/decide", url);
      return { process: child, target: target(at, post(at, body), '"allow":true'), log: null };
    },
  };
}
