import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { INSTALLED_GUARD, parseGuard, parseRefusal, SCRIPT } from "../../provider/confinement/guard.ts";
import { domainInputs } from "../support/inputs.ts";
import { both, type Edit, printed, recordedOutcome, swap } from "../support/recorded.ts";

// The very script, on the definition of the recorded container and files of a folder that pass for the kernel's and the store's.
const VNET = "vnet3"; // looks at domains leave it out: it differs each time
const XML = swap(
  "<port isolated='yes'/>",
  `<port isolated='yes'/><target dev='${VNET}'/>`,
)(recordedOutcome("domains").stdout.split(/^@live /m)[1]!);
const { label } = domainInputs;
let folder: string;
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
  const store = "/var/lib/svirt-lxc";
  for (const name of ["proofs", "unsigned"]) mkdirSync(join(folder, store, name), { recursive: true });
  put(`${store}/slots/0`, '{"owner":"svirt-lxc/lab/LxcRootfs/web","name":"web"}\n');
  put(`${store}/roots/web/root.json`, '{"owner":"svirt-lxc/lab/LxcRootfs/web","slot":0,"image":"x"}\n');
  put("/sys/fs/selinux/enforce", "1");
  put("/run/libvirt/lxc/web.pid", "100\n");
  put("/proc/100/task/100/children", "101 ");
  put("/proc/101/attr/current", `${label}\n`);
  for (const map of ["uid_map", "gid_map"]) put(`/proc/101/${map}`, "         0 1879048192      65536\n");
  put("/proc/101/cgroup", "0::/machine.slice/machine-svirt\\x2dlxc.slice/machine-svirt\\x2dlxc-web.slice/x.scope\n");
  put(`/sys/class/net/${VNET}/brport/isolated`, "1\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

function guard(operation: string, edit: Edit = (xml) => xml, name = "web") {
  const script = SCRIPT.replaceAll(/\/(proc|sys|run|var)\//g, `${folder}/$1/`);
  const argv = ["-c", script, "sh", name, operation, "begin", "-"];
  const { status, stderr } = spawnSync("sh", argv, { input: edit(XML), encoding: "utf8" });
  return { status, stderr };
}
/** What it hands over to be signed, by the names of the files. */
const unsigned = () => {
  const at = join(folder, "/var/lib/svirt-lxc/unsigned");
  return readdirSync(at).map((file) => [file.replace(/\d+$/, "N"), readFileSync(join(at, file), "utf8")]);
};
const proof = () => readFileSync(join(folder, "/var/lib/svirt-lxc/proofs/web"), "utf8");

test("what is as declared is proven", () => {
  expect(guard("started")).toEqual({ status: 0, stderr: "" });
  expect(proof()).toBe("proven 101\n");
  const facts = [
    "kernel\tenforcing",
    "policy\tasked",
    "uid map\t0→1879048192 (65536)",
    "gid map\t0→1879048192 (65536)",
    `labels\t${label}`,
    "slice\tits own",
    "port\tisolated",
  ];
  expect(unsigned()).toEqual([["web.start.N", `${facts.join("\n")}\n`]]);
});

test("a host that does not sign is not filled up, and its containers start", () => {
  for (let i = 0; i < 999; i++) put(`/var/lib/svirt-lxc/unsigned/db.start.${i}`, "x");
  for (let i = 0; i < 2; i++) expect(guard("started")).toEqual({ status: 0, stderr: "" });
  expect(unsigned()).toHaveLength(1000);
  rmSync(join(folder, "/var/lib/svirt-lxc/unsigned"), { recursive: true });
  expect(guard("started")).toEqual({ status: 0, stderr: "" });
});

const OTHER = both(swap("s0:c0,c512", "s0:c1,c512"), swap("target='1879048192'", "target='1879113728'"));
const ways: [name: string, make: () => void, edit: Edit | undefined, reason: RegExp][] = [
  ["another label in the definition", () => {}, swap("s0:c0,c512", "s0:c1,c512"), /says the label .*c1,c512, not .*c0/],
  ["no label", () => {}, swap(/<seclabel.*<\/seclabel>/s, ""), /says the label /],
  ["a label of libvirt's choice", () => {}, swap("type='static'", "type='dynamic'"), /says the label /],
  ["another container's label and ids", () => {}, OTHER, /ids are of slot 1, which is not recorded/],
  ["no ids", () => {}, swap(/<idmap>.*<\/idmap>/s, ""), /maps its users to no ids/],
  ["the host's ids", () => {}, swap(/target='\d{10}'/g, "target='0'"), /ids are those of no slot: 0/],
  ["other groups", () => {}, swap(/(<gid .*)target='\d+'/, "$1target='0'"), /maps its groups otherwise/],
  ["fewer ids", () => {}, swap(/count='65536'/g, "count='1'"), /another number of ids/],
  ["permissive mode", () => put("/sys/fs/selinux/enforce", "0"), undefined, /not enforcing/],
  [
    "a process that runs otherwise",
    () => put("/proc/101/attr/current", "a:b:virtd_lxc_t:s0"),
    undefined,
    /runs as a:b/,
  ],
  ["ids that are not mapped", () => put("/proc/101/uid_map", "0 0 4294967295"), undefined, /uid_map is 0 0/],
  [
    "the host's ids besides",
    () => put("/proc/101/gid_map", "0 1879048192 65536\n65536 0 1\n"),
    undefined,
    /gid_map is 0 1879048192 65536 and 65536 0 1/,
  ],
  ["a definition without its slice", () => {}, swap("/machine/svirt-lxc/web", "/machine"), /into no slice of its own/],
  ["a slice that is not its own", () => put("/proc/101/cgroup", "0::/machine.slice/x"), undefined, /not in its slice/],
  [
    "a port that is not isolated",
    () => put(`/sys/class/net/${VNET}/brport/isolated`, "0"),
    undefined,
    /no isolated port/,
  ],
  ["a start of which libvirt tells nothing", () => put("/run/libvirt/lxc/web.pid", ""), undefined, /no process of it/],
];
test.each(ways)("%s: the start is ended, with the reason", (_, make, edit, reason) => {
  make();
  // A process that ends while it is polled for ends the polling.
  if (reason.source.includes("runs as")) rmSync(join(folder, "/proc/101/attr"), { recursive: true });
  const { status, stderr } = guard("started", edit);
  expect(status).toBe(1);
  if (!reason.source.includes("runs as")) expect(stderr).toMatch(reason);
  expect(stderr).toMatch(/^svirt-lxc: the container web is not confined: /);
  const why = stderr.trim().replace(/^.*not confined: /, "");
  expect(parseRefusal(printed(`web:${proof()}`), "web")).toBe(why);
  expect(unsigned()).toEqual([["web.start.N", `start\tended\t${why}\n`]]);
});

test("a kernel that does not answer what the policy allows ends it before any process is there", () => {
  expect(guard("prepare")).toMatchObject({ status: 1, stderr: expect.stringMatching(/could not be asked/) });
});

test("other operations, other people's containers and odd names are left alone", () => {
  const foreign = both(swap("urn:svirt-lxc:domain:1", "urn:x"), swap("s0:c0,c512", "s0:c1,c512"));
  for (const operation of ["start", "stopped", "release", "reconnect"]) expect(guard(operation).status).toBe(0);
  for (const name of ["db", "We b", "..", "a/b"]) expect(guard("started", foreign, name).status).toBe(0);
});

test("one whose definition was made anew without a word of ours is still known by its root", () => {
  const anew = both(swap("urn:svirt-lxc:domain:1", "urn:x"), swap("s0:c0,c512", "s0:c1,c512"));
  expect(guard("started", anew).status).toBe(1);
});

test("a record of the slot that was lost stands in the root's", () => {
  rmSync(join(folder, "/var/lib/svirt-lxc/slots"), { recursive: true });
  expect(guard("started")).toEqual({ status: 0, stderr: "" });
});

test("what is listed of it: there as it should be, another, or none; and who was started past it", () => {
  expect(parseGuard(`${INSTALLED_GUARD}\nunseen web\n`)).toEqual({ installed: true, left: true, unseen: ["web"] });
  expect(parseGuard(INSTALLED_GUARD.replace("guard_exec_t", "x_t"))).toMatchObject({ installed: false, left: true });
  expect(parseGuard("\n")).toEqual({ installed: false, left: false, unseen: [] });
});
