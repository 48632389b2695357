const tier = (name, more = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.cjs" },
  ...more,
});

/** One project a tier; `npm test -- --tier NAME` runs one. */
export default {
  projects: [
    tier("unit"),
    tier("lab", {
      globalSetup: "<rootDir>/test/support/lab-setup.ts",
      globalTeardown: "<rootDir>/test/support/lab-teardown.ts",
    }),
  ],
};
