/** Builds `bundles/default.tar.gz` and `bundles/default.json` from `rego/`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { buildBundle } from "./bundle/build.ts";
import { readSources } from "./bundle/sources.ts";
import { toolPath } from "./tools/find.ts";

const opa = await toolPath("opa");
if (opa === undefined) {
  process.exitCode = 1;
} else {
  const { tarball, description } = await buildBundle(opa, readSources());
  mkdirSync("bundles", { recursive: true });
  writeFileSync("bundles/default.tar.gz", tarball);
  writeFileSync("bundles/default.json", `${JSON.stringify(description, null, 2)}\n`);
  console.log(`bundles/default.tar.gz: revision ${description.revision}, ${tarball.length} bytes, sha256 ${description.sha256}`);
}
