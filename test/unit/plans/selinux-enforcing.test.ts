import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { enforcingInputs } from "../../support/inputs.ts";
import { plans, refusals, removals } from "../../support/plans.ts";
import { says } from "../../support/recorded.ts";

const permissive = { "selinux-runtime": says("0\n") };
const disabled = { "selinux-runtime": says("disabled\n"), "selinux-configured": says("disabled\n") };

plans(selinuxEnforcing, enforcingInputs, [
  ["converged", {}, []],
  ["permissive now", { host: permissive }, ["set-enforcing"]],
  ["permissive at the next boot", { host: { "selinux-configured": says("permissive\n") } }, ["configure-enforcing"]],
  ["disabled at the next boot", { host: { "selinux-configured": says("disabled\n") } }, ["configure-enforcing"]],
  ["not configured", { host: { "selinux-configured": says("") } }, ["configure-enforcing"]],
  [
    "permissive now and at the next boot",
    { host: { ...permissive, "selinux-configured": says("permissive\n") } },
    ["set-enforcing", "configure-enforcing"],
  ],
]);

refusals(selinuxEnforcing, enforcingInputs, [
  [
    "a kernel without SELinux",
    { host: disabled },
    ["selinux-disabled", /no \/sys\/fs\/selinux.*says disabled/, /selinux-activate.*security=selinux/],
  ],
  [
    "a kernel without SELinux that has no configuration either",
    { host: { ...disabled, "selinux-configured": says("") } },
    ["selinux-disabled", /says unset/, /install the policy/],
  ],
]);

removals(selinuxEnforcing, enforcingInputs, [
  ["a host is not made less safe", {}, []],
  ["nor is a permissive one changed", { host: permissive }, []],
]);
