import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configKeys, envNames, type JsonSchema } from "../../service/config/env-names.ts";
import { errorKinds } from "../../service/errors.ts";
import { metricTable } from "../../service/telemetry/metric-table.ts";
import { codeSpans, guides, page } from "./pages.ts";

const commandLine = /(?:^|\n)\s*\$?\s*make ([a-z][a-z-]*)/g;

/** Targets of `make X`, in code spans and at the start of lines of fenced code. */
function makeTargets(text: string): string[] {
  const spans = codeSpans(text).join("\n");
  const fences = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? "").join("\n");
  return [...`${spans}\n${fences}`.matchAll(commandLine)].map((match) => match[1] ?? "");
}

/** The first cell of each row of the page's tables, when it is one code span, with an optional anchor before it. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| *(?:<a id="[^"]*"><\/a>)?`([^`]+)` *\|/gm)].map((match) => match[1] ?? "");
}

/** Keys that a page may name: leaves, the objects around them, and members of the items of lists. */
function namedKeys(): Set<string> {
  const names = new Set<string>();
  for (const { path, schema } of configKeys()) {
    for (let length = 1; length <= path.length; length++) names.add(path.slice(0, length).join("."));
    addMembers(names, path.join("."), schema);
  }
  return names;
}

function addMembers(names: Set<string>, base: string, schema: JsonSchema): void {
  for (const branch of [schema, schema.items, ...(schema.anyOf ?? []), ...(schema.items?.anyOf ?? [])]) {
    for (const [key, child] of Object.entries(branch?.properties ?? {})) {
      names.add(`${base}.${key}`);
      addMembers(names, `${base}.${key}`, child);
    }
  }
}

const fileName = /\.(?:json|jsonl|yaml|yml|md|ts|rego|gz)$/;

test("every make target that a page names is in the Makefile", () => {
  const known = new Set([...readFileSync("Makefile", "utf8").matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1] ?? ""));
  const named = guides().flatMap((path) => makeTargets(page(path)).map((target) => ({ path, target })));
  expect(named.map(({ target }) => target)).toContain("run");
  expect(named.filter(({ target }) => !known.has(target))).toEqual([]);
});

test("every REMIT_ variable that a page names exists", () => {
  const known = envNames();
  const named = guides().flatMap((path) => [...page(path).matchAll(/\bREMIT_[A-Z0-9_]*[A-Z0-9]\b/g)].map(([name]) => ({ path, name })));
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ name }) => !known.has(name))).toEqual([]);
});

test("every configuration key that a page names exists", () => {
  const known = namedKeys();
  const sections = new Set(configKeys().map(({ path }) => path[0]));
  const isKey = (span: string) => /^[a-z_]+(?:\.[a-z0-9_]+)+$/.test(span) && !fileName.test(span) && sections.has(span.split(".")[0]);
  const named = guides().flatMap((path) =>
    codeSpans(page(path))
      .filter(isKey)
      .map((key) => ({ path, key })),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ key }) => !known.has(key))).toEqual([]);
});

test("docs/configuration.md has a row for every key", () => {
  const rows = new Set(firstCells(page("docs/configuration.md")));
  expect(
    configKeys()
      .map(({ path }) => path.join("."))
      .filter((key) => !rows.has(key)),
  ).toEqual([]);
});

test("docs/errors.md has the codes of the table, no more and no fewer", () => {
  expect(firstCells(page("docs/errors.md")).sort()).toEqual(Object.keys(errorKinds).sort());
});

test.skipIf(!existsSync("docs/metrics.md"))("docs/metrics.md has the metrics of the table, no more and no fewer", () => {
  const text = page("docs/metrics.md");
  const table = text.slice(text.indexOf("| name |")).split("\n\n", 1)[0] ?? "";
  expect(firstCells(table).sort()).toEqual(Object.keys(metricTable).sort());
});

test("every metric that a page names exists", () => {
  const bare = (name: string) => name.replace(/_(?:bucket|sum|count)$/, "");
  const named = guides().flatMap((path) =>
    codeSpans(page(path)).flatMap((span) =>
      [...span.matchAll(/(?<![\w:./-])remit_[a-z_]*[a-z]\b(?![:*])/g)].map(([name]) => ({ path, name })),
    ),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ name }) => !Object.hasOwn(metricTable, name) && !Object.hasOwn(metricTable, bare(name)))).toEqual([]);
});

test("CONTRIBUTING.md says of every dependency why it is there, and of no other", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string>>;
  const text = page("CONTRIBUTING.md");
  const section = text.slice(text.indexOf("## Dependencies"), text.indexOf("## Recipes"));
  const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap((match) => codeSpans(match[1] ?? ""));
  expect(cells.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
});
