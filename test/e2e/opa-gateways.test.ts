import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cleanUp, post, type RunningService, startService } from "../helpers/service.ts";

/** Bodies as the documentation and the source of each gateway have them, against the example's configuration; the gateways themselves are not run. */
describe.each([
  { kind: "kong", path: "gateways/kong", yes: { allow: true }, no: { allow: false, status: 403 } },
  { kind: "apisix", path: "gateways/apisix", yes: { allow: true }, no: { allow: false, status_code: 403 } },
  { kind: "higress", path: "gateways/higress-crm/allow", yes: true, no: false },
])("the example of $kind", ({ kind, path, yes, no }) => {
  let service: RunningService;
  const file = (name: string) => readFileSync(`examples/${kind}/${name}`, "utf8");

  beforeAll(async () => {
    const { auth, dialects } = parse(file("remit.yaml")) as Record<string, unknown>;
    service = await startService({ config: { auth, dialects } });
  });
  afterAll(() => {
    service.kill("SIGKILL");
    cleanUp(service);
  });

  it.each([
    ["allowed.json", yes],
    ["denied.json", no],
  ])("answers %s in the gateway's form", async (name, expected) => {
    const { status, body } = await post(`${service.url}/v1/data/${path}`, file(name));
    expect(status).toBe(200);
    if (typeof expected === "boolean") expect(body.result).toBe(expected);
    else expect(body.result).toMatchObject(expected);
  });
});
