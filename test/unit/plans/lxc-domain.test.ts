import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { domainInputs } from "../../support/inputs.ts";
import { ADDRESS6, ipv6Interface, ipv6Rules } from "../../support/ipv6.ts";
import { plans, refusals, removals } from "../../support/plans.ts";
import { added, both, type Edit, says, swap, without, withoutElement } from "../../support/recorded.ts";

const noReservation = without(/<host mac/);
const nothing = {
  domains: says(""),
  evidence: without(/^(container|address|uid_map|gid_map|policy|mount)/),
  networks: noReservation,
  "network-rules": without(/containers\/web/),
};
const shutOff = swap("@domain yes running", "@domain yes shut off");
/** Only what the next start uses, or only what runs. */
const inactive = (edit: Edit) => (text: string) => text.replace(/@xml .*(?=@live )/s, edit);
const live = (edit: Edit) => (text: string) => text.replace(/@live .*/s, edit);
const noLabel = withoutElement("seclabel");
const reserved = (host: string) => swap(/<host mac.*\/>/, host);

const partition = (name: string) => swap("<partition>/machine/svirt-lxc/web<", `<partition>${name}<`);
const noSlice = says("@controllers cpuset cpu io memory pids\n");
const unfiltered = both(withoutElement("filterref"), without(/<port /));
const wantsIpv6 = { address6: ADDRESS6 };
const ipv6 = { domains: ipv6Interface, "network-rules": ipv6Rules };

const stop = ["stop-container"];
const start = ["start-container", "await-boot 10.213.0.2:22"];
const sign = ["sign-evidence"];
const redefine = ["redefine-domain"];
const writeRules = ["write-container-rules"];

