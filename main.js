// Pulumi's entry. Plain JavaScript: an old Node must get as far as saying that it is old.
const [major, minor] = process.versions.node.split(".").map(Number);
const fit = major >= 24 || (major === 22 && minor >= 18); // 23 came between, and has ended
if (!fit) {
  console.error(
    `svirt-lxc needs Node 22 (from 22.18 on) or 24 and later, and this is ${process.versions.node}. ` +
      "Use `npm run pulumi -- …`, which brings one, or put a newer node first on the PATH.",
  );
  process.exitCode = 1;
}
export const { containers, evidenceKeys, needsReboot } = fit ? await import("./stacks/main.ts") : {};
