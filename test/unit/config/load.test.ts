import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../service/config/load.ts";
import type { RemitError } from "../../../service/errors.ts";

const folder = (kind: string) => new URL(`../../config/${kind}/`, import.meta.url).pathname;
const files = (kind: string) => readdirSync(folder(kind)).map((file) => [file, folder(kind) + file] as const);

function mistakes(file: string | undefined, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    loadConfig(file, env);
  } catch (error) {
    return (error as RemitError).errors.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("loadConfig", () => {
  it.each(files("good"))("accepts %s", (_name, file) => {
    expect(mistakes(file)).toEqual([]);
  });

  it.each(files("bad"))("refuses %s with its message", (_name, file) => {
    const expected = /^# expect: (.*)$/m.exec(readFileSync(file, "utf8"))?.[1];

    expect(mistakes(file)).toContain(expected);
  });

  it("reports all mistakes at once", () => {
    const env = { REMIT_LISTEN_PORT: "-1", REMIT_LOG_LEVEL: "loud", REMIT_NO_SUCH: "1", REMIT_AUTH_MODE: "none" };

    expect(mistakes(undefined, env).map((line) => line.split(":")[0])).toEqual(["REMIT_NO_SUCH", "listen.port", "log.level"]);
  });

  it("lets a variable win over the file", () => {
    const config = loadConfig(`${folder("good")}full.yaml`, {
      REMIT_LISTEN_PORT: "9000",
      REMIT_DECISION_LOG_STDOUT: "false",
      REMIT_TOKENS_ISSUERS: "[]",
    });

    expect(config.listen).toEqual({ host: "0.0.0.0", port: 9000 });
    expect(config.decision_log).toMatchObject({ stdout: false, labels: { region: "eu" } });
    expect(config.tokens.issuers).toEqual([]);
  });

  it("says that a file cannot be read", () => {
    expect(mistakes("/no/such.yaml")[0]).toContain("/no/such.yaml: cannot be read: ENOENT");
  });

  it("requires authentication unless told otherwise", () => {
    expect(mistakes(undefined)[0]).toContain("auth.peps");
  });
});
