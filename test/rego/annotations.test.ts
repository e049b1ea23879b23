import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BundleDescription } from "../../scripts/bundle/build.ts";
import { policiesPage } from "../../scripts/pages/policies.ts";
import { lookUpTool } from "../../service/decide/catalog.ts";
import type { JsonObject } from "../../service/decide/json.ts";
import { tokenReasons } from "../../service/identity/token-reasons.ts";

interface Reason {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly controls: readonly string[];
  readonly variants?: Readonly<Record<string, { readonly message: string; readonly remedy: string }>>;
}

const { annotations } = JSON.parse(readFileSync("bundles/default.json", "utf8")) as BundleDescription;
const reasons = annotations.flatMap(({ path, custom }) => (custom === undefined ? [] : [{ path, reason: custom as unknown as Reason }]));
const codes = reasons.flatMap(({ reason }) => [reason.code, ...Object.keys(reason.variants ?? {})]);
const policies = readdirSync("rego/remit/policies");
const modules = readdirSync("rego", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rego"));

describe("METADATA", () => {
  it("describes every package and every public rule", () => {
    const described = new Set(annotations.filter(({ title, description }) => title !== "" && description !== "").map(({ path }) => path));
    const missing = modules
      .filter((name) => !name.endsWith("_test.rego"))
      .flatMap((name) => publicPaths(readFileSync(`rego/${name}`, "utf8")));

    expect(missing.length).toBeGreaterThan(30);
    expect(missing.filter((path) => !described.has(path))).toEqual([]);
  });

  it.each(reasons.map(({ path, reason }) => [path, reason] as const))("%s is a reason", (path, reason) => {
    expect(path.split(".").slice(-2)).toEqual(["reason", reason.code]);
    expect(reason.code).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
    expect(reason.message).toMatch(/^(?=[a-z`]).*[^.]$/);
    expect(reason.remedy).toMatch(["role_permits", "approved"].includes(reason.code) ? /^$/ : /^(?=[a-z`]).*[^.]$/);
    expect(reason.controls.length).toBeGreaterThan(0);
    for (const control of reason.controls) expect(control).toMatch(/^(OWASP-ASI(0[1-9]|10)|OWASP-NHI-(0[1-9]|10)|NIST-800-207)$/);
  });

  it("gives each code once", () => {
    expect(codes.length).toBeGreaterThan(25);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  });

  it("has a reason for each way in which a token is rejected", () => {
    const variants = reasons.find(({ reason }) => reason.code === "token_rejected")?.reason.variants ?? {};

    expect(Object.keys(variants).sort()).toEqual(Object.keys(tokenReasons).sort());
  });

  it("puts every code into the reference", () => {
    const page = policiesPage();

    for (const code of codes) expect(page).toContain(`| \`${code}\` |`);
    for (const policy of policies) expect(page).toContain(`\`data.remit.policies.${policy}\``);
    expect(readFileSync("docs/policies.md", "utf8")).toBe(page);
  });
});

describe("modules", () => {
  it.each(policies)("policy %s has a test beside it", (policy) => {
    expect(modules).toContain(`remit/policies/${policy}/${policy}.rego`);
    expect(modules).toContain(`remit/policies/${policy}/${policy}_test.rego`);
  });

  // `not is_string(input.x)` is undefined when `input.x` is missing, so a deny rule with it is silent: negate a rule instead.
  it.each(modules.filter((name) => !name.endsWith("_test.rego")))("%s negates no call on the input", (name) => {
    const code = readFileSync(`rego/${name}`, "utf8").replace(/^\s*#.*$/gm, "");

    expect(code.match(/\bnot\s+[\w.]+\([^)]*\binput\b[^)]*\)/g)).toBeNull();
  });
});

describe("the catalog", () => {
  const { tools } = JSON.parse(readFileSync("rego/remit/catalog/data.json", "utf8")) as {
    readonly tools: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };

  it.each(Object.entries(tools))("entry %s has known members and JSON pointers, and is one that the service reads", (name, entry) => {
    expect(Object.keys(entry).filter((member) => !members.has(member))).toEqual([]);
    for (const pointer of pointersOf(entry)) expect(pointer).toMatch(/^\//);
    for (const { tool } of (entry.requires ?? []) as readonly { readonly tool: string }[]) expect(tools).toHaveProperty([tool]);
    const [server, tool] = name.split("/", 2);
    const data = { remit: { catalog: { tools } } } as unknown as JsonObject;
    expect(lookUpTool(data, { server: server ?? null, tool: tool ?? "", annotations: {} }, false)).toMatchObject({ known: true });
  });

  it.each([
    ["filesystem", "node_modules/@modelcontextprotocol/server-filesystem/dist", /registerTool\("([^"]+)"/g],
    ["everything", "node_modules/@modelcontextprotocol/server-everything/dist/tools", /^const name = "([^"]+)"/gm],
  ])("describes every tool of the MCP server %s", (server, folder, declaration) => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
    const code = files.map((name) => readFileSync(`${folder}/${name}`, "utf8")).join("\n");
    const names = [...code.matchAll(declaration)].map(([, name]) => `${server}/${name}`);

    expect(names.length).toBeGreaterThan(12);
    expect(names.filter((name) => tools[name] === undefined)).toEqual([]);
  });
});

const pointers = ["destinations", "amounts", "queries", "page_sizes"];
const members = new Set([...pointers, "class", "returns", "external", "words", "fields", "limits", "requires"]);

function pointersOf(entry: Readonly<Record<string, unknown>>): readonly string[] {
  const lists = pointers.flatMap((name) => (entry[name] ?? []) as readonly string[]);
  return [...lists, ...Object.keys(entry.fields ?? {}), ...Object.keys(entry.limits ?? {})];
}

function publicPaths(code: string): readonly string[] {
  const name = /^package (\S+)$/m.exec(code)?.[1] ?? "";
  // `opa fmt` writes the rule `reason.x` as `reason["x"]`.
  const heads = code.matchAll(/^(?!package |import |default )([a-z]\w*)(?:\["(\w+)"\])?(?= (?:contains|:=|if)|\()/gm);
  const rules = [...heads].map(([, rule, key]) => (key === undefined ? rule : `${rule}.${key}`));
  return [name, ...new Set(rules.map((rule) => `${name}.${rule}`))];
}
