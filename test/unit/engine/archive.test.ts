import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bundleLimits, type Members, packArchive, readArchive, readFolder } from "../../../service/engine/archive.ts";
import { readBundle } from "../../../service/engine/bundle.ts";
import { type Member, members, packBundle } from "../../helpers/bundles.ts";
import { hazardBundle } from "./hazard.ts";

const file = (name: string, content = "x"): Member => ({ name, content });
const names = async (...list: Member[]) => [...(await readArchive(await packBundle(list))).keys()];
const refusal = (message: RegExp) => expect.objectContaining({ code: "bundle_invalid", message: expect.stringMatching(message) });

describe("readArchive", () => {
  it("takes the absolute and the dotted names that OPA and tar write", async () => {
    expect(await names(file("/.manifest"), file("./a/data.json"), file("b.rego"))).toEqual([".manifest", "a/data.json", "b.rego"]);
  });

  it.each(["../x", "/../x", "a/../../x", "a/./b", "a//b", "//x", "a\\b", "__proto__/data.json", "a/__proto__"])(
    "refuses the name `%s`",
    async (name) => {
      await expect(names(file(name))).rejects.toThrow(refusal(/forbidden name/));
    },
  );

  it.each([
    ["twice", ["a", "a"]],
    ["with and without a slash", ["a", "/a"]],
    ["in another case", ["data.json", "DATA.json"]],
    ["composed and decomposed", ["\u00e9", "e\u0301"]],
  ])("refuses a name that is there %s", async (_name, list) => {
    await expect(names(...list.map((name) => file(name)))).rejects.toThrow(refusal(/is there twice/));
  });

  it.each(["symlink", "link", "character-device"] as const)("refuses a %s", async (type) => {
    await expect(names({ name: "x", type })).rejects.toThrow(refusal(/is a .*, not a regular file/));
  });

  it("refuses too many entries, too many bytes and too dense an archive", async () => {
    const limited = async (content: string, limits: object) =>
      readArchive(await packBundle([file("a", content), file("b")]), { ...bundleLimits, ...limits });

    await expect(limited("x", { entriesMax: 1 })).rejects.toThrow(refusal(/more than 1 entries/));
    await expect(limited("x", { packedBytesMax: 10 })).rejects.toThrow(refusal(/larger than 10 bytes/));
    await expect(limited("x".repeat(9000), { unpackedBytesMax: 8192 })).rejects.toThrow(refusal(/to more than 8192 bytes/));
    await expect(limited("x".repeat(5 * 2 ** 20), {})).rejects.toThrow(refusal(/to more than 4194304 bytes/));
  });

  it("refuses an archive that is cut anywhere, or gives it a manifest that is refused", async () => {
    const tar = gunzipSync(await packBundle(members(hazardBundle())));
    for (let length = 0; length < tar.length; length += 997) {
      const load = async () => readBundle(await readArchive(gzipSync(tar.subarray(0, length), { level: 0 })));
      await expect(load(), `cut at ${length}`).rejects.toThrow(expect.objectContaining({ code: "bundle_invalid" }));
    }
  });

  it("never reads a changed byte as another sound bundle without saying so", async () => {
    const packed = await packBundle(members(hazardBundle()));
    const good = readBundle(await readArchive(packed)).digest;
    for (let at = 0; at < packed.length; at += 997) {
      const changed = Buffer.from(packed);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const digest = await readArchive(changed).then(
        (read) => readBundle(read).digest,
        () => "refused",
      );
      expect([good, "refused"]).toContain(digest);
    }
  });
});

describe("readFolder", () => {
  it("reads the same members as the archive of the folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "remit-folder-"));
    mkdirSync(join(folder, "remit"));
    for (const [name, content] of Object.entries(hazardBundle())) writeFileSync(join(folder, name), content);

    const read = await readFolder(folder);

    expect(readBundle(read).digest).toBe(readBundle(await readArchive(await packArchive(read))).digest);
  });

  it.each([
    ["a link to a file", (folder: string) => symlinkSync("/etc/hostname", join(folder, "x"))],
    ["a link to a folder", (folder: string) => symlinkSync("/etc", join(folder, "x"))],
  ])("refuses %s", async (_name, make) => {
    const folder = mkdtempSync(join(tmpdir(), "remit-folder-"));
    make(folder);

    await expect(readFolder(folder)).rejects.toThrow(refusal(/`x` is not a regular file/));
  });

  it("bounds bytes and entries", async () => {
    const folder = mkdtempSync(join(tmpdir(), "remit-folder-"));
    writeFileSync(join(folder, "a"), "xxx");
    writeFileSync(join(folder, "b"), "xxx");

    await expect(readFolder(folder, { ...bundleLimits, unpackedBytesMax: 5 })).rejects.toThrow(refusal(/larger than 5 bytes/));
    await expect(readFolder(folder, { ...bundleLimits, entriesMax: 1 })).rejects.toThrow(refusal(/more than 1 entries/));
  });
});

describe("readBundle", () => {
  const read = (change: object, files: Readonly<Record<string, string>> = {}): Members =>
    new Map(Object.entries({ ...hazardBundle(change), ...files }).map(([name, content]) => [name, Buffer.from(content)]));

  it.each([
    ["overlapping roots", read({ roots: ["remit", "remit/x"] }), /overlapping roots `remit` and `remit\/x`/],
    ["the empty root and another", read({ roots: ["", "remit"] }), /overlapping roots/],
    ["an entrypoint outside of its roots", read({ roots: ["other"] }), /entrypoint `remit\/decision` is outside/],
    ["data beside a deep root", read({ roots: ["remit/decision", "remit/a"] }), /data at `remit\/catalog` is outside/],
    [
      "several modules",
      read({
        wasm: [
          { entrypoint: "remit/a", module: "a" },
          { entrypoint: "remit/b", module: "b" },
        ],
      }),
      /several WebAssembly modules/,
    ],
    ["YAML data", read({}, { "remit/x/data.yaml": "a: 1" }), /write data as JSON/],
    ["data that is a list at the root", read({ roots: [""] }, { "data.json": "[]" }), /must hold an object/],
    ["a misspelt self-test", read({ metadata: { remit: { self_test: [{ name: "x", input: {}, alow: false }] } } }), /`.manifest` is wrong/],
  ])("refuses %s", (_name, bundle, message) => {
    expect(() => readBundle(bundle)).toThrow(refusal(message));
  });

  it("merges data of several folders, and takes a manifest without roots or revision", () => {
    const bundle = read(
      { roots: undefined, revision: undefined },
      { "x/y/data.json": '{"a":1}', "x/data.json": '{"b":[2]}', "z/data.json": "[3]" },
    );

    expect(readBundle(bundle).data).toMatchObject({ x: { y: { a: 1 }, b: [2] }, z: [3] });
    expect(readBundle(bundle).manifest.revision).toBe("");
  });
});
