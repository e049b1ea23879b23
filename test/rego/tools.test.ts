import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FindOptions, toolPath } from "../../scripts/tools/find.ts";
import { type PinnedTool, pinnedTools } from "../../scripts/tools/pinned.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-tools-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const url = pinnedTools.opa.releaseUrl("linux-x64");

describe("toolPath", () => {
  it("uses the pinned version on PATH and passes over others", async () => {
    const old = tool(join(folder, "old", "opa"), "1.4.2");
    const exact = tool(join(folder, "exact", "opa"), "1.22.2");

    const { path, said } = await find({ path: [dirname(old), join(folder, "nowhere"), dirname(exact)].join(delimiter) });

    expect(path).toBe(exact);
    expect(said).toEqual([]);
  });

  it("prefers the cache", async () => {
    const exact = tool(join(folder, "exact", "opa"), "1.22.2");
    const cached = tool(join(folder, "cache", "opa-1.22.2", "opa"), "1.22.2");

    expect((await find({ path: dirname(exact) })).path).toBe(cached);
  });

  it("knows a build by Go, which has no version of its own, by its build information", async () => {
    const built = tool(join(folder, "built", "regal"), "unknown", `\tmod\t${pinnedTools.regal.module}\tv0.42.0\th1:x`);
    const other = tool(join(folder, "other", "regal"), "unknown", `\tmod\t${pinnedTools.regal.module}\tv0.42.1\th1:x`);

    expect((await find({ path: dirname(built) }, "regal")).path).toBe(built);
    expect((await find({ path: dirname(other) }, "regal")).path).toBeUndefined();
  });

  it("downloads the release when its checksum is pinned and right", async () => {
    const release = script("1.22.2");
    const fetched: string[] = [];

    const { path, said } = await find({ tools: pinned(release), fetch: serve(release, fetched) });

    expect(path).toBe(join(folder, "cache", "opa-1.22.2", "opa"));
    expect(readFileSync(path ?? "", "utf8")).toBe(release);
    expect(fetched).toEqual([url]);
    expect(said).toEqual([]);
  });

  it("refuses a release whose checksum is wrong and builds instead", async () => {
    const built: string[] = [];

    const { path, said } = await find({ tools: pinned(script("1.22.2")), fetch: serve("tampered"), build: builder("1.22.2", built) });

    expect(readFileSync(path ?? "", "utf8")).toBe(script("1.22.2"));
    expect(built).toEqual(["1.22.2"]);
    expect(said[0]).toMatch(/has SHA-256 `[0-9a-f]{64}`, not the pinned `[0-9a-f]{64}`$/);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it("never downloads what has no pinned checksum", async () => {
    const fetched: string[] = [];

    const { path, said } = await find({ fetch: serve(script("1.22.2"), fetched), build: builder("1.22.2") });

    expect(path).toBeDefined();
    expect(fetched).toEqual([]);
    expect(said[0]).toBe("github.com/open-policy-agent/opa 1.22.2: no pinned checksum for linux-x64: skipping the download");
  });

  it("does not keep a build of another version", async () => {
    const { path, said } = await find({ build: builder("1.22.3") });

    expect(path).toBeUndefined();
    expect(existsSync(join(folder, "cache", "opa-1.22.2", "opa"))).toBe(false);
    expect(said).toContain("github.com/open-policy-agent/opa 1.22.2: the build is not of that version");
  });

  it("says what to install when there is no way", async () => {
    const { path, said } = await find({
      tools: pinned("x"),
      fetch: () => Promise.reject(new Error("no network")),
      build: () => "go cannot be run",
    });

    expect(path).toBeUndefined();
    expect(said).toEqual([
      `${url}: no network`,
      "github.com/open-policy-agent/opa 1.22.2: building from source, which takes a minute or two",
      "github.com/open-policy-agent/opa 1.22.2: go cannot be run",
      "opa 1.22.2 cannot be had: put that version on PATH, or install Go so that it can be built",
    ]);
  });

  it("fetches once when several ask at the same time", async () => {
    const built: string[] = [];
    const options = { build: builder("1.22.2", built) };

    const found = await Promise.all([find(options), find(options), find(options)]);

    expect(built).toEqual(["1.22.2"]);
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
  });
});

async function find(options: Partial<FindOptions>, name: "opa" | "regal" = "opa") {
  const said: string[] = [];
  const path = await toolPath(name, {
    tools: pinnedTools,
    cacheDir: join(folder, "cache"),
    path: "",
    platform: "linux-x64",
    fetch: () => Promise.reject(new Error("no network")),
    build: () => "no Go here",
    say: (line) => said.push(line),
    ...options,
  });
  return { path, said };
}

function pinned(release: string): FindOptions["tools"] {
  const sum = createHash("sha256").update(release).digest("hex");
  return { ...pinnedTools, opa: { ...pinnedTools.opa, releaseSha256: { "linux-x64": sum } } };
}

function serve(body: string, fetched: string[] = []): FindOptions["fetch"] {
  return async (asked) => {
    fetched.push(asked);
    return new Response(body);
  };
}

function builder(version: string, built: string[] = []): FindOptions["build"] {
  return (pinnedTool: PinnedTool, file: string) => {
    built.push(pinnedTool.version);
    tool(file, version);
    return undefined;
  };
}

function script(version: string, more = ""): string {
  return `#!/bin/sh\necho "Version: ${version}"\nexit 0\n${more}\t\n`;
}

function tool(file: string, version: string, more = ""): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, script(version, more));
  chmodSync(file, 0o755);
  return file;
}
