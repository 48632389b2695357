import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { enforcingInputs } from "../../support/inputs.ts";
import { given, plans, refusals, removals } from "../../support/plans.ts";
import { added, both, type Edit, says, swap, without } from "../../support/recorded.ts";

const host = (...edits: Edit[]) => ({ host: { selinux: both(...edits) } });
const permissive = swap("enforce 1", "enforce 0");
const disabled = swap("enforce 1", "enforce ");
const configured = (mode: string) => swap("config enforcing", `config ${mode}`);
const unconfigured = without(/^config/);
const timer = added("fallback");
const BOOT = "0e2b9d53-8b65-4f52-a2a7-2f8ad7dbb8d0";
const prepared = (boot = BOOT) => added(`prepared {"boot":"${boot}"}`);
const marked = (text = "-F") => added(`autorelabel ${text}`);
const fedora = both(swap("os ID=debian", "os ID=fedora"), swap('os VERSION_ID="13"', 'os VERSION_ID="44"'));

/** What a host looks like on the way: no policy; AppArmor in its place; SELINUX=disabled; no labels. */
const noPolicy = [disabled, unconfigured, without(/^policy/), without(/^in-kernel/)];
const notInKernel = [disabled, configured("permissive"), without(/^in-kernel/), without(/^argument/)];
const notLoaded = [disabled, configured("disabled")];
const INIT = swap("context 1 system_u:system_r:init_t:s0", "context 1 system_u:system_r:kernel_t:s0");
const unlabelled = [permissive, configured("permissive"), INIT];
const armed = [configured("permissive"), marked(), prepared()];

const SWITCH = ["check-labels", "start-fallback", "set-enforcing"];
const ALLOWED = { wants: { reboot: "allowed" as const } };

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
  ["permissive by the kernel's command line, at the next boot", host(added("argument enforcing=0")), []],
  ["about to relabel, when nothing is to be changed", host(added("autorelabel ")), []],
  [
    "relabelled, and to be switched",
    host(permissive, configured("permissive"), prepared("before")),
    ["check-labels", "forget-prepared", "start-fallback", "set-enforcing"],
  ],
  ["enforcing, with the record of a relabelling", host(prepared("before")), ["forget-prepared"]],

  ["without a policy", host(...noPolicy), ["install-policy"]],
  ["without a policy, whatever is allowed", { ...host(...noPolicy), ...ALLOWED }, ["install-policy"]],
  ["a kernel without SELinux", host(...notInKernel), ["configure-boot-loader", "request-relabel", "record-prepared"]],
  [
    "a kernel without SELinux, and the boot loader was told",
    host(...notInKernel, added("loader-ready"), marked()),
    ["record-prepared"],
  ],
  [
    "a kernel without SELinux, on a host that may be restarted",
    { ...host(...notInKernel), ...ALLOWED },
    ["configure-boot-loader", "request-relabel", "record-prepared", "restart-host"],
  ],
  ["disabled", host(...notLoaded), ["configure-permissive", "request-relabel", "record-prepared"]],
  [
    "disabled, on a host that may be restarted",
    { ...host(...notLoaded), ...ALLOWED },
    ["configure-permissive", "request-relabel", "record-prepared", "restart-host"],
  ],
  [
    "disabled, on this machine",
    { ...host(...notLoaded), wants: { ...ALLOWED.wants, connection: {} } },
    ["configure-permissive", "request-relabel", "record-prepared"],
  ],
  [
    "disabled, and a boot would relabel types only",
    host(...notLoaded, marked("")),
    ["configure-permissive", "request-relabel", "record-prepared"],
  ],
  [
    "disabled and prepared but for the record",
    { ...host(disabled, configured("permissive"), marked()), ...ALLOWED },
    ["record-prepared", "restart-host"],
  ],
  ["disabled and prepared", { ...host(disabled, ...armed), ...ALLOWED }, ["restart-host"]],
  [
    "prepared, with a record that cannot be read",
    { ...host(disabled, configured("permissive"), marked(), added("prepared {")), ...ALLOWED },
    ["record-prepared", "restart-host"],
  ],
  [
    "process 1 has the context of the kernel",
    { ...host(...unlabelled), ...ALLOWED },
    ["request-relabel", "record-prepared", "restart-host"],
  ],
  [
    "permissive for now, and process 1 has the context of the kernel",
    { ...host(permissive, INIT), ...ALLOWED },
    ["configure-permissive", "request-relabel", "record-prepared", "restart-host"],
  ],
  [
    "a process without a domain",
    { ...host(permissive, added("process system_u:system_r:kernel_t:s0   cron")), ...ALLOWED },
    ["configure-permissive", "request-relabel", "record-prepared", "restart-host"],
  ],
  [
    "a permissive host that waits for its relabelling",
    { ...host(permissive, marked()), ...ALLOWED },
    ["configure-permissive", "record-prepared", "restart-host"],
  ],

  ["what explains denials is there", { wants: { troubleshooting: true } }, []],
  [
    "what explains denials is asked for",
    { ...host(without(/^tool/)), wants: { troubleshooting: true } },
    ["install-troubleshooting"],
  ],
  [
    "what explains denials can wait until the host enforces for good",
    { ...host(without(/^tool/), timer, configured("permissive")), wants: { troubleshooting: true } },
    ["check-login", "stop-fallback", "configure-enforcing"],
  ],
  ["on Fedora, it is another tool", { ...host(fedora), wants: { troubleshooting: true } }, ["install-troubleshooting"]],
  ["there", { ...host(fedora, added("tool sealert")), wants: { troubleshooting: true } }, []],
]);

