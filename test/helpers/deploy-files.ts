import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";

const root = new URL("../../", import.meta.url);

/** One rule of `deploy/prometheus/rules`. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[] };
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string; readonly datasource: { readonly uid: string } }[];
  };
}

/** A query and where it stands. */
export interface Query {
  readonly where: string;
  readonly expr: string;
}

export function readText(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

export function filesIn(path: string): string[] {
  return readdirSync(new URL(path, root)).sort();
}

/** All rules of all files, as Prometheus loads them. */
export function readRules(): Rule[] {
  return filesIn("deploy/prometheus/rules/").flatMap((name) => {
    const file = parse(readText(`deploy/prometheus/rules/${name}`)) as { groups: { rules: Rule[] }[] };
    return file.groups.flatMap((group) => group.rules);
  });
}

export function readDashboards(): Dashboard[] {
  return filesIn("deploy/grafana/").map((name) => JSON.parse(readText(`deploy/grafana/${name}`)) as Dashboard);
}

/** Every query of every dashboard, its variables filled in as Grafana does for "all" jobs and instances. */
export function dashboardQueries(): Query[] {
  return readDashboards().flatMap((dashboard) => [
    ...dashboard.panels.flatMap((panel) =>
      (panel.targets ?? []).map((target) => ({ where: `${dashboard.uid}: ${panel.title} ${target.refId}`, expr: fill(target.expr) })),
    ),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `${dashboard.uid}: annotation ${name}`, expr: fill(expr) })),
  ]);
}

function fill(expr: string): string {
  const filled = expr.replaceAll("$__rate_interval", "10s").replaceAll(/\$(?:job|instance)\b/g, ".+");
  if (filled.includes("$")) throw new Error(`no value for the variable in \`${filled}\``);
  return filled;
}

const words = /^(?:and|or|unless|by|on|without|ignoring|group_left|group_right|bool|offset|inf|nan)$/i;

/** The series selectors of a PromQL expression (`name{matchers}`), without ranges; labels of clauses and functions are left out. */
export function selectorsOf(expr: string): string[] {
  const bare = expr
    .replace(/\[[^\]]*\]|\boffset\s+\w+/g, "")
    .replace(/\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, "")
    .replace(/#.*$/gm, "");
  const found = bare.matchAll(/([a-zA-Z_:][\w:]*)(\s*\{(?:[^}"]|"(?:[^"\\]|\\.)*")*\})?(\s*\()?|"(?:[^"\\]|\\.)*"/g);
  return [...found].flatMap(([, name, matchers, call]) =>
    name === undefined || call !== undefined || words.test(name) ? [] : [`${name}${matchers?.trim() ?? ""}`],
  );
}
