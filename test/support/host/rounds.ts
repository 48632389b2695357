import { BARE, type State } from "./life.ts";

/** A way from a state to another. */
export interface Leg {
  from: State;
  to: State;
  /** What was done to the host before. */
  after?: string;
  /** What is done after the disturbance, if not the same again. */
  rescue?: "destroy";
}

/** Legs that make a round, so that where one ends the next one begins. */
export interface Round {
  name: string;
  legs: Leg[];
}

export const LIFE: Round = {
  name: "create and delete",
  legs: [
    { from: "nothing", to: "created" },
    { from: "created", to: "nothing" },
  ],
};

export const UPDATE: Round = {
  name: "update",
  legs: [
    { from: "created", to: "edited" },
    { from: "edited", to: "created" },
  ],
};

export const GIVEN_UP: Round = {
  name: "create and update that are given up",
  legs: [
    { from: "nothing", to: "created", rescue: "destroy" },
    { from: "created", to: "edited", rescue: "destroy" },
  ],
};

export const BARE_HOST: Round = { name: "a bare host", legs: [{ from: "nothing", after: BARE, to: "prepared" }] };
