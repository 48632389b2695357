import { createHash } from "node:crypto";
import { selinuxPolicy } from "../../../provider/resources/selinux-policy.ts";
import { policyInputs } from "../../support/inputs.ts";
import { given, plans, refusals, removals } from "../../support/plans.ts";
import { added, both, MODULE, MODULE_VERSION, says, swap, without } from "../../support/recorded.ts";

const OTHER = "0".repeat(64);
const claimOf = (stack: string, sha256: string, version = MODULE_VERSION) =>
  `./claims/policy/svirt-lxc%2F${stack}%2FSelinuxPolicy%2Flab:{"sha256":"${sha256}","version":${version}}`;
const unclaimed = without(/claims\/policy/);
const nothing = { store: says(""), policy: says("") };

plans(selinuxPolicy, policyInputs, [
  ["from nothing", { host: nothing }, ["claim-policy", "load-module", "label-store"]],
  ["converged", {}, []],
  ["the claim is lost", { host: { store: unclaimed } }, ["claim-policy"]],
  ["the module of another release", { host: { policy: swap(MODULE, "other") } }, ["renew-module", "label-store"]],
  ["the module was unloaded", { host: { policy: without(/^(module|took)/) } }, ["load-module", "label-store"]],
  [
    "the module has no effect: disabled, or no longer linked with another base policy",
    { host: { policy: without(/^took/) } },
    ["renew-module", "label-store"],
  ],
  ["the store has a common label", { host: { policy: swap("svirt_lxc_store_t", "var_lib_t") } }, ["label-store"]],
  [
    "an older release's claim",
    { host: { store: swap(MODULE, OTHER), policy: swap(MODULE, "other") } },
    ["claim-policy", "renew-module", "label-store"],
  ],
  [
    "another stack with an older release",
    { host: { store: added(claimOf("prod", OTHER, 0)), policy: swap(MODULE, "other") } },
    ["renew-module", "label-store"],
  ],
  ["another stack with the same release", { host: { store: added(claimOf("prod", MODULE)) } }, []],
]);

test("what is loaded is the module, by standard input, with a type that tells which text it is", () => {
  const { observed, desired } = given(selinuxPolicy, policyInputs, { host: nothing });
  const load = selinuxPolicy.plan(observed, desired).find((s) => s.id === "load-module")!;
  const [text = "", marker] = load.stdin!.split(/(?=\n\(type svirt_lxc_text_)/);
  expect(createHash("sha256").update(text).digest("hex")).toBe(MODULE);
  expect(marker).toContain(`(type svirt_lxc_text_${MODULE}_t)\n(roletype object_r svirt_lxc_text_${MODULE}_t)`);
  expect(load.argv.join(" ")).not.toContain("typeattribute");
});

refusals(selinuxPolicy, policyInputs, [
  [
    "another module of that name that nobody claims",
    { host: { store: unclaimed, policy: swap(MODULE, "other") } },
    ["not-ours", /mark/, /remove it/],
  ],
  [
    "another stack with a newer release",
    { host: { store: added(claimOf("prod", OTHER, MODULE_VERSION + 1)) } },
    [
      "newer-policy-in-use",
      new RegExp(`svirt-lxc/prod/SelinuxPolicy/lab uses version ${MODULE_VERSION + 1} \\(0{64}\\)`),
      /release/,
    ],
  ],
  [
    "another stack with a changed text of the same version",
    { host: { store: added(claimOf("prod", OTHER)) } },
    [
      "newer-policy-in-use",
      new RegExp(`uses version ${MODULE_VERSION} \\(0{64}\\), this release brings version ${MODULE_VERSION}`),
      /release/,
    ],
  ],
]);

const families: [name: string, policy: ReturnType<typeof says>, why: RegExp | undefined][] = [
  ["Debian's part took", added(), undefined],
  ["Fedora's part took", swap("refpolicy", "fedora"), undefined],
  ["neither", without(/^took/), /neither .* Debian's .* nor .* Fedora's/],
  ["both", added("took fedora"), /refpolicy and fedora were both linked/],
];
test.each(families)("verify: %s", (_, policy, why) => {
  const { observed, desired } = given(selinuxPolicy, policyInputs, { host: { policy } });
  const failed = selinuxPolicy.verify!(observed, desired);
  if (why === undefined) expect(failed).toBeUndefined();
  else expect(failed).toMatchObject({ problem: { why: expect.stringMatching(why) }, containment: [] });
});

const empty = without(/^\.\/(slots|roots)\//); // containers are removed before
removals(selinuxPolicy, policyInputs, [
  [
    "the last claim, but a container was kept",
    { host: { store: both(without(/^\.\/roots\//), swap('"name":"web"}', '"name":"web","retain":true}')) } },
    ["release-policy"],
  ],
  ["the last claim, but there is a container, which no state has any more", {}, ["release-policy"]],
  ["the last claim", { host: { store: empty } }, ["unload-module", "release-policy"]],
  ["not the last claim", { host: { store: added(claimOf("prod", MODULE)) } }, ["release-policy"]],
  ["the module is gone already", { host: { policy: says("") } }, ["release-policy"]],
  ["the claim is not ours", { host: { store: both(unclaimed, added(claimOf("prod", MODULE))) } }, []],
  ["all is gone already", { host: nothing }, []],
]);

test("outputs", () => {
  const { observed, desired } = given(selinuxPolicy, policyInputs, {});
  expect(selinuxPolicy.exists(observed, desired)).toBe(true);
  expect(selinuxPolicy.id(desired, observed)).toBe("svirt_lxc");
  expect(selinuxPolicy.outputs(observed, desired)).toEqual({
    family: "refpolicy",
    processType: "svirt_lxc_sys_t",
    rootType: "svirt_lxc_root_t",
  });
});
