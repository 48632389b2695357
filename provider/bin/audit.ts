#!/usr/bin/env node
import { execa } from "execa";
import { auditCommand } from "../audit-command.ts";

/** `npx svirt-lxc-audit`: the audit in a project that has the package, by the pulumi of its PATH. */
try {
  const { text, code } = await auditCommand(process.argv.slice(2), { command: "npx svirt-lxc-audit", exportStack });
  console.log(text);
  process.exitCode = code;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function exportStack(stack: string | undefined): Promise<string> {
  const named = stack === undefined ? [] : ["--stack", stack];
  const args = ["stack", "export", "--non-interactive", ...named];
  const { stdout, stderr, failed, code } = await execa("pulumi", args, { reject: false });
  if (code === "ENOENT") throw new Error("pulumi was not found on the PATH, which tells what the stack has");
  if (failed) throw new Error(`\`pulumi ${args.join(" ")}\` failed: ${stderr.trim()}`);
  return stdout;
}
