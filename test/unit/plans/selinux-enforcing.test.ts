import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { enforcingInputs } from "../../support/inputs.ts";
import { given, plans, refusals, removals } from "../../support/plans.ts";
import { added, both, type Edit, swap, without } from "../../support/recorded.ts";

const host = (...edits: Edit[]) => ({ host: { selinux: both(...edits) } });
const permissive = swap("enforce 1", "enforce 0");
const disabled = swap("enforce 1", "enforce ");
const configured = (mode: string) => swap("config enforcing", `config ${mode}`);
const unconfigured = without(/^config/);
const timer = added("fallback");

const SWITCH = ["check-labels", "start-fallback", "set-enforcing"];

plans(selinuxEnforcing, enforcingInputs, [
  ["converged", {}, []],
  ["permissive now", host(permissive), SWITCH],
  ["permissive now and at the next boot", host(permissive, configured("permissive")), SWITCH],
  ["permissive, and the timer was started already", host(permissive, timer), SWITCH],
  [
    "switched, and no login was tried",
    host(timer, configured("permissive")),
    ["check-login", "stop-fallback", "configure-enforcing"],
  ],
  ["switched, and it was configured before", host(timer), ["check-login", "stop-fallback"]],
  ...["permissive", "disabled", "forcing"].map((mode): [string, ReturnType<typeof host>, string[]] => [
    `${mode} at the next boot`,
    host(configured(mode)),
    ["check-labels", "check-login", "configure-enforcing"],
  ]),
  ["not configured", host(unconfigured), ["check-labels", "check-login", "configure-enforcing"]],
  ["configured in other words", host(configured(" Enforcing # as it should be")), []],
  ["a later line that says otherwise", host(added("config permissive")), []],
  ["a line before that says nothing", host(swap("config enforcing", "config x\nconfig enforcing")), []],
  ["permissive by the kernel's command line, at the next boot", host(swap("argument 1", "argument 0")), []],
  ["about to relabel, when nothing is to be changed", host(added("autorelabel")), []],
]);

const INIT = swap("context 1 system_u:system_r:init_t:s0", "context 1 system_u:system_r:kernel_t:s0");
const LOGIN = swap(/context self .*/, "context self system_u:system_r:sshd_t:s0");
const PROCESS = added("process system_u:system_r:kernel_t:s0   cron");

refusals(selinuxEnforcing, enforcingInputs, [
  [
    "a kernel without SELinux",
    host(disabled, configured("disabled")),
    ["selinux-disabled", /no \/sys\/fs\/selinux.*says disabled/, /selinux-activate.*security=selinux/],
  ],
  [
    "a kernel without SELinux that has no configuration either",
    host(disabled, unconfigured),
    ["selinux-disabled", /says unset/, /install the policy/],
  ],
  [
    "a host whose process 1 has the context of the kernel",
    host(permissive, INIT),
    ["unlabelled-init", /system_u:system_r:kernel_t:s0/, /fixfiles -F onboot.*reboot/],
  ],
  [
    "an enforcing one, where only the next boot is to be configured",
    host(configured("permissive"), INIT),
    ["unlabelled-init", /kernel_t/, /reboot/],
  ],
  [
    "a process 1 whose context cannot be told",
    host(permissive, swap(/context 1 .*/, "context 1 ")),
    ["unlabelled-init", /runs as nothing/, /reboot/],
  ],
  [
    "a host that waits for its relabelling",
    host(permissive, added("autorelabel")),
    ["relabel-pending", /\/\.autorelabel/, /reboot/],
  ],
  ["a process without a domain", host(permissive, PROCESS), ["unlabelled-processes", /kernel_t:s0 cron/, /restart/]],
  ["a login without a context", host(permissive, LOGIN), ["unlabelled-login", /sshd_t/, /semanage login/]],
]);

removals(selinuxEnforcing, enforcingInputs, [
  ["a host is not made less safe", {}, []],
  ["nor is a permissive one changed", host(permissive), []],
]);

const seen = (...edits: Edit[]) => {
  const { observed, desired } = given(selinuxEnforcing, enforcingInputs, host(...edits));
  const { bootMode } = selinuxEnforcing.outputs(observed, desired);
  return { ...selinuxEnforcing.actualInputs(observed, desired), bootMode };
};

test.each<[name: string, edits: Edit[], found: object]>([
  ["as it should be", [added("")], { mode: "enforcing", configured: "enforcing", bootMode: "enforcing" }],
  ["setenforce 0", [permissive], { mode: "permissive", configured: "enforcing", bootMode: "enforcing" }],
  [
    "configured otherwise, without an argument",
    [configured("permissive"), without(/^argument/)],
    { mode: "enforcing", configured: "permissive", bootMode: "permissive" },
  ],
  [
    "configured otherwise, and the kernel's command line knows better",
    [configured("permissive")],
    {
      mode: "enforcing",
      configured: "permissive",
      bootMode: "enforcing (enforcing= of the kernel's command line)",
    },
  ],
  [
    "permissive by the kernel's command line",
    [swap("argument 1", "argument 0")],
    {
      mode: "enforcing",
      configured: "enforcing",
      bootMode: "permissive (enforcing= of the kernel's command line)",
    },
  ],
])("found: %s", (_, edits, found) => {
  expect(seen(...edits)).toEqual(found);
});
