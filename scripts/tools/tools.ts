/** Prints the path of a pinned tool, fetching it when it is not there: `npx tsx scripts/tools/tools.ts opa|regal`. */
import { toolPath } from "./find.ts";
import { pinnedTools, type ToolName } from "./pinned.ts";

const name = process.argv[2] ?? "";
if (Object.hasOwn(pinnedTools, name)) {
  const path = await toolPath(name as ToolName);
  if (path === undefined) process.exitCode = 1;
  else console.log(path);
} else {
  console.error(`usage: npx tsx scripts/tools/tools.ts ${Object.keys(pinnedTools).join("|")}`);
  process.exitCode = 2;
}
