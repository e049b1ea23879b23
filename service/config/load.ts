import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { RemitError } from "../errors.ts";
import { envNames } from "./env-names.ts";
import { Config } from "./schema.ts";

interface Mistake {
  readonly path: string;
  readonly message: string;
}

/**
 * File and `REMIT_*` variables (they win) to a Config. Throws one RemitError `config_invalid` that lists every mistake with its path.
 * The only reader of the environment.
 */
export function loadConfig(file: string | undefined, env: NodeJS.ProcessEnv = process.env): Config {
  const mistakes: Mistake[] = [];
  const raw = file === undefined ? {} : readYaml(file, mistakes);
  // A file that was not read says nothing, and complaints about what it does not say would mislead.
  if (mistakes.length > 0) throw invalid(mistakes, file);
  applyEnv(raw, env, mistakes);
  const parsed = Config.safeParse(raw);
  if (!parsed.success) mistakes.push(...parsed.error.issues.flatMap(describeIssue));
  if (mistakes.length > 0 || !parsed.success) throw invalid(mistakes, file);
  return parsed.data;
}

function invalid(mistakes: readonly Mistake[], file: string | undefined): RemitError {
  const lines = mistakes.map(({ path, message }) => `  ${path}: ${message}`);
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  return new RemitError("config_invalid", `${count} in the configuration${file === undefined ? "" : ` (${file})`}:\n${lines.join("\n")}`, {
    errors: mistakes,
  });
}

function readYaml(file: string, mistakes: Mistake[]): Record<string, unknown> {
  const text = readText(file, mistakes);
  if (text === undefined) return {};
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: true });
  for (const error of document.errors) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    mistakes.push({
      path: `line ${line}, column ${col}`,
      message: lowerFirst((error.message.split("\n")[0] ?? "not YAML").replace(/ at line \d+, column \d+:$/, "")),
    });
  }
  if (document.errors.length > 0) return {};
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  mistakes.push({ path: "/", message: "the file must hold one mapping of keys" });
  return {};
}

function readText(file: string, mistakes: Mistake[]): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    mistakes.push({ path: file, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    return undefined;
  }
}

/** A variable's value is read as YAML, so `8181`, `true` and `[a, b]` mean what they look like. */
function applyEnv(raw: Record<string, unknown>, env: NodeJS.ProcessEnv, mistakes: Mistake[]): void {
  const known = envNames();
  for (const name of Object.keys(env).filter((key) => key.startsWith("REMIT_"))) {
    const path = known.get(name);
    if (path === undefined) mistakes.push({ path: name, message: "no such variable; see docs/configuration.md for their names" });
    else setEnv(raw, { name, path, text: env[name] ?? "" }, mistakes);
  }
}

function setEnv(
  raw: Record<string, unknown>,
  variable: { name: string; path: readonly string[]; text: string },
  mistakes: Mistake[],
): void {
  const document = parseDocument(variable.text);
  if (document.errors.length > 0) {
    mistakes.push({ path: variable.name, message: "the value is not YAML; quote it" });
    return;
  }
  let target = raw;
  for (const key of variable.path.slice(0, -1)) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined;
    if (typeof next !== "object" || next === null) target[key] = {};
    target = target[key] as Record<string, unknown>;
  }
  target[variable.path.at(-1) ?? ""] = document.toJS();
}

function describeIssue(issue: z.core.$ZodIssue): Mistake[] {
  const base = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [{ path: base || "/", message: lowerFirst(issue.message) }];
  return issue.keys.map((key) => ({ path: base === "" ? key : `${base}.${key}`, message: "no such key; see docs/configuration.md" }));
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
