import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../provider/host/connection.ts";
import { rootScript } from "../provider/host/container-ssh.ts";
import { plainHostOptions } from "../provider/host/ssh.ts";
import { needsReboot, upgradeScript } from "../provider/tools/upgrade.ts";
import { type Command, runCommand } from "./command.ts";

interface UpgradeArgs {
  connection: pulumi.Input<Connection>;
  /** The machine-id(5) that the host must have. */
  machine: pulumi.Input<string>;
  /** The upgrade is run again when it changes. */
  trigger: pulumi.Input<string>;
}

/** Upgrades the packages of a host; the output says whether it needed a reboot then. It is never rebooted. */
export function upgradeHost(
  name: string,
  { connection, machine, trigger }: UpgradeArgs,
  opts: pulumi.CustomResourceOptions,
): { command: Command; needsReboot: pulumi.Output<boolean> } {
  const script = pulumi.all([connection, machine]).apply(([to, id]) => scriptFor(to, id));
  const command = runCommand(`${name}-upgrade`, { command: "upgrade", script, triggers: [trigger] }, opts);
  return { command, needsReboot: command.stdout.apply(needsReboot) };
}

async function scriptFor(connection: Connection, machine: string): Promise<string> {
  return rootScript(connection, upgradeScript(machine), await plainHostOptions(connection));
}
