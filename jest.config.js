const tier = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.cjs" },
});

/** One project a tier; `npm test -- --tier NAME` runs one. */
export default { projects: [tier("unit"), tier("lab")] };
