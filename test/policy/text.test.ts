import { CONTROLS, QUESTIONS, type Question } from "../../provider/confinement/questions.ts";
import { type Access, type CompiledPolicy, compilePolicy, ensurePolicyTools } from "../support/policy/tools.ts";
import { MODULE_TEXT } from "../support/recorded.ts";

/**
 * What the policy's own text says, compiled with Debian's: without a host, and so in seconds. Of Fedora's policy nothing is asked
 * here (docs/policy.md).
 */

const OWN = "s0:c1,c2";
const CONTAINER = `system_u:system_r:svirt_lxc_sys_t:${OWN}`;

let root: string;
let policy: CompiledPolicy;

beforeAll(async () => {
  root = await ensurePolicyTools();
  policy = await compilePolicy(root, [MODULE_TEXT]);
}, 20 * 60_000);

afterAll(() => policy.remove());

const contextsOf = ({ target }: Question) =>
  target === "SELF" ? [CONTAINER] : target.split("|").map((context) => context.replace(/OWN$/, OWN));

/** Of each question, what a policy allows of it; undefined if it has none of the targets. */
async function answers(of: CompiledPolicy, questions: readonly Question[]): Promise<(string[] | undefined)[]> {
  const asked = questions.map((question) =>
    contextsOf(question).map((target): Access => ({ source: CONTAINER, target, class: question.class })),
  );
  const found = await of.allowed(asked.flat());
  return questions.map(({ permissions }) => {
    const allowed = found.splice(0, asked.shift()!.length).filter((one) => one !== undefined);
    if (allowed.length === 0) return undefined;
    return allowed.flat().filter((permission) => permissions === "all" || permissions.includes(permission));
  });
}

/** A line for each question of which something is open, or "-" where the policy has no such type. */
async function open(of: CompiledPolicy): Promise<string[]> {
  const found = await answers(of, QUESTIONS);
  return QUESTIONS.map(({ target, class: name }, i) => `${target} ${name}: ${found[i] ?? "-"}`).filter(
    (row) => !row.endsWith(": "),
  );
}

/** Types that only Fedora's policy has. */
const ABSENT = ["system_u:object_r:usermodehelper_t:s0 file: -"];

test("what is to be refused is refused by the text of the policy, and what it needs is not", async () => {
  expect(await open(policy)).toEqual(ABSENT);
  expect(await answers(policy, CONTROLS)).toEqual(CONTROLS.map(({ permissions }) => permissions));
});

test("rows that other rules open are named", async () => {
  const rules = `
(allow svirt_lxc_sys_t var_log_t (file (read)))
(allow domain sysctl_vm_t (file (write)))
(allow svirt_lxc_sys_t svirt_lxc_sys_t (process (setexec)))`;
  const opened = await compilePolicy(root, [MODULE_TEXT, rules]);
  expect(await open(opened)).toEqual([
    "SELF process: setexec",
    "system_u:object_r:var_log_t:s0 file: read",
    "system_u:object_r:sysctl_vm_t:s0 file: write",
    ...ABSENT,
  ]);
  await opened.remove();
});

test("a rule that breaks what the distribution never allows makes no policy", async () => {
  const rule = "(allow svirt_lxc_sys_t shadow_t (file (read)))";
  await expect(compilePolicy(root, [MODULE_TEXT, rule])).rejects.toThrow(/neverallow/);
});

/** Classes of objects, or who may, of the rules that are found. */
const classes = (rules: string[]) => rules.map((rule) => /:(\w+) /.exec(rule)?.[1]);
const sources = (rules: string[]) => rules.map((rule) => rule.split(" ")[1]);
const targets = (rules: string[]) => rules.map((rule) => /^allow \S+ (\w+):/.exec(rule)?.[1]);

// docs/policy.md, "What it guarantees".
test.each<[claim: string, options: string, of: (rules: string[]) => unknown, expected: string[]]>([
  [
    "a container has no capability over the host",
    "-s svirt_lxc_sys_t -c capability,capability2,cap2_userns",
    sources,
    [],
  ],
  ["nothing of the store is a container's", "-s svirt_lxc_sys_t -t svirt_lxc_store_t", sources, []],
  ["no disk is a container's from below", "-s svirt_lxc_sys_t -t svirt_lxc_disk_t", sources, []],
  ["nobody in a container gives labels", "-s svirt_lxc_sys_t -p relabelfrom,relabelto", sources, []],
  [
    "of other tools' containers it has folders, links, devices",
    "-s svirt_lxc_sys_t -t container_file_t",
    classes,
    ["chr_file", "dir", "filesystem", "lnk_file"],
  ],
  ["other tools' containers reach no store", "-s container_t -t svirt_lxc_store_t", classes, ["filesystem"]],
  ["other tools' containers reach no disk", "-s container_t -t svirt_lxc_disk_t -c file,blk_file", classes, []],
  ["other tools' containers reach no root", "-s container_t -t svirt_lxc_root_t", classes, ["filesystem"]],
  ["only libvirt's controller starts one", "-t svirt_lxc_sys_t -c process -p transition", sources, ["virtd_lxc_t"]],
  [
    "a root is not mounted without its label",
    "-s svirt_lxc_mount_t -c filesystem -p mount",
    targets,
    ["svirt_lxc_root_t"],
  ],
  ["the mounter has no disk", "-s svirt_lxc_mount_t -c blk_file", sources, []],
  [
    "the guard writes what it found, and what it asks the kernel",
    "-s svirt_lxc_guard_t -c file -p write",
    targets,
    ["security_t", "svirt_lxc_guard_t", "svirt_lxc_proof_t"],
  ],
])("%s", async (_, options, of, expected) => {
  expect(of(await policy.rules("-A", ...options.split(" ")))).toEqual(expected);
});

test("the key is read by who signs, and by those who read all files of the host", async () => {
  const readers = await policy.rules("-A", "-t", "svirt_lxc_evidence_t", "-c", "file", "-p", "read");
  expect(sources(readers.filter((rule) => !rule.includes(" file_type:")))).toEqual(["svirt_lxc_sign_t"]);
  const readsAll = sources(readers.filter((rule) => rule.includes(" file_type:")));
  expect(readsAll.filter((type) => /svirt|virt|container/.test(type!))).toEqual([]);
});

test("no type of ours is permissive, and one family's block took", async () => {
  expect(await policy.info("--permissive")).not.toContain("svirt_lxc");
  const types = (await policy.info("-t")).split("\n").map((line) => line.trim());
  expect(types.filter((type) => type.startsWith("svirt_lxc_took_"))).toEqual(["svirt_lxc_took_refpolicy_t"]);
});
