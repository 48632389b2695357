import { jest } from "@jest/globals";

// For what hangs: machines are noisy, and an operation of the engine takes seconds.
jest.setTimeout(10 * 60_000);
