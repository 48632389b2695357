import { jest } from "@jest/globals";

// An operation of the engine takes seconds, and a test has several.
jest.setTimeout(10 * 60_000);
