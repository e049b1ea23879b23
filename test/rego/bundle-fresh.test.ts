import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type BundleDescription, buildBundle } from "../../scripts/bundle/build.ts";
import { packReproducibly, unpack } from "../../scripts/bundle/pack.ts";
import { readSources, sha256, sourcesDigest } from "../../scripts/bundle/sources.ts";
import { toolPath } from "../../scripts/tools/find.ts";

const tarball = readFileSync("bundles/default.tar.gz");
const committed = JSON.parse(readFileSync("bundles/default.json", "utf8")) as BundleDescription;

const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: 1 test rebuilds the bundle and needs OPA");

describe("the committed bundle", () => {
  it("was built from the sources in rego/ (if this fails: make bundle)", () => {
    expect(committed.sources_sha256).toBe(sourcesDigest(readSources()));
    expect(committed.revision).toBe(committed.sources_sha256.slice(0, 16));
  });

  it("is the tarball that its description describes", async () => {
    const members = await unpack(tarball);

    expect(sha256(tarball)).toBe(committed.sha256);
    expect(Object.fromEntries([...members].map(([name, content]) => [name, sha256(content)]))).toEqual(committed.members);
    expect([...members.keys()]).toEqual([".manifest", "data.json", "policy.wasm"]);
  });

  it("carries the data of rego/ as it is there, so that an edited catalog cannot stay behind", async () => {
    const data = JSON.parse((await unpack(tarball)).get("data.json")?.toString("utf8") ?? "null");

    expect(data.remit.catalog).toEqual(JSON.parse(readFileSync("rego/remit/catalog/data.json", "utf8")));
    expect(data.remit.config).toEqual(JSON.parse(readFileSync("rego/remit/config/data.json", "utf8")));
  });

  it.skipIf(opa === undefined)("is what the pinned OPA builds now, byte for byte, twice", async () => {
    const first = await buildBundle(opa ?? "", readSources());
    const second = await buildBundle(opa ?? "", readSources());

    expect(first.tarball.equals(second.tarball)).toBe(true);
    expect(first.description.members).toEqual(committed.members);
    expect(first.description.annotations).toEqual(committed.annotations);
    expect(first.description.opa_version).toBe(committed.opa_version);
    // Another zlib may compress the same members to other bytes.
    if (first.description.zlib === committed.zlib) expect(first.tarball.equals(tarball)).toBe(true);
  });
});

describe("sources", () => {
  it("leave tests and schemas out and take everything else in", () => {
    const names = [...readSources().keys()];

    expect(names).toContain("self-test.json");
    expect(names).toContain("remit/catalog/data.json");
    expect(names).toContain("remit/remit.rego");
    expect(names.filter((name) => name.endsWith("_test.rego") || name.startsWith("schemas/"))).toEqual([]);
    expect(names.every((name) => existsSync(`rego/${name}`))).toBe(true);
  });

  it("have another digest when a name or a byte differs", () => {
    const digest = sourcesDigest(new Map([["a.rego", Buffer.from("x")]]));

    expect(digest).not.toBe(sourcesDigest(new Map([["b.rego", Buffer.from("x")]])));
    expect(digest).not.toBe(sourcesDigest(new Map([["a.rego", Buffer.from("y")]])));
    expect(digest).toBe(sha256(`${sha256("x")}  a.rego\n`));
  });
});

describe("packing", () => {
  it("depends on names and contents only", async () => {
    const forth = await packReproducibly(
      new Map([
        ["a", Buffer.from("1")],
        ["b", Buffer.from("2")],
      ]),
    ); // prettier-ignore
    const back = await packReproducibly(
      new Map([
        ["b", Buffer.from("2")],
        ["a", Buffer.from("1")],
      ]),
    ); // prettier-ignore

    expect(forth.equals(back)).toBe(true);
    expect([...(await unpack(forth))].map(([name, content]) => [name, content.toString()])).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]); // prettier-ignore
    expect(forth.subarray(4, 10)).toEqual(Buffer.from([0, 0, 0, 0, forth[8] ?? 0, 255]));
  });
});
