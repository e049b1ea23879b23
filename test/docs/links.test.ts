import { existsSync, statSync } from "node:fs";
import { dirname, normalize } from "node:path";
import { expect, test } from "vitest";
import { markdownFiles, page, prose } from "./pages.ts";

/** Targets of inline links, images and reference definitions. */
function targets(text: string): string[] {
  const visible = prose(text).replaceAll(/`[^`\n]*`/g, "code");
  const inline = [...visible.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...visible.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  return [...inline, ...definitions].map((match) => match[1] ?? "");
}

/** Anchors as GitHub makes them from headings, and those written as HTML. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const counts = new Map<string, number>();
  for (const match of prose(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = slugOf(match[1] ?? "");
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  for (const match of text.matchAll(/<[a-z]+\s[^>]*\b(?:id|name)="([^"]+)"/g)) found.add(match[1] ?? "");
  return found;
}

function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
}

/** What is wrong with one link of one page, if anything. */
function problemOf(path: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [file = "", anchor] = target.split("#", 2);
  if (file.startsWith("/")) return `${path}: \`${target}\` is absolute`;
  const to = file === "" ? path : normalize(`${dirname(path)}/${decodeURIComponent(file)}`);
  if (to.startsWith("..") || !existsSync(to)) return `${path}: \`${target}\` is not there`;
  if (anchor === undefined) return undefined;
  if (!to.endsWith(".md") || statSync(to).isDirectory()) return `${path}: \`${target}\` has an anchor into what is no page`;
  return anchors(page(to)).has(anchor) ? undefined : `${path}: \`${target}\` has no such anchor`;
}

test("finds links and anchors of every form", () => {
  expect(targets('[a](b.md#c) ![d](e.png "t") `[f](g.md)`\n\n[h]: i.md\n\n```md\n[j](k.md)\n```\n')).toEqual(["b.md#c", "e.png", "i.md"]);
  expect([...anchors('# A `b`, c\n## Twice\n## Twice\n<a id="x_y"></a>\n```sh\n# no\n```\n')]).toEqual([
    "a-b-c",
    "twice",
    "twice-1",
    "x_y",
  ]);
  expect(problemOf("README.md", "nowhere.md")).toBeDefined();
  expect(problemOf("README.md", "#nowhere")).toBeDefined();
});

test.each(markdownFiles())("every relative link and anchor of %s resolves", (path) => {
  expect(targets(page(path)).flatMap((target) => problemOf(path, target) ?? [])).toEqual([]);
});