const LOGIN = swap(/context self .*/, "context self system_u:system_r:sshd_t:s0");
const INHIBITORS = (mode: string) =>
  says(
    [
      "domain lxc web",
      "domain qemu db",
      "login ann on pts/0",
      `inhibitors {"type":"a(ssssuu)","data":[[["shutdown:sleep","apt","upgrades","${mode}",0,812],["sleep","x","y","block",0,1]]]}\n`,
    ].join("\n"),
  );
const busy = (mode: string, ...edits: Edit[]) => ({ host: { selinux: both(...edits), activity: INHIBITORS(mode) } });

refusals(selinuxEnforcing, enforcingInputs, [
  [
    "prepared, and not to be restarted",
    busy("delay", disabled, ...armed),
    [
      "reboot-required",
      /no policy was loaded.*prepared.*stops LXC domain web, QEMU domain db, the login of ann on pts\/0$/s,
      /reboot: "allowed"/,
    ],
  ],
  [
    "prepared, of a kernel without SELinux",
    host(...notInKernel, added("loader-ready"), marked(), prepared(), added("profiles 7")),
    ["reboot-required", /without SELinux; AppArmor.*7 profiles.*no domain and no login/s, /restart it by hand/],
  ],
  [
    "prepared, as process 1 has the context of the kernel",
    host(...unlabelled, marked("-F -T0 "), prepared()),
    ["reboot-required", /process 1 runs as system_u:system_r:kernel_t:s0/, /reboot: "allowed"/],
  ],
  [
    "prepared, where somebody must not be disturbed",
    { ...busy("block", disabled, ...armed), ...ALLOWED },
    ["restart-blocked", /blocked by apt \(upgrades\)/, /wait/],
  ],
  [
    "prepared, and it is this machine",
    { ...host(disabled, ...armed), wants: { ...ALLOWED.wants, connection: {} } },
    ["reboot-required", /no policy was loaded/, /by hand, since this run would end with it/],
  ],
  [
    "prepared, and restarted in vain",
    { ...host(disabled, configured("permissive"), marked(), prepared("another")), ...ALLOWED },
    [
      "relabel-failed",
      /has restarted since.*not restarted again/,
      /selinux-autorelabel.*rm \/var\/lib\/svirt-lxc\/selinux.json/,
    ],
  ],
  [
    "relabelled in vain",
    { ...host(...unlabelled, prepared("another")), ...ALLOWED },
    ["relabel-failed", /restarted since/, /journalctl -b -1/],
  ],
  [
    "a kernel that would enforce before the files have labels",
    host(...notLoaded, added("argument enforcing=1")),
    ["kernel-arguments", /command line has enforcing=1/, /boot loader/],
  ],
  [
    "a kernel that relabels nothing",
    host(...notLoaded, added("argument noautorelabel")),
    ["kernel-arguments", /noautorelabel/, /boot loader/],
  ],
  [
    "a kernel that is told to start AppArmor",
    host(...notInKernel, added("argument security=apparmor")),
    ["kernel-arguments", /security=apparmor/, /boot loader/],
  ],
  [
    "a kernel that is given a list without SELinux",
    host(...notInKernel, added("argument lsm=landlock,yama,apparmor")),
    ["kernel-arguments", /lsm=landlock/, /boot loader/],
  ],
  ["a root that is read-only", host(...unlabelled, added("read-only")), ["read-only-root", /read-only/, /read-write/]],
  [
    "a relabelling that would stop at the console",
    host(...unlabelled, added("manual-relabel")),
    ["manual-relabel", /AUTORELABEL=0/, /remove that line/],
  ],
  [
    "a distribution that holds no containers is not restarted for them",
    host(...notLoaded, swap('os VERSION_ID="13"', 'os VERSION_ID="12"')),
    ["unsupported-host", /Debian 13/, /README/],
  ],
  [
    "an enforcing one, where only the next boot is to be configured",
    host(configured("permissive"), INIT),
    ["unlabelled-init", /kernel_t/, /setenforce 0/],
  ],
  [
    "an enforcing one that waits for its relabelling",
    host(configured("permissive"), marked("")),
    ["relabel-pending", /\/\.autorelabel/, /setenforce 0/],
  ],
  ["a login without a context", host(permissive, LOGIN), ["unlabelled-login", /sshd_t/, /semanage login/]],
]);

