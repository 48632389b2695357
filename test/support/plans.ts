import { checkPreconditions } from "../../provider/engine/adopt.ts";
import { equalAsJson } from "../../provider/engine/check.ts";
import type { AnyKind, CommonInputs, Kind } from "../../provider/engine/kind.ts";
import { lifecycle, SCHEMA_VERSION } from "../../provider/engine/lifecycle.ts";
import type { Step } from "../../provider/host/batch.ts";
import { Session } from "../../provider/host/session.ts";
import { PASSWORD } from "./inputs.ts";
import { type Edits, recorded } from "./recorded.ts";

/** How a case differs from the recorded host and what was asked of it. */
export interface Case<I> {
  /** What the reads print. */
  host?: Edits;
  /** What is asked for. */
  wants?: Partial<I>;
  /** What was asked for before; as now, if not given. */
  had?: Partial<I>;
}

type Rows<I, Expected> = [name: string, given: Case<I>, expected: Expected][];

/** What identifies the steps of a plan: the id of each, and what it acts on. */
export function idsOf(steps: Step[]): string[] {
  return steps.map(({ id, subject }) => (subject === undefined ? id : `${id} ${subject}`));
}

/** The observation, what is desired and what was before, of a case. */
export function given<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  inputs: I,
  { host, wants, had }: Case<I>,
): { observed: O; desired: I; prior: I } {
  const desired = { ...inputs, ...wants };
  return { observed: kind.parse(recorded(host), desired), desired, prior: { ...desired, ...had } };
}

/**
 * A table of plans: each row a host, and the exact list of what has to be done there. `namesAllDrift`: a refresh shows as a
 * property whatever there is to do.
 */
export function plans<I extends CommonInputs, O extends object, P extends object>(
  kind: Kind<I, O, P>,
  inputs: I,
  rows: Rows<I, string[]>,
  { namesAllDrift = false } = {},
): void {
  test.each(rows)("plan: %s", (_, given_, expected) => {
    const { observed, desired, prior } = given(kind, inputs, given_);
    expect(checkPreconditions(kind, observed, desired, prior)).toBeUndefined();
    const steps = kind.plan(observed, desired, prior);
    expect(idsOf(steps)).toEqual(expected);
    expectWellFormed(steps);
  });

  const [made, gone] = [true, false].map((is) =>
    rows.filter(([, given_]) => {
      const { observed, prior } = given(kind, inputs, given_);
      return kind.exists(observed, prior) === is;
    }),
  ) as [typeof rows, typeof rows];

  // diff has the observation of the state, which lacks what is only the host's and went through JSON.
  each(made, "from state as from the host: %s", (_, given_) => {
    const { observed, desired, prior } = given(kind, inputs, given_);
    const { host: _host, ...kept } = observed as O & { host?: object };
    const state = JSON.parse(JSON.stringify(kept)) as O;
    expect(kind.plan(state, desired, prior).length > 0).toBe(kind.plan(observed, desired, prior).length > 0);
  });

  // A refresh names what drifted, and leaves state with which the next one, and destroy, still know what was asked for.
  each(made, "after a refresh: %s", async (_, given_) => {
    const { observed, desired, prior } = given(kind, inputs, given_);
    const state = stateOf(kind, prior, observed);
    const first = await refreshed(kind, given_.host, state);
    expect(await refreshed(kind, given_.host, first.props!)).toEqual(first);
    const again = kind.parse(recorded(given_.host), first.props as I);
    expect(idsOf(kind.remove(again, first.props as I))).toEqual(idsOf(kind.remove(observed, prior)));
    const { changes } = await lifecycle(kind, [kind]).diff!("id", first.props, desired);
    expect(changes).toBe(kind.plan(observed, desired, prior).length > 0);
  });

  if (namesAllDrift) {
    const drifted = made.filter(([, { wants, had }]) => wants === undefined && had === undefined);
    each(drifted, "a refresh names the drift, if there is any: %s", (_, given_) => {
      const { observed, desired } = given(kind, inputs, given_);
      const named = !equalAsJson({ ...desired, ...kind.actualInputs(observed, desired) }, desired);
      expect(named).toBe(kind.plan(observed, desired).length > 0);
    });
  }

  // What is not there is found gone by a refresh, or it cannot be told; and without state, the plan knows enough.
  each(gone, "gone for a refresh: %s", async (_, given_) => {
    const { prior } = given(kind, inputs, given_);
    const state = { ...prior, schemaVersion: SCHEMA_VERSION };
    expect(await refreshed(kind, given_.host, state)).toEqual({});
  });
}

