const tier = (name, more = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: [".ts"],
  modulePathIgnorePatterns: ["<rootDir>/dist/"], // what was packed has the same name
  setupFilesAfterEnv: ["<rootDir>/test/support/timeout.ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.cjs" },
  ...more,
});

const engine = { globalSetup: "<rootDir>/test/support/host/setup.ts" };
const lab = {
  globalSetup: "<rootDir>/test/support/lab-setup.ts",
  globalTeardown: "<rootDir>/test/support/lab-teardown.ts",
};

/** One project a tier; `npm test -- --tier NAME` runs one. */
export default {
  testSequencer: "<rootDir>/test/support/sequencer.cjs",
  projects: [
    tier("unit"),
    tier("policy"),
    tier("engine", engine),
    tier("sweep", engine),
    tier("bench", engine),
    tier("lab", lab),
    tier("lab-sweep", lab),
  ],
};
