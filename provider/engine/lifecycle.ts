import type { dynamic } from "@pulumi/pulumi";
import type { z } from "zod";
import { hostName } from "../host/connection.ts";
import { HostError } from "../host/errors.ts";
import { type Session, sessionOf } from "../host/session.ts";
import { check, equalAsJson, isUnknown, toPulumiProperties } from "./check.ts";
import { converge, removeResource } from "./converge.ts";
import { Incomplete, nameOf } from "./failure.ts";
import { foresee } from "./foresee.ts";
import type { AnyKind, CommonInputs, Kind } from "./kind.ts";
import { observed, readsOf } from "./observe.ts";
import { readsOfAll, removeOrphans } from "./remove-orphans.ts";

/** The version of what outputs hold. A later release reads older ones. */
export const SCHEMA_VERSION = 1;

type Properties = Record<string, unknown>;

/** Pulumi's six calls over a kind. `kinds` are all of them: a refresh looks at a host once for all. */
export function lifecycle<I extends CommonInputs, O extends object, P extends object>(
  kind: Kind<I, O, P>,
  kinds: readonly AnyKind[],
): dynamic.ResourceProvider {
  /** `olds` are the outputs that the state has; undefined when it is created. */
  const generated = (olds?: Properties): Properties =>
    Object.fromEntries(
      Object.entries(kind.generatedOutputs ?? {}).map(([key, generate]) => [key, olds ? olds[key] : generate()]),
    );
  const toOutputs = (session: Session, inputs: I, o: O, olds?: Properties): Properties => {
    const isSecret = (key: string) => kind.secretObservation?.includes(key);
    const kept = Object.entries(o).filter(([key]) => key !== "host");
    return toPulumiProperties({
      ...(inputs as Properties),
      ...kind.outputs(o, inputs),
      ...generated(olds),
      observed: Object.fromEntries(kept.filter(([key]) => !isSecret(key))),
      secretObservation: kind.secretObservation && Object.fromEntries(kept.filter(([key]) => isSecret(key))),
      machine: session.machine,
      schemaVersion: SCHEMA_VERSION,
    });
  };

  /** Records what exists when an operation stopped half-way, so that the next one continues and destroy removes. */
  const withPartialState = async (
    session: Session,
    inputs: I,
    id: string | undefined,
    work: () => Promise<O>,
    olds?: I & Properties,
  ): Promise<O> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      const o: O | undefined = error.observed;
      if (o && !kind.exists(o, inputs)) throw error;
      // With nothing observed, the inputs are enough to look again; as long as it may have the former name, that one counts.
      const { owner } = olds ?? inputs;
      const properties = o
        ? toOutputs(session, inputs, o, olds)
        : toPulumiProperties({
            ...(inputs as Properties),
            ...generated(olds),
            owner,
            machine: session.machine,
            schemaVersion: SCHEMA_VERSION,
          });
      properties.__provider = (inputs as Properties).__provider;
      const recorded = { id: id ?? kind.id(inputs, o), properties, reasons: [error.message] };
      throw Object.assign(new Incomplete(error.problem, o), recorded);
    }
  };

  /** A changed connection is another way to the same host. It is another host if it has another machine-id, or nothing of the resource. */
  const requireSameHost = async (session: Session, olds: I & Properties, news: I): Promise<void> => {
    const results = await session.snapshot(readsOfAll(kinds));
    const isThere = [olds, news].some((inputs) => kind.exists(observed(kind, session, results, inputs), inputs));
    if (olds.machine === undefined || session.machine === undefined ? isThere : olds.machine === session.machine)
      return;
    const ofContainer = (kind.replaces as readonly string[]).includes("name");
    throw new HostError({
      code: "other-machine",
      what: `${nameOf(kind, news)} is not on ${session.host}: the new connection leads to another host`,
      why: `it was made on ${hostName(olds.connection)}, machine ${olds.machine ?? "unknown"}; ${session.host} is ${session.machine ?? "unknown"}`,
      remedy: ofContainer
        ? "to move it, with what it holds lost: `pulumi up --replace URN`, which removes it there first; to have another one, " +
          "declare it under another name; if it is the same host, correct the connection"
        : "declare the other machine as a host of another name; if it is the same one, correct the connection",
    });
  };

  return {
    async check(olds, news) {
      const { inputs, failures } = await check(kind, news, olds);
      const hasState = Object.keys(olds ?? {}).length > 0;
      return { inputs, failures: hasState || failures.length > 0 ? failures : await foresee(kind, kinds, inputs as I) };
    },

    async diff(_id, olds, news) {
      const before = inputsOf(kind, olds);
      const replaces = kind.replaces.filter((key) => isUnknown(news[key]) || !equalAsJson(news[key], before[key]));
      const uncounted: readonly string[] = ["machineId", ...(kind.createOnly ?? [])];
      const counted = (Object.keys(kind.schema.shape) as (keyof I)[]).filter(
        (key) => !uncounted.includes(key as string),
      );
      const edited = counted.some((key) => isUnknown(news[key]) || !equalAsJson(news[key], before[key]));
      const changes =
        edited ||
        olds.observed === undefined ||
        kind.plan({ ...olds.observed, ...olds.secretObservation }, news, before).length > 0;
      return { changes, replaces, deleteBeforeReplace: true };
    },

    async create(inputs) {
      const session = sessionOf(inputs.connection);
      session.expect(inputs.machineId);
      const o = await withPartialState(session, inputs, undefined, () => converge(kind, session, inputs));
      return { id: kind.id(inputs, o), outs: toOutputs(session, inputs, o) };
    },

    async update(id, olds, news) {
      requireKnownVersion(olds);
      const session = sessionOf(news.connection);
      const isMoved = olds.observed && !equalAsJson(olds.connection, news.connection);
      if (isMoved) await requireSameHost(session, olds, news);
      else session.expect(olds.machine);
      const o = await withPartialState(session, news, id, () => converge(kind, session, news, olds), olds);
      return { outs: toOutputs(session, news, o, olds) };
    },

    async read(id, props) {
      const session = sessionOf(props!.connection);
      session.expect(props!.machine);
      const inputs = inputsOf(kind, props!);
      const results = await session.snapshot(readsOfAll(kinds));
      const unavailable = readsOf(kind, inputs).find((read) =>
        read.unavailableExitCodes?.includes(results.get(read.key)?.exit ?? 0),
      );
      if (unavailable) {
        console.log(`${nameOf(kind, inputs)}: cannot be seen for now (${unavailable.key}); left as it was`);
        // Without an observation the next `up` looks anew: what it was then is no proof of what it is.
        const { observed: _, secretObservation: __, ...known } = props!;
        return { id: id!, props: { ...known, ...kind.unavailableOutputs }, inputs };
      }
      const o = observed(kind, session, results, inputs);
      if (!kind.exists(o, inputs)) return {};
      for (const notice of kind.notices?.(o, inputs) ?? []) console.log(`${nameOf(kind, inputs)}: ${notice}`);
      // The outputs keep the declared inputs, for delete and the next read; what drifted is told by the inputs.
      return {
        id: id!,
        props: toOutputs(session, inputs, o, props),
        inputs: toPulumiProperties({ ...inputs, ...kind.actualInputs(o, inputs) }),
      };
    },

    async delete(_id, props) {
      const session = sessionOf(props.connection);
      session.expect(props.machine);
      const inputs = inputsOf(kind, props);
      if (kind.orphansOf) await removeOrphans(kinds, session, inputs.connection, kind.orphansOf(props));
      await removeResource(kind, session, inputs);
    },
  };
}

/**
 * The inputs, of which the outputs hold a copy: read and delete are given nothing else. In a state that was written before an
 * input existed it is missing, and has its default.
 */
function inputsOf<I extends CommonInputs>(kind: Kind<I, object, object>, props: Properties): I {
  requireKnownVersion(props);
  const inputs = Object.keys(kind.schema.shape).map((key) => [
    key,
    key in props ? props[key] : defaultOf(kind.schema, key),
  ]);
  return Object.fromEntries(inputs.filter(([, value]) => value !== undefined)) as unknown as I;
}

/** What an input is that nobody gives. */
function defaultOf(schema: z.ZodObject, key: string): unknown {
  return (schema.shape[key] as z.ZodType | undefined)?.safeParse(undefined).data;
}

function requireKnownVersion({ schemaVersion }: Properties): void {
  if (typeof schemaVersion === "number" && schemaVersion <= SCHEMA_VERSION) return;
  throw new HostError({
    code: "newer-state",
    what: `this state was written by a newer release (format ${schemaVersion}, this release knows ${SCHEMA_VERSION})`,
    remedy: "install the release that wrote it, or a later one",
  });
}