plans(
  lxcDomain,
  domainInputs,
  [
    [
      "made by hand just as declared, to be adopted",
      { host: { domains: withoutElement("metadata") }, wants: { adopt: true, revision: 0 } },
      ["set-metadata"],
    ],
    [
      "another stack's, as declared, to be adopted",
      { host: { domains: swap("svirt-lxc/lab/", "svirt-lxc/prod/") }, wants: { adopt: true } },
      ["set-metadata"],
    ],
    [
      "from nothing",
      { host: nothing },
      ["reserve-address 10.213.0.2", "define-domain", "write-container-rules", "enable-autostart", ...start],
    ],
    [
      "from nothing, no port",
      { host: nothing, wants: { awaitPort: undefined } },
      [
        "reserve-address 10.213.0.2",
        "define-domain",
        "write-container-rules",
        "enable-autostart",
        "start-container",
        "await-boot 10.213.0.2",
      ],
    ],
    ["converged", {}, []],
    ["nothing of it was ever signed", { host: { signed: without(/found/) } }, sign],
    ["something else is signed of it", { host: { signed: swap("found:4", "found:5") } }, sign],
    ["a host that does not sign", { host: { signed: says("") } }, []],
    [
      "something else is signed of one that is about to change: what is found then counts",
      { host: { signed: swap("found:4", "found:5") }, wants: { cpuWeight: 200 } },
      ["set-limits"],
    ],

    // Drift.
    ["stopped", { host: { domains: shutOff } }, start],
    ["not started at boot", { host: { domains: swap("@domain yes", "@domain no") } }, ["enable-autostart"]],
    ["the reservation is lost", { host: { networks: noReservation } }, ["reserve-address 10.213.0.2"]],
    [
      "the reservation is of another address",
      { host: { networks: reserved("<host mac='02:00:0a:d5:00:09' name='web' ip='10.213.0.9'/>") } },
      ["release-address 10.213.0.9", "reserve-address 10.213.0.2"],
    ],
    [
      "the reservation is for another MAC",
      { host: { networks: reserved("<host mac='02:00:00:00:00:01' name='web' ip='10.213.0.2'/>") } },
      ["release-address 10.213.0.2", "reserve-address 10.213.0.2"],
    ],
    [
      "the address is still kept for a container of ours that is no more",
      { host: { networks: reserved("<host mac='02:00:0a:d5:00:02' name='db' ip='10.213.0.2'/>") } },
      ["release-address 10.213.0.2", "reserve-address 10.213.0.2"],
    ],
    [
      "it has another address",
      { host: { evidence: swap("inet 10.213.0.2/", "inet 10.213.0.77/") } },
      [...stop, ...start],
    ],
    ["it is frozen", { host: { domains: swap("yes running", "yes paused") } }, ["resume-container"]],
    [
      "its interface is in a bridge",
      {
        host: {
          evidence: both(swap(/^peer web \d+$/m, "peer web 12"), added("veth 12: x@if2: <UP> master svirt-lxc")),
        },
      },
      [],
    ],
    [
      "its network was stopped and started: its interface is in no bridge",
      { host: { evidence: both(swap(" master svirt-lxc ", " "), added("veth 1: a master b")) } },
      [...stop, ...start],
    ],
    ["it has no address", { host: { evidence: without(/^address/) } }, ["await-boot 10.213.0.2:22"]],
    [
      "redefined with more memory",
      { host: { domains: inactive(swap("524288</memory>", "1048576</memory>")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined so, and shut off",
      { host: { domains: both(inactive(swap("524288</memory>", "1048576</memory>")), shutOff) } },
      [...redefine, ...start],
    ],
    [
      "started with more memory",
      { host: { domains: live(swap("524288</memory>", "1048576</memory>")) } },
      [...stop, ...start],
    ],
    ["started with another label", { host: { domains: live(swap("s0:c0,c512", "s0:c9,c521")) } }, [...stop, ...start]],
    ["redefined without seclabel", { host: { domains: inactive(noLabel) } }, [...stop, ...redefine, ...start]],
    [
      "redefined without seclabel and restarted",
      { host: { domains: noLabel, evidence: swap("svirt_lxc_sys_t:s0:c0,c512", "virtd_lxc_t:s0") } },
      [...stop, ...sign, ...redefine, ...start],
    ],
    [
      "redefined with a label of libvirt's choice",
      { host: { domains: inactive(swap("type='static'", "type='dynamic'")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined without idmap and restarted",
      { host: { domains: withoutElement("idmap"), evidence: without(/^[ug]id_map/) } },
      [...stop, ...sign, ...redefine, ...start],
    ],
    [
      "redefined in another network and restarted",
      { host: { domains: swap("<source network='svirt-lxc'", "<source network='default'") } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined on another root",
      { host: { domains: inactive(swap("roots/web", "roots/db")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined with another MAC",
      { host: { domains: inactive(swap("02:00:0a:d5:00:02", "02:00:0a:d5:00:ff")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "one process with another label",
      { host: { evidence: swap(/(process 6608 .*) system_u:\S+/, "$1 system_u:system_r:spc_t:s0") } },
      [...stop, ...sign, ...start],
    ],
    [
      "an administrator's shell is in it",
      {
        host: {
          evidence: added(
            "process 7000 1879048192 4026532278 6729 unconfined_u:r:unconfined_t:s0 0::/user.slice/x 1 2 3 4 5 0 - bash",
          ),
        },
      },
      [],
    ],
    [
      "the shell has left something behind",
      {
        host: {
          evidence: added(
            "process 7000 1879048192 4026532278 6437 unconfined_u:r:unconfined_t:s0 0::/user.slice/x 1 2 3 4 5 0 - bash",
          ),
        },
      },
      [...stop, ...sign, ...start],
    ],
    ["the host is permissive", { host: { evidence: swap("enforce 1", "enforce 0") } }, [...stop, ...sign, ...start]],
    [
      "a question of the policy is answered with yes",
      {
        host: {
          evidence: swap(
            "policy svirt_lxc_sys_t asked",
            "policy svirt_lxc_sys_t the policy lets it fly\npolicy svirt_lxc_sys_t asked",
          ),
        },
      },
      [...stop, ...sign, ...start],
    ],
    ["nothing is seen of it", { host: { evidence: says("enforce 1\n") } }, [...stop, ...start]],

    [
      "given a device of the host, in what the next start uses",
      { host: { domains: inactive(swap("</devices>", "<hostdev mode='capabilities'/></devices>")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "given processors, in what the next start uses",
      { host: { domains: inactive(swap("static'>1</vcpu>", "static'>2</vcpu>")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "given processors while it was stopped",
      { host: { domains: both(inactive(swap("static'>1</vcpu>", "static'>2</vcpu>")), shutOff) } },
      [...redefine, ...start],
    ],
    ["started with more processors", { host: { domains: live(swap(">1</vcpu>", ">2</vcpu>")) } }, [...stop, ...start]],

    // Limits.
    [
      "its limits are gone",
      {
        host: {
          slices: (text) =>
            text
              .split("\n")
              .filter((line) => !line.includes(".conf"))
              .join("\n"),
        },
      },
      ["fit-memory", "set-limits"],
    ],
    ["more tasks for now", { host: { slices: swap("pids.max:2048", "pids.max:max") } }, ["set-limits"]],
    ["swap for now", { host: { slices: swap("swap.max:0", "swap.max:max") } }, ["fit-memory", "set-limits"]],
    [
      "more memory for now",
      { host: { slices: swap("memory.max:603979776", "memory.max:max") } },
      ["fit-memory", "set-limits"],
    ],
    ["a kernel without weights for disks", { host: { slices: without(/io.weight/) } }, []],
    [
      "in another slice",
      { host: { domains: live(partition("/machine")), slices: noSlice } },
      [...stop, "set-limits", ...start],
    ],
    [
      "redefined in another slice",
      { host: { domains: inactive(partition("/machine")) } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined with another program, and started so",
      { host: { domains: swap("/bin/sh", "/sbin/init") } },
      [...stop, ...redefine, ...start],
    ],
    [
      "redefined with all capabilities, and started so",
      { host: { domains: withoutElement("features") } },
      [...stop, ...redefine, ...start],
    ],
    [
      "somebody took the filter out of its definition",
      { host: { domains: inactive(unfiltered) } },
      [...stop, ...redefine, ...start],
    ],
    ["somebody started it without the filter", { host: { domains: live(unfiltered) } }, [...stop, ...start]],
    ["somebody did, and started it so", { host: { domains: unfiltered } }, [...stop, ...redefine, ...start]],
    [
      "somebody gave its interface another filter",
      { host: { domains: swap("filter='svirt-lxc-guest'", "filter='clean-traffic'") } },
      [...stop, ...redefine, ...start],
    ],
    ["its rules are gone", { host: { "network-rules": without(/containers\/web/) } }, writeRules],
    ["its rules are others", { host: { "network-rules": swap("count over 4096", "count over 5000") } }, writeRules],
    ["somebody added a rule", { host: { "network-rules": swap("4096 drop", "4096 drop; accept") } }, writeRules],
    ["its rules are not loaded", { host: { "network-rules": without(/^@loaded/) } }, writeRules],
    [
      "it has rules in another network, which it was in before",
      { host: { "network-rules": added("/var/lib/svirt-lxc/networks/prod/containers/web.nft:x") } },
      ["remove-container-rules prod"],
    ],
    [
      "in a network that is not ours, which has no rules",
      { host: { networks: without(/svirt:owner/), "network-rules": says("") } },
      [],
    ],
    ["with IPv6, as it is wanted", { host: ipv6, wants: wantsIpv6 }, []],
    [
      "somebody took IPv6 out of its filter",
      { host: { ...ipv6, domains: inactive(ipv6Interface) }, wants: wantsIpv6 },
      [...stop, ...start],
    ],
    [
      "its rules are those of another address of IPv6",
      { host: { ...ipv6, "network-rules": both(ipv6Rules, swap(ADDRESS6, "fd42::9")) }, wants: wantsIpv6 },
      writeRules,
    ],
    // Changes of what is wanted.
    ["IPv6 besides", { wants: wantsIpv6 }, [...stop, ...redefine, ...writeRules, ...start]],
    ["IPv6 no more", { host: ipv6 }, [...stop, ...redefine, ...writeRules, ...start]],
    ["ports of the host", { wants: { hostPorts: ["tcp/5432"] } }, writeRules],
    ["another container", { wants: { talksTo: ["10.213.0.9"] } }, writeRules],
    ["all that are not isolated", { wants: { isolated: false } }, writeRules],
    ["fewer connections", { wants: { connections: 100 } }, writeRules],
    ["more memory", { wants: { memory: "1GiB" } }, ["fit-memory", ...redefine, "set-limits"]],
    [
      "more memory, while it is shut off",
      { host: { domains: shutOff }, wants: { memory: "1GiB" } },
      [...redefine, "set-limits", ...start],
    ],
    [
      "half a processor, as systemd writes it",
      {
        host: { slices: both(swap("CPUQuota=", "CPUQuota=50.00%"), swap("max 100000", "50000 100000")) },
        wants: { cpus: 0.5 },
      },
      [],
    ],
    ["fewer tasks", { wants: { tasks: 100 } }, ["set-limits"]],
    [
      "fewer processors, and more of them than others",
      { wants: { cpus: 0.5, cpuWeight: 200, ioWeight: 50 } },
      ["set-limits"],
    ],
    ["not to be started again", { wants: { restart: "never" } }, ["set-metadata"]],
    ["the same memory in other words", { wants: { memory: "524288KiB" } }, []],
    ["another revision of the root", { wants: { revision: 2 } }, [...stop, ...redefine, ...start]],
    ["another port to wait for", { wants: { awaitPort: 80 } }, []],
    [
      "another label",
      { wants: { label: "system_u:system_r:svirt_lxc_sys_t:s0:c1,c512" }, had: { label: domainInputs.label } },
      [...stop, ...redefine, ...start],
    ],
    [
      "another range of ids",
      { wants: { idmap: { start: 1879113728, count: 65536 } }, had: { idmap: domainInputs.idmap } },
      [...stop, ...redefine, ...start],
    ],
    ["another folder", { wants: { path: "/srv/root" } }, [...stop, ...redefine, ...start]],
    [
      "another address",
      { wants: { address: "10.213.0.3" } },
      [
        "stop-container",
        "release-address 10.213.0.2",
        "reserve-address 10.213.0.3",
        "redefine-domain",
        "write-container-rules",
        "start-container",
        "await-boot 10.213.0.3:22",
      ],
    ],
    [
      "our former name",
      { host: { domains: swap("LxcDomain/web", "LxcDomain/old") }, had: { owner: "svirt-lxc/lab/LxcDomain/old" } },
      ["set-metadata"],
    ],
  ],
  { namesAllDrift: true },
);

refusals(lxcDomain, domainInputs, [
  [
    "a limit that the kernel has no controller for",
    { host: { slices: swap(" io ", " ") }, wants: { ioWeight: 50 } },
    ["limit-unavailable", /no controller io /, /leave out ioWeight/],
  ],
  [
    "another stack's domain",
    { host: { domains: swap("svirt-lxc/lab/", "svirt-lxc/prod/") } },
    ["not-ours", /belongs to svirt-lxc\/prod\/LxcDomain\/web/, /another name/],
  ],
  [
    "a domain that someone made by hand",
    { host: { domains: withoutElement("metadata") } },
    ["not-ours", /does not carry our mark/, /another name.* adopt: true/],
  ],
  [
    "the same, to be adopted, but it is another one",
    {
      host: { domains: both(withoutElement("metadata"), inactive(swap("524288", "262144"))) },
      wants: { adopt: true, revision: 0 },
    },
    [
      "not-adoptable",
      /does not carry our mark\nmemory: "256MiB" on the host, "512MiB" declared$/,
      /declare it as it is/,
    ],
  ],
  [
    "another stack's domain with another MAC and label, to be adopted",
    {
      host: {
        domains: both(
          swap("svirt-lxc/lab/", "svirt-lxc/prod/"),
          inactive(both(swap("c0,c512", "c1,c512"), swap(/mac address='[^']*'/, "mac address='52:54:00:00:00:01'"))),
        ),
      },
      wants: { adopt: true },
    },
    [
      "not-adoptable",
      /label: "\S+:c1,c512" on the host, .*\ndrift: \["devices\/interface\/mac@address=52:54:00:00:00:01"\] on the host, \[\] declared/,
      /another name/,
    ],
  ],
  [
    "the address is another container's",
    { host: { networks: reserved("<host mac='02:00:00:00:00:01' name='db' ip='10.213.0.2'/>") } },
    ["address-reserved", /for db \(02:00:00:00:00:01\)/, /slot/],
  ],
  [
    "the name is that of somebody else's machine, in a network of somebody else's",
    {
      host: {
        networks: both(reserved("<host mac='52:54:00:00:00:01' name='web' ip='10.213.0.50'/>"), without(/svirt:owner/)),
      },
    },
    ["name-reserved", /10.213.0.50 for web \(52:54:00:00:00:01\)/, /another name/],
  ],
  [
    "the address is reserved for a MAC without a name",
    { host: { networks: reserved("<host mac='02:00:00:00:00:01' ip='10.213.0.2'/>") } },
    ["address-reserved", /02:00:00:00:00:01/, /slot/],
  ],
]);

const rules = ["remove-container-rules svirt-lxc"];
removals(lxcDomain, domainInputs, [
  [
    "a running container",
    {},
    [...stop, ...rules, "remove-slice", "remove-proof", "undefine-domain", "release-address 10.213.0.2"],
  ],
  [
    "a stopped one",
    { host: { domains: shutOff } },
    [...rules, "remove-slice", "remove-proof", "undefine-domain", "release-address 10.213.0.2"],
  ],
  ["the domain is gone already", { host: { domains: says("") } }, ["release-address 10.213.0.2"]],
  [
    "the reservation is gone already",
    { host: { networks: noReservation } },
    [...stop, ...rules, "remove-slice", "remove-proof", "undefine-domain"],
  ],
  [
    "rules in two networks",
    { host: { "network-rules": added("/var/lib/svirt-lxc/networks/prod/containers/web.nft:x") } },
    [
      ...stop,
      ...rules,
      "remove-container-rules prod",
      "remove-slice",
      "remove-proof",
      "undefine-domain",
      "release-address 10.213.0.2",
    ],
  ],
  ["all is gone already", { host: nothing }, []],
  ["another stack's", { host: { domains: swap("svirt-lxc/lab/", "svirt-lxc/prod/") } }, []],
  [
    "somebody else's machine of that name keeps its address",
    {
      host: {
        domains: says(""),
        networks: both(reserved("<host mac='52:54:00:00:00:01' name='web' ip='10.213.0.50'/>"), without(/svirt:owner/)),
      },
    },
    [],
  ],
  [
    "another container's address is left to it",
    { host: { networks: reserved("<host mac='02:00:00:00:00:01' name='db' ip='10.213.0.2'/>") } },
    [...stop, ...rules, "remove-slice", "remove-proof", "undefine-domain"],
  ],
]);
