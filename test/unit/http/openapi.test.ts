import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { accessRequestRoutes } from "../../../service/http/access-request-routes.ts";
import { createOpenApi } from "../../../service/http/openapi.ts";
import { sessionRoutes } from "../../../service/http/session-routes.ts";
import { terminationRoutes } from "../../../service/http/termination-routes.ts";

const document = JSON.parse(JSON.stringify(createOpenApi("1.2.3"))) as { paths: Record<string, Record<string, { responses: object }>> };
const routes = [sessionRoutes, terminationRoutes, accessRequestRoutes].flatMap((make) => [...make({} as never)]);

describe("the OpenAPI document", () => {
  it("is valid", async () => {
    expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true });
  });

  it("has every method of every path of sessions, and no other", () => {
    const described = Object.entries(document.paths)
      .filter(([path]) => /^\/(?:outcomes|sessions|terminations|access-requests)/.test(path))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));

    expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
  });

  it.each(routes.map(({ method, path }) => [method, path] as const))("says how %s %s can fail", (method, path) => {
    expect(Object.keys(document.paths[path]?.[method]?.responses ?? {})).toEqual(
      expect.arrayContaining(["400", "401", "403", "500", "503"]),
    );
  });
});
