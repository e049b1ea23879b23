import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { cleanUp, startService } from "../../test/helpers/service.ts";
import { packReproducibly, unpack } from "../bundle/pack.ts";
import { httpGateway } from "./gateway.ts";
import { playSuite, type SuiteResult } from "./play.ts";
import type { Suite } from "./traces.ts";

/** The file of a catalog, as it stands in `rego/remit/catalog/data.json`; a file of another form would make every tool unknown. */
const Catalog = z.strictObject({ tools: z.record(z.string(), z.unknown()) });

/** Plays a suite against a service of its own: the default bundle with the suite's catalog, and no memory of anything. */
export async function playAgainstService(suite: Suite, catalog: string, step: () => void): Promise<SuiteResult> {
  const folder = mkdtempSync(join(tmpdir(), "remit-agentdojo-"));
  try {
    const source = join(folder, "bundle.tar.gz");
    writeFileSync(source, await bundleWith(Catalog.parse(JSON.parse(readFileSync(catalog, "utf8")))));
    const service = await startService({ config: { bundle: { source } } });
    try {
      return await playSuite(httpGateway(service.url, suite.suite), suite, step);
    } finally {
      await service.stop();
      cleanUp(service);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The default bundle with another tool catalog: policies and configuration stay as they are shipped. */
async function bundleWith(catalog: unknown): Promise<Buffer> {
  const members = await unpack(readFileSync("bundles/default.tar.gz"));
  const data = JSON.parse(members.get("data.json")?.toString() ?? "") as { remit: Record<string, unknown> };
  data.remit.catalog = catalog;
  return packReproducibly(new Map([...members, ["data.json", Buffer.from(JSON.stringify(data))]]));
}
