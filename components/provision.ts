import * as pulumi from "@pulumi/pulumi";
import { type ContainerLogin, loginScript } from "../provider/host/container-ssh.ts";
import { sha256 } from "../provider/host/digest.ts";
import { plainHostOptions, plainOptions } from "../provider/host/ssh.ts";
import { type Command, runCommand } from "./command.ts";

/** A command that is run in a container, as its root. */
export interface ProvisionCommand {
  /** A script of sh, which ends at the first command that fails. */
  run: pulumi.Input<string>;
  /** Its standard input: the way of secrets, which state then holds encrypted. */
  stdin?: pulumi.Input<string>;
}

/** The container whose commands these are. */
export interface Provisioned {
  login: pulumi.Input<ContainerLogin>;
  /** Tells this root from another one of the same name: in a root that was made anew, everything is run again. */
  root: pulumi.Input<string>;
}

/**
 * Runs commands in a container, one after the other. One that changed is run again, and so are those after it, which may build
 * on it, as in a container file.
 */
export function provision(
  name: string,
  { login, root }: Provisioned,
  commands: readonly (string | ProvisionCommand)[],
  opts: pulumi.CustomResourceOptions,
): Command[] {
  const made: Command[] = [];
  const triggers: pulumi.Input<unknown>[] = [root];
  for (const [index, command] of commands.entries()) {
    const { run, stdin } = typeof command === "string" ? { run: command } : command;
    // Of what is secret, the digest shows that it changed, without another copy of it.
    triggers.push(run, ...(stdin === undefined ? [] : [pulumi.secret(pulumi.output(stdin).apply(sha256))]));
    const script = pulumi.output(login).apply(scriptFor);
    const dependsOn = made.slice(-1);
    made.push(
      runCommand(`${name}-${index}`, { command: run, script, stdin, triggers: [...triggers] }, { ...opts, dependsOn }),
    );
  }
  return made;
}

async function scriptFor(login: ContainerLogin): Promise<string> {
  const options = await plainOptions({ destination: login.address });
  return loginScript(login, options, await plainHostOptions(login.connection));
}
