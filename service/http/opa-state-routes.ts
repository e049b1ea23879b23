import type { IncomingMessage } from "node:http";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import type { WireReply } from "../dialects/dialect.ts";
import { refusal } from "../dialects/opa/render.ts";
import { type BundleState, configReply, healthReply, type OpaInfo, statusReply } from "../dialects/opa/state.ts";
import type { Route } from "./route.ts";
import { sendReply } from "./send-reply.ts";
import { headOf } from "./wire-request.ts";

export interface OpaStateDeps {
  readonly authenticate: (request: IncomingMessage, needs: PepNeeds) => Pep | Promise<Pep>;
  readonly bundleState: () => BundleState;
  readonly opaInfo: OpaInfo;
}

/** OPA's paths for its operators: `/health` for anybody, as the other probes; `/v1/status` and `/v1/config` for enforcement points. */
export function opaStateRoutes(deps: OpaStateDeps): readonly Route[] {
  const { bundleState, opaInfo } = deps;
  const shown = (path: string, render: (query: string) => WireReply, isPublic = false): Route => ({
    method: "get",
    path,
    sheddable: false,
    async handle(request, response, info) {
      if (!isPublic) await deps.authenticate(request, { dialect: "opa", anyOf: ["decide", "operate"] });
      sendReply(response, render(headOf(request, info.id).query), info.id);
    },
    refuse: (error, _request, response, info) => sendReply(response, refusal(error), info.id),
  });
  return [
    shown("/health", (query) => healthReply(query, bundleState(), opaInfo), true),
    shown("/v1/status", (query) => statusReply(query, bundleState(), opaInfo)),
    shown("/v1/config", (query) => configReply(query, opaInfo)),
  ];
}
