import { sha256 } from "../../../provider/host/digest.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain/index.ts";
import { USERLAND } from "../../../provider/tools/capabilities.ts";
import { parseDomainXml } from "../../../provider/tools/domain-xml.ts";
import { INIT } from "../../../provider/tools/init.ts";
import { domainInputs } from "../../support/inputs.ts";
import { type Case, given } from "../../support/plans.ts";
import {
  added,
  both,
  type Edit,
  type Edits,
  recordedOutcome,
  says,
  swap,
  without,
  withoutElement,
} from "../../support/recorded.ts";

// What matters in the steps of a domain besides that they are there, and what it is judged to be.

type Inputs = Parameters<typeof lxcDomain.plan>[1];
const of = (case_: Case<Inputs>) => given(lxcDomain, domainInputs as Inputs, case_);
const step = (case_: Case<Inputs>, id: string) => {
  const { observed, desired } = of(case_);
  return lxcDomain.plan(observed, desired).find((s) => s.id === id)!;
};

test("what is defined says all that was asked for; a domain that is there keeps its UUID", () => {
  const { owner, name, path, label, idmap, network } = domainInputs;
  const mac = "02:00:0a:d5:00:02";
  const slice = { partition: "/machine/svirt-lxc/web", restart: "on-failure" };
  const its = {
    ...slice,
    init: INIT,
    capabilities: USERLAND,
    mac,
    filteredAddress: domainInputs.address,
    revision: 1,
    extras: [],
  };
  const spec = { owner, retain: false, name, root: path, label, idmap, network, ...its };
  const define = step({ host: { domains: says("") } }, "define-domain");
  expect(define.argv).toEqual(["virsh", "-q", "-c", "lxc:///", "define", "/dev/stdin"]);
  expect(parseDomainXml(define.stdin!)).toEqual({ ...spec, memory: 524288, uuid: undefined });
  const redefine = step({ wants: { memory: "1GiB" } }, "redefine-domain");
  const uuid = "fbe3c494-40f4-4cc9-893b-bddcdcca9f3a";
  expect(parseDomainXml(redefine.stdin!)).toEqual({ ...spec, memory: 1048576, uuid });
});

test("a boot is waited for after the lock, and knows whose denials to show", () => {
  const wait = step({ host: { domains: says("") } }, "await-boot");
  expect(wait.phase).toBe("after");
  const argv = ["web", "10.213.0.2", "22", "s0:c0,c512", domainInputs.path, "1879048192"];
  expect(wait.argv.slice(-7, -1)).toEqual(argv);
  expect(wait.report).toBe(true);
});

test("what is signed is what was found, or what was wrong, before it is stopped", () => {
  const sign = step({ host: { signed: without(/found/) } }, "sign-evidence");
  expect(sign.stdin).toMatch(/^kernel\tenforcing\npolicy\tasked\n(.+\t.+\n)*mounts\toverlay at \/\n$/);
  expect(sign.argv).toContain(sha256(sign.stdin!));
  const wrong = step({ host: { evidence: swap("enforce 1", "enforce 0") } }, "sign-evidence");
  expect(wrong.phase).toBeUndefined();
  expect(wrong.stdin).toMatch(/^kernel\tnot enforcing\tSELinux is not enforcing: .*\n/);
});

const verdicts: [name: string, case_: Case<Inputs>, verdict: RegExp][] = [
  ["as recorded", {}, /^confined$/],
  ["shut off", { host: { domains: swap("yes running", "yes shut off") } }, /^not running$/],
  ["a stray process", { host: { evidence: swap(/(process 6608 .*) system_u:\S+/, "$1 a:b:spc_t:s0") } }, /spc_t/],
  ["no idmap", { host: { evidence: without(/^uid_map/) } }, /^unconfined: its uids/],
  ["permissive", { host: { evidence: swap("enforce 1", "enforce 0") } }, /^unconfined: .*enforcing/],
  ["the label of another root", { wants: { label: "a:b:svirt_lxc_sys_t:s0:c1,c513" } }, /^unconfined: .*c1,c513/],
  ["nothing to be seen", { host: { evidence: says("enforce 1\n") } }, /^unconfined: .*no process/],
];

test.each(verdicts)("verdict and verification: %s", (_, case_, verdict) => {
  const { observed, desired } = of(case_);
  expect(lxcDomain.outputs(observed, desired).verdict).toMatch(verdict);
  const failed = lxcDomain.verify!(observed, desired);
  if (!observed.running || observed.verdict?.confined) return expect(failed).toBeUndefined();
  expect(failed!.problem).toMatchObject({ code: "not-confined" });
  expect(failed!.problem.why).toBeTruthy();
  // Last, so that nothing keeps it from being stopped.
  const signed = observed.unsigned ? ["sign-evidence"] : [];
  expect(failed!.containment.map((s) => s.id)).toEqual(["destroy-domain", "disable-autostart", ...signed]);
  for (const { argv } of failed!.containment) expect(argv).toContain("web");
});

test("outputs: the labels of all processes, and no count that changes by itself", () => {
  const { observed, desired } = of({});
  expect(lxcDomain.id(desired, observed)).toBe("web");
  expect(lxcDomain.exists(observed, desired)).toBe(true);
  expect(lxcDomain.outputs(observed, desired)).toEqual({
    labels: ["system_u:system_r:svirt_lxc_sys_t:s0:c0,c512"],
    verdict: "confined",
    evidence: /found:(\w+)/.exec(recordedOutcome("signed").stdout)![1],
    mac: "02:00:0a:d5:00:02",
  });
  const more = swap(/^(process) 6608 (.*)$/m, "$1 6608 $2\n$1 7000 $2");
  expect(of({ host: { evidence: more } }).observed).toEqual(observed);
});

