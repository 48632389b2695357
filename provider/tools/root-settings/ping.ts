import { mountedRoot } from "../root-mount.ts";
import { insideStep, type Setting } from "./setting.ts";
import { fileLine, tmpfiles } from "./tmpfiles.ts";

const SYSCTL = "etc/systemd/system/systemd-sysctl.service.d/svirt-lxc.conf";

/**
 * Every group may ping. Today's ping has no file capability (Debian 13), but relies on this setting (icmp(7)); what distributions
 * set, all 2^31 groups, the kernel refuses in a user namespace that has fewer. systemd-sysctl does not run in a container, since
 * /proc/sys/net is read-only there as a whole; systemd-tmpfiles takes the way to the file for unsafe.
 */
const PING = `[Unit]
ConditionPathIsReadWrite=
ConditionPathIsReadWrite=/proc/sys/net/ipv4

[Service]
ExecStart=
ExecStart=/bin/sh -c 'echo 0 65535 >/proc/sys/net/ipv4/ping_group_range'
`;

export const ping = {
  inputs: {},
  files: [SYSCTL],
  /** The file that has every user ping is there, as we write it. */
  found: (look) => ({ pingFile: look.file(SYSCTL)?.join("\n") === PING.trimEnd() }),
  steps(target, found) {
    if (found.pingFile) return [];
    const step = { id: "allow-ping", title: "Allowing every user to ping" };
    return [insideStep(target, step, tmpfiles(mountedRoot(target.name)), fileLine(`/${SYSCTL}`, "0644", PING))];
  },
  actual: () => ({}),
} satisfies Setting<object, { pingFile: boolean }>;
