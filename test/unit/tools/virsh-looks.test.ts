import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOf, type Read } from "../../../provider/host/batch.ts";
import { domainsRead, parseDomainNames, parseDomains } from "../../../provider/tools/domains.ts";
import { networksRead, parseNetworks } from "../../../provider/tools/network.ts";

// The very commands that ask libvirt, of a virsh that knows two things, and from time to time cannot tell of one.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const program = (name: string, text: string) => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
};
/** Its answers to one look after the other: how many of the two it tells. */
function look(
  read: Read,
  answers: number[],
  { isInstalled = true, isActive = true, live = "<domain/>", uri = "lxc:///" } = {},
) {
  program("systemctl", `case $1 in is-active) exit ${isActive ? 0 : 3};; cat) exit ${isInstalled ? 0 : 1};; esac`);
  const tell = answers.map((documents, i) => `${i}) documents=${documents};;`).join("\n");
  program(
    "virsh",
    `shift 3
case $1 in uri) echo '${uri}'; exit;; list) printf '%-36s %-30s\\n' u1 t1 u2 t2; echo; exit;; net-list) printf 'u1\\nu2\\n\\n'; exit;; esac
n=$(cat '${folder}/n'); echo $((n + 1)) >'${folder}/n'
case $n in ${tell}
esac
for i in 1 2; do
  case $1 in *net-info*) printf '@net Active: yes\\n@xml '; what=network;; *) printf '@domain yes running\\n@xml '; what=domain;; esac
  [ $i -gt $documents ] || printf '<%s>\\n  <name>t%s</name>\\n</%s>\\n' $what $i $what
  [ $what = network ] || printf '@live ${live}\\n'
done`,
  );
  writeFileSync(join(folder, "n"), "0\n");
  const [command = "", ...args] = commandOf(read);
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8", env });
  return { exit: status!, stdout, stderr };
}

const looks = [
  ["domains", domainsRead("*"), parseDomains],
  ["networks", networksRead, parseNetworks],
] as const;
test.each(looks)("%s: all of them are told", (_, read, parse) => {
  expect([...parse(look(read, [2])).keys()]).toEqual(["t1", "t2"]);
});
test.each(looks)("%s: one that came or went during the look is asked for anew", (_, read, parse) => {
  expect([...parse(look(read, [1, 0, 2])).keys()]).toEqual(["t1", "t2"]);
});
test.each(looks)("%s: what cannot be told does not pass for gone", (_, read) => {
  expect(look(read, [1, 1, 1])).toMatchObject({ exit: 1, stdout: "" });
});
test.each(looks)("%s: a libvirt that is stopped is told apart", (_, read) => {
  expect(look(read, [0, 0, 0], { isActive: false })).toMatchObject({ exit: 69, stdout: "" });
});
test.each(looks)("%s: so is one without its LXC driver, which is another package", (_, read) => {
  const uri = "error: no connection driver available for lxc:///";
  expect(look(read, [0, 0, 0], { uri })).toMatchObject({ exit: 69, stdout: "" });
});
test.each(looks)("%s: where only its client is installed there are none", (_, read) => {
  expect(look(read, [0, 0, 0], { isInstalled: false })).toMatchObject({ exit: 0, stdout: "" });
});
test("what is another with each start of a domain is not told", () => {
  const at = (id: number) =>
    [
      `<domain type='\\''lxc'\\'' id='\\''${id}'\\''>`,
      `<source network='\\''n'\\'' portid='\\''p${id}'\\''/>`,
      `<target dev='\\''vnet${id}'\\''/>`,
      `<console type='\\''pty'\\'' tty='\\''/dev/pts/${id}'\\''>`,
      `<source path='\\''/dev/pts/${id}'\\''/>`,
      `<mac address='\\''02:00:00:00:00:01'\\''/>`,
    ].join("\n");
  const first = look(domainsRead("*"), [2], { live: at(1) });
  expect(first.stdout).toContain("<mac address='02:00:00:00:00:01'/>");
  expect(look(domainsRead("*"), [2], { live: at(23) })).toEqual(first);
});
test("a domain that is gone before its live configuration is told does not take the next one with it", () => {
  expect(look(domainsRead("*"), [2, 2, 2], { live: "" })).toMatchObject({ exit: 1, stdout: "" });
});
test("of one container its domain is told, and whoever stands on its root; of the others their names", () => {
  const [web, guest] = ["11111111", "33333333"];
  program("virsh", "shift 3\ncase $1 in list) printf '%s %-30s\\n' 11111111 web 22222222 db 33333333 'a guest';; esac");
  program("systemctl", "exit 0");
  const kept = (name: string, uuid: string, root: string) =>
    writeFileSync(
      join(folder, `${name}.xml`),
      `  <uuid>${uuid}</uuid>\n<source dir='/var/lib/svirt-lxc/roots/${root}/guest/root'/>\n`,
    );
  kept("web", web, "web");
  kept("db", "22222222", "web2");
  kept("a guest", guest, "web");
  const asked = (name: string) => {
    const script = commandOf(domainsRead(name))[2]!.replaceAll(/\/(etc|run)\/libvirt\/lxc/g, `'${folder}'`);
    const telling = script.replace("documents=$(list_all", 'echo "$these" >&2; documents=$(: list_all');
    const { stdout, stderr } = spawnSync("sh", ["-c", telling, "sh", name], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
    return { uuids: stderr.split("\n").filter(Boolean), names: [...parseDomainNames({ exit: 0, stdout, stderr })] };
  };
  expect(asked("web")).toEqual({ uuids: [web, guest], names: ["web", "db", "a guest"] });
  expect(asked("db").uuids).toEqual(["22222222"]);
  expect(asked("none").uuids).toEqual([]);
  expect(asked("*").uuids).toEqual([web, "22222222", guest]);
});