/** A table may have no row of a kind; jest takes none without any. */
function each<I>(rows: Rows<I, string[]>, name: string, check: (name: string, given: Case<I>) => unknown): void {
  if (rows.length > 0) test.each(rows)(name, (...[row, given_]) => check(row, given_) as Promise<void>);
}

/** What state holds of a resource. */
export function stateOf<I extends CommonInputs, O extends object>(
  kind: Kind<I, O, object>,
  inputs: I,
  observed: O,
): Record<string, unknown> {
  const entries = Object.entries(observed).filter(([key]) => key !== "host");
  const isSecret = ([key]: [string, unknown]) => kind.secretObservation?.includes(key) ?? false;
  const state = {
    ...inputs,
    ...kind.outputs(observed, inputs),
    observed: Object.fromEntries(entries.filter((e) => !isSecret(e))),
    secretObservation: kind.secretObservation && Object.fromEntries(entries.filter(isSecret)),
    schemaVersion: SCHEMA_VERSION,
  };
  return JSON.parse(JSON.stringify(state));
}

/** Pulumi's read, on a recorded host. */
async function refreshed(kind: AnyKind, host: Edits | undefined, state: object) {
  const { snapshot } = Session.prototype;
  Session.prototype.snapshot = async () => recorded(host);
  try {
    return await lifecycle(kind, [kind]).read!("id", state);
  } finally {
    Session.prototype.snapshot = snapshot;
  }
}

/** A table of removals. */
export function removals<I extends CommonInputs, O extends object, P extends object>(
  kind: Kind<I, O, P>,
  inputs: I,
  rows: Rows<I, string[]>,
): void {
  test.each(rows)("remove: %s", (_, given_, expected) => {
    const { observed, desired } = given(kind, inputs, given_);
    const steps = kind.remove(observed, desired);
    expect(idsOf(steps)).toEqual(expected);
    expectWellFormed(steps);
  });
}

/** A table of what must not be done at all: its code, and a word of why and remedy each. */
export function refusals<I extends CommonInputs, O extends object, P extends object>(
  kind: Kind<I, O, P>,
  inputs: I,
  rows: Rows<I, [code: string, why: RegExp, remedy: RegExp]>,
): void {
  test.each(rows)("refuse: %s", (_, given_, [code, why, remedy]) => {
    const { observed, desired, prior } = given(kind, inputs, given_);
    const problem = checkPreconditions(kind, observed, desired, prior);
    expect(problem?.code).toBe(code);
    expect(problem?.why ?? "").toMatch(why);
    expect(problem?.remedy).toMatch(remedy);
    expect(JSON.stringify(problem)).not.toMatch(/undefined|NaN/);
  });
}

/** What holds for every step of every plan. */
function expectWellFormed(steps: Step[]): void {
  for (const step of steps) {
    const { id, title, argv, stdin, upload, phase, timeout, connection } = step;
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(title).toMatch(/^[A-Z][a-z]+ing [^\n]+$/);
    expect(argv.length).toBeGreaterThan(0);
    for (const word of [title, ...argv]) {
      expect(word).toEqual(expect.any(String));
      expect(word).not.toContain(PASSWORD);
      expect(word).not.toMatch(/\0|undefined|NaN|\[object/);
    }
    expect([undefined, "before", "after"]).toContain(phase);
    if (upload !== undefined) expect({ phase, stdin }).toEqual({ phase: "before", stdin: undefined });
    if (connection !== undefined) expect(phase).toBeDefined();
    if (timeout !== undefined) expect(timeout).toBeGreaterThan(0);
  }
}