removals(selinuxEnforcing, enforcingInputs, [
  ["a host is not made less safe", {}, []],
  ["nor is a permissive one changed", host(permissive), []],
  ["nor is what was prepared taken back, but for our record of it", host(disabled, ...armed), ["forget-prepared"]],
]);

const seen = (...edits: Edit[]) => {
  const { observed, desired } = given(selinuxEnforcing, enforcingInputs, host(...edits));
  const { bootMode, rebootRequired } = selinuxEnforcing.outputs(observed, desired);
  return { ...selinuxEnforcing.actualInputs(observed, desired), bootMode, rebootRequired };
};

test.each<[name: string, edits: Edit[], found: object]>([
  ["as it should be", [added("")], { mode: "enforcing", configured: "enforcing", bootMode: "enforcing" }],
  ["setenforce 0", [permissive], { mode: "permissive", configured: "enforcing", bootMode: "enforcing" }],
  [
    "configured otherwise",
    [configured("permissive")],
    { mode: "enforcing", configured: "permissive", bootMode: "permissive" },
  ],
  [
    "configured otherwise, and the kernel's command line knows better",
    [configured("permissive"), added("argument enforcing=1")],
    {
      mode: "enforcing",
      configured: "permissive",
      bootMode: "enforcing (enforcing= of the kernel's command line)",
    },
  ],
  [
    "permissive by the kernel's command line",
    [added("argument enforcing=0")],
    {
      mode: "enforcing",
      configured: "enforcing",
      bootMode: "permissive (enforcing= of the kernel's command line)",
    },
  ],
  ["disabled", notLoaded, { mode: "disabled", configured: "disabled", bootMode: "disabled", rebootRequired: true }],
])("found: %s", (_, edits, found) => {
  expect(seen(...edits)).toEqual({ rebootRequired: false, ...found });
});

const noticed = (host: Record<string, Edit>) => {
  const { observed, desired } = given(selinuxEnforcing, enforcingInputs, { host });
  return selinuxEnforcing.notices!(observed, desired);
};

test.each<[name: string, host: Record<string, Edit>, notices: RegExp[]]>([
  ["a host that enforces", {}, []],
  ["a permissive one on which all is as it is to be", { selinux: permissive }, []],
  ["one without a policy", { selinux: both(...noPolicy) }, [/no SELinux policy.*then needs a restart/]],
  [
    "one that must restart",
    busy("block", ...notLoaded).host,
    [/no policy was loaded.*\n.*restarts it if reboot: allowed; a restart stops LXC domain web, QEMU domain db/],
  ],
  [
    "one on which services do what they may not",
    {
      selinux: permissive,
      denials: says(Array.from({ length: 12 }, (_, n) => `     ${20 - n} a_t b${n}_t dir read write\n`).join("")),
    },
    [/let pass.*\n {2}20 times a_t to b0_t, dir: read write\n(.*\n){9} {2}and 2 other kinds$/],
  ],
])("told of %s", (_, host, notices) => {
  expect(noticed(host)).toEqual(notices.map((notice) => expect.stringMatching(notice)));
});
