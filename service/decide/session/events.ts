import type { SessionEvent, SessionEventName } from "../decision-record.ts";
import type { JsonObject } from "../json.ts";
import type { Clock, PolicyEngine, PolicySnapshot } from "../ports.ts";
import type { Pep } from "../tool-call.ts";

/** Takes events beside the decisions. */
export interface EventLog {
  /** Throws RemitError `record_failed` when no further record can be kept: asked before anything is changed. */
  checkRoom(): void;
  /** Never throws: what has been done is recorded, at worst above the limit of the queue by the requests in flight. */
  writeEvent(event: SessionEvent, policy: PolicySnapshot | null): void;
}

/** What recording needs from outside. */
export interface EventPorts {
  readonly log: EventLog;
  readonly engine: PolicyEngine;
  readonly clock: Clock;
  readonly newId: (nowMs: number) => string;
  /** `labels` of every record. */
  readonly labels: Readonly<Record<string, string>>;
  /** Counts; `status` of an outcome or an access request, else null. */
  readonly counted: (event: SessionEventName, status: string | null) => void;
}

/** Who caused an event. */
export interface EventCause {
  readonly pep: Pep;
  readonly requestId: string;
  readonly requestedBy: string | null;
  readonly traceId: string | null;
  readonly spanId: string | null;
}

/** What happened. `facts` hold no result, no argument, no task text and no token. */
export interface EventFacts {
  readonly event: SessionEventName;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly session: string | null;
  readonly facts: JsonObject;
  readonly status: string | null;
}

/** Records what happens to sessions. */
export interface EventRecorder {
  /** Throws RemitError `record_failed`; call it before the change, so that nothing is done that could not be recorded. */
  check(): void;
  /** Records and counts what was done; returns the id of the event. */
  record(cause: EventCause, what: EventFacts): string;
}

export function createEventRecorder(ports: EventPorts): EventRecorder {
  return {
    check: () => ports.log.checkRoom(),
    record(cause, what) {
      const event = toEvent(ports, cause, what);
      ports.log.writeEvent(event, ports.engine.current() ?? null);
      ports.counted(what.event, what.status);
      return event.event_id;
    },
  };
}

function toEvent({ clock, newId, labels }: EventPorts, cause: EventCause, what: EventFacts): SessionEvent {
  const nowMs = clock.nowMs();
  return {
    type: "remit/session_event",
    labels,
    event_id: newId(nowMs),
    event: what.event,
    ...(cause.traceId === null ? {} : { trace_id: cause.traceId }),
    ...(cause.spanId === null ? {} : { span_id: cause.spanId }),
    input: { subject: { id: what.subject }, agent: { id: what.agent }, session: { id: what.session } },
    result: what.facts,
    ...(cause.requestedBy === null ? {} : { requested_by: cause.requestedBy }),
    timestamp: new Date(nowMs).toISOString(),
    req_id: cause.requestId,
    pep: { id: cause.pep.id, tenant: cause.pep.tenant },
  };
}