test("who came in from outside is told, and is in neither outputs nor state", () => {
  const shell = "process 7000 0 4026532278 6729 unconfined_u:r:unconfined_t:s0 0::/user.slice/x 1 2 3 4 5 0 - bash";
  const { observed, desired } = of({ host: { evidence: added(shell) } });
  expect(lxcDomain.notices!(observed, desired)).toEqual([
    expect.stringMatching(/not restarted.*: bash \(unconfined_u:r:unconfined_t:s0, user 0\)$/),
  ]);
  const alone = of({});
  expect(lxcDomain.notices!(alone.observed, desired)).toEqual([]);
  const { host: _, ...kept } = observed;
  const { host: __, ...keptAlone } = alone.observed;
  expect(kept).toEqual(keptAlone);
  expect(lxcDomain.outputs(observed, desired)).toEqual(lxcDomain.outputs(alone.observed, desired));
});

test("what a refresh names", () => {
  const host = {
    domains: both(
      swap("524288</memory>", "1048576</memory>"),
      both(swap("524288</currentMemory>", "1048576</currentMemory>"), swap('revision="1"', 'revision="0"')),
    ),
    evidence: swap("inet 10.213.0.2/", "inet 10.213.0.77/"),
  };
  const { observed, desired } = of({ host });
  expect(lxcDomain.actualInputs(observed, desired)).toEqual({
    memory: "1GiB",
    restart: "on-failure",
    label: domainInputs.label,
    path: domainInputs.path,
    idmap: domainInputs.idmap,
    network: "svirt-lxc",
    revision: 0,
    address: "10.213.0.77",
  });
  const bare = of({ host: { domains: both(withoutElement("seclabel"), withoutElement("interface")) } });
  expect(lxcDomain.actualInputs(bare.observed, bare.desired)).toMatchObject({ label: "none", network: "none" });
  const gone = of({ host: { domains: says("") } });
  expect(lxcDomain.actualInputs(gone.observed, gone.desired)).toEqual({});
});

const live = (edit: Edit) => (text: string) => text.replace(/@live .*/s, edit);
const slice = (partition: string) => swap("<partition>/machine/svirt-lxc/web<", `<partition>${partition}<`);
const drifts: [name: string, host: Edits, drift: (string | RegExp)[]][] = [
  ["stopped", { domains: swap("yes running", "yes shut off") }, ["state=shut off"]],
  ["paused", { domains: swap("yes running", "yes paused") }, ["state=paused"]],
  ["not started at boot", { domains: swap("@domain yes", "@domain no") }, ["autostart=no"]],
  ["another program", { domains: swap(/<init>\/bin\/sh/g, "<init>/bin/bash") }, [/^os\/init=\/bin\/bash -c /]],
  ["out of its slice", { domains: live(slice("/other")) }, ["started with partition=/other"]],
  [
    "no swap limit at the next start",
    { slices: swap("SwapMax=0", "SwapMax=1") },
    ["MemoryMax=603979776", "MemorySwapMax=1"],
  ],
  [
    "another MAC",
    { domains: swap(/mac address='[^']*'/g, "mac address='52:54:00:00:00:01'") },
    ["devices/interface/mac@address=52:54:00:00:00:01"],
  ],
  ["more processors", { domains: swap("static'>1</vcpu>", "static'>2</vcpu>") }, ["vcpu=2"]],
  ["started with more processors", { domains: live(swap(">1</vcpu>", ">2</vcpu>")) }, ["started with vcpu=2"]],
  [
    "redefined with more processors and memory, while it runs as it should",
    {
      domains: (text) =>
        text.replace(
          /@xml .*(?=@live )/s,
          both(
            swap(">1</vcpu>", ">2</vcpu>"),
            both(swap("524288</memory>", "1048576</memory>"), swap("524288</current", "1048576</current")),
          ),
        ),
    },
    ["vcpu=2"],
  ],
  ["in no bridge", { evidence: swap(" master svirt-lxc ", " ") }, ["devices/interface: in no bridge"]],
  ["its reservation is lost", { networks: without(/<host mac/) }, ["reservation=none"]],
  [
    "its reservation is another's",
    { networks: swap(/<host mac.*\/>/, "<host mac='02:00:00:00:00:01' name='web' ip='10.213.0.9'/>") },
    ["reservation=10.213.0.9 for 02:00:00:00:00:01"],
  ],
  [
    "a stray process",
    { evidence: swap(/(process 6608 .*) system_u:\S+/, "$1 a:b:spc_t:s0") },
    [/^not as .* runs sshd$/],
  ],
];
test.each(drifts)("a refresh names drift of no input: %s", (_, host, drift) => {
  const { observed, desired } = of({ host });
  expect(lxcDomain.actualInputs(observed, desired).drift).toEqual(
    drift.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))),
  );
  expect(lxcDomain.plan(observed, desired)).not.toEqual([]);
});
test("a refresh names no drift where there is none", () => {
  const { observed, desired } = of({});
  expect(lxcDomain.actualInputs(observed, desired)).not.toHaveProperty("drift");
});
