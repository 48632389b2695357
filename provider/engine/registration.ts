import type * as pulumi from "@pulumi/pulumi";

/** What the language host takes for "it failed, and the reason was told" (cmd/run/index.js of Pulumi's SDK). */
const EXIT_TOLD = 32;

/** What was declared and is not registered with the engine yet. */
const pending = new Set<string>();
/** Those whose registration failed: the engine has told why. */
const failed = new Set<string>();
let isWatching = false;

/**
 * Has the program fail if it ends before the resource is registered. To the engine, what a program that ended well did not
 * register is to be deleted, with its data. Pulumi's SDK of today notices registrations that still wait when nothing is left that
 * Node would wait for; earlier ones, and those that failed since the connection to the engine broke (runtime/resource.js,
 * UNAVAILABLE: "just exit"), are noticed here.
 */
export function expectRegistration(resource: pulumi.CustomResource, name: string): void {
  pending.add(name);
  const { urn } = resource as unknown as { urn: { promise(): Promise<string> } };
  urn.promise().then(
    () => pending.delete(name),
    () => failed.add(name),
  );
  if (isWatching) return;
  isWatching = true;
  // After this, the SDK tells the engine that the program has ended well, unless the exit code says otherwise (cmd/run/index.js).
  process.on("beforeExit", () => {
    if (pending.size === 0 || process.exitCode) return;
    const untold = [...pending].filter((one) => !failed.has(one));
    if (untold.length > 0)
      console.error(
        `the program ended before ${untold.join(", ")} could be registered; nothing is deleted for it. Run the same command again.`,
      );
    process.exitCode = EXIT_TOLD;
  });
}
