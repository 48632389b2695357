import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labTest } from "../support/lab.ts";
import { Stack } from "../support/stack.ts";

/** A mistake in the configuration is told by preview, by path, before any host is asked anything. */

const hosts = { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config" } };
const images = { base: { archive: ".lab-test/base.tar" } };
const web = { host: "lab", image: "base" };

const mistakes: [name: string, containers: object, path: string, allowed: RegExp][] = [
  ["an unknown key", { web: { ...web, memroy: "1GiB" } }, "svirt-lxc:containers.web.memroy", /allowed are .*memory/],
  ["an amount that is none", { web: { ...web, memory: "abc" } }, "svirt-lxc:containers.web.memory", /KiB, MiB or GiB/],
  [
    "a host that is not defined",
    { web: { ...web, host: "lba" } },
    "svirt-lxc:containers.web.host",
    /hosts, which has: lab/,
  ],
  ["a path in a name", { "../../etc": web }, "svirt-lxc:containers.../../etc", /lower-case letters/],
];

labTest("preview names the path of each mistake and what is allowed, and asks no host", async () => {
  const dir = await mkdtemp(join(tmpdir(), "svirt-lxc-mistakes-"));
  for (const [, containers, path, allowed] of mistakes) {
    const config = { "svirt-lxc:hosts": hosts, "svirt-lxc:images": images, "svirt-lxc:containers": containers };
    const stack = await Stack.create("mistake", config, { dir });
    const run = await stack.preview();
    expect(run.ok).toBe(false);
    const line = run.output.split("\n").find((l) => l.includes(`${path}:`));
    expect(line).toMatch(allowed);
    expect(run.output).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(run.roundTrips).toEqual([]);
    await stack.remove();
  }
  await rm(dir, { recursive: true });
});
