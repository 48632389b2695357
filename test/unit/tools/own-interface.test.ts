import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWN_INTERFACE } from "../../../provider/tools/own-interface.ts";

// The very function, of an ip(8) that prints what it is told: for the host, and for the namespace of a container.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
}
program("ip", `cat '${folder}/'"\${SIDE:-host}"`);
program("nsenter", 'shift 3; SIDE=inside exec "$@"');

const links = (...lines: string[]) => lines.map((line) => `${line}: <UP> mtu 1500 link-netnsid 0\n`).join("");
function ownInterface(host: string[], inside: string[]): string {
  writeFileSync(join(folder, "host"), links(...host));
  writeFileSync(join(folder, "inside"), links(...inside));
  const env = { PATH: `${folder}:${process.env.PATH}` };
  return spawnSync("sh", ["-c", `${OWN_INTERFACE}\nown_interface 7`], { encoding: "utf8", env }).stdout.trim();
}

const HOST = ["10: vnet0@if2", "12: vnet1@if2", "14: vnet2@if4"];
const cases: [name: string, inside: string[], found: string, host?: string[]][] = [
  ["as libvirt named it", ["2: eth0@if12"], "eth0"],
  ["renamed", ["2: lan@if12"], "lan"],
  ["renamed to what looks like another's end", ["2: a@if10@if12"], "a@if10"],
  ["with another index", ["4: eth0@if14"], "eth0"],
  ["after a pair that the root made", ["1: in@out", "3: out@in", "4: eth0@if14"], "eth0"],
  ["with one that leads into a container inside", ["2: lan@if12", "5: eth0@if3"], "lan"],
  ["with one inside whose other end has the number of ours", ["1: eth0@if12", "2: lan@if12"], "lan"],
  ["none any more", ["5: inner@if3"], "eth0"],
  ["no veth pair at all", [], "eth0", []],
];
test.each(cases)("the container's own interface: %s", (_, inside, found, host = HOST) => {
  expect(ownInterface(host, inside)).toBe(found);
});
