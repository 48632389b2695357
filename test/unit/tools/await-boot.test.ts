import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { awaitBoot } from "../../../provider/tools/await-boot.ts";
import { domainInputs } from "../../support/inputs.ts";

// The very command, on a process of this machine that passes for an init, and on programs that tell what a case says.
const folder = mkdtempSync(join(tmpdir(), "svirt-lxc-unit-"));
let controller: ChildProcess;
let init: number;

beforeAll(async () => {
  controller = spawn("sh", ["-c", "sleep 600 & echo $!; wait"], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(controller.stdout!, "data");
  init = Number(line);
  write("libvirt/web.pid", `${controller.pid}\n`);
  write("cgroup", "0::/machine.slice/machine-lxc\\x2d7\\x2dweb.scope/libvirt/init.scope\n");
});
afterAll(() => {
  process.kill(init);
  controller.kill();
  rmSync(folder, { recursive: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}
function program(name: string, text: string): void {
  write(`bin/${name}`, `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, `bin/${name}`), 0o755);
}

interface Host {
  state?: string;
  address?: string;
  ports?: number[];
  units?: string[];
  journal?: string;
  denied?: string;
  /** Awaited. */
  port?: number;
  limit?: number;
}
function run({ state = "running", address, ports = [], units = [], journal = "", denied = "", port, limit = 1 }: Host) {
  program("virsh", `case $4 in domstate) echo '${state}';; esac`);
  program("nsenter", 'shift 3; INSIDE=yes exec "$@"');
  program(
    "ip",
    `case "$INSIDE$*" in
*veth) ;;
*addr*) [ -z '${address ?? ""}' ] || echo '2: eth0    inet ${address}/20 scope global';;
esac`,
  );
  const listening = ports.map((p) => `echo 'LISTEN 0 128 0.0.0.0:${p} 0.0.0.0:*'`).join("\n");
  program(
    "ss",
    `case "$*" in ${ports.map((p) => `*":${p}") echo x;;`).join(" ")} *sport*) ;; *) ${listening || ":"};; esac`,
  );
  program("unshare", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
  write("journal", journal);
  program("journalctl", `case "$*" in *var/log*) cat '${folder}/journal';; esac`);
  write("denied", denied);
  program("ausearch", `cat '${folder}/denied'`);
  rmSync(join(folder, "sys"), { recursive: true, force: true });
  for (const unit of units)
    write(
      `sys/machine.slice/machine-lxc\\x2d7\\x2dweb.scope/libvirt/system.slice/${unit}/cgroup.events`,
      "populated 1\n",
    );
  const step = awaitBoot({ ...domainInputs, port }, limit);
  const [command = "", ...args] = step.argv.map((word) =>
    word
      .replaceAll("/run/libvirt/lxc", `${folder}/libvirt`)
      .replaceAll("/run/svirt-lxc", folder)
      .replaceAll("/proc/$init/cgroup", `${folder}/cgroup`)
      .replaceAll("/sys/fs/cgroup", `${folder}/sys`),
  );
  const env = { PATH: `${folder}/bin:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env, timeout: 30_000 });
  expect(stdout).toBe("");
  return { status, lines: stderr.trim().split("\n") };
}

const comes: [name: string, host: Host][] = [
  ["its address", { address: "10.213.0.2" }],
  ["its address and the port", { address: "10.213.0.2", ports: [22], port: 22 }],
];
test.each(comes)("it is up with %s", (_, host) => {
  expect(run(host)).toEqual({ status: 0, lines: [""] });
});

const fails: [name: string, host: Host, report: (string | RegExp)[]][] = [
  ["no address", {}, ["web was waited for in vain for 1 s: 10.213.0.2", "its interface eth0 has no address"]],
  ["another address", { address: "10.213.0.20" }, ["its interface eth0 has 10.213.0.20/20"]],
  [
    "nothing listens on the port",
    { address: "10.213.0.2", ports: [80, 2222], port: 22 },
    [
      "web was waited for in vain for 1 s: 10.213.0.2, port 22",
      "its interface eth0 has 10.213.0.2/20",
      "it listens on port 80 2222",
    ],
  ],
  [
    "how far its init got",
    { units: ["dbus.service", "ssh.service"] },
    [/^its init, sleep, has run for \d+ s, and has started: dbus ssh$/],
  ],
  [
    "units that failed",
    {
      journal:
        "ssh.service: Failed with result 'exit-code'.\nStopped x.\nssh.service: Failed with result 'exit-code'.\n",
    },
    ["failed units: ssh.service (exit-code)", "the last warnings in its journal:", "the last that its init did:"],
  ],
  [
    "its own denials, of this boot",
    {
      denied: [
        "type=AVC msg=audit(99999999999.1:1): avc:  denied  { read } scontext=a:b:c:s0:c0,c512",
        "type=AVC msg=audit(99999999999.1:2): avc:  denied  { write } scontext=a:b:c:s0:c7,c519",
        "type=AVC msg=audit(1000000000.1:3): avc:  denied  { open } scontext=a:b:c:s0:c0,c512",
      ].join("\n"),
    },
    ["SELinux has denied to s0:c0,c512:", /\{ read \}/],
  ],
  [
    "control characters in what it tells",
    { journal: "\x1b[31mred\x1b[0m \x07\x1b]0;title\x07\n" },
    ["red ??]0;title?"],
  ],
];
test.each(fails)("it does not come up, with a report: %s", (_, host, report) => {
  const { status, lines } = run(host);
  expect(status).toBe(3);
  for (const line of report)
    expect(lines).toContainEqual(typeof line === "string" ? line : expect.stringMatching(line));
  expect(lines.join("\n")).not.toMatch(/c7,c519|\{ open \}/);
});

const early: [name: string, host: Host, first: string][] = [
  ["stopped", { state: "shut off" }, "web has stopped by itself"],
  ["crashed", { state: "crashed" }, "web has stopped by itself"],
  ["paused", { state: "paused" }, "web is paused: virsh -c lxc:/// resume web"],
  ["emergency", { units: ["emergency.service"] }, "web has stopped its boot in emergency mode"],
  ["rescue", { units: ["rescue.service"] }, "web has stopped its boot in rescue mode"],
  ["a libvirt that is gone", { state: "" }, "libvirt does not tell the state of web"],
];
test.each(early)("it is not waited for any longer: %s", (_, host, first) => {
  const { status, lines } = run({ ...host, limit: 600 });
  expect({ status, first: lines[0] }).toEqual({ status: 3, first });
});
