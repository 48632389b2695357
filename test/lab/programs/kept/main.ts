import * as pulumi from "@pulumi/pulumi";
import { LxcHost, LxcImage, LxcStore, SelinuxEnforcing, SelinuxPolicy } from "svirt-lxc";

const config = new pulumi.Config();
const connection = config.requireObject<{ ssh: string; sshConfig: string }>("connection");
const archive = config.require("archive");
if (config.getBoolean("policyAlone")) {
  const store = new LxcStore("lab", { connection });
  const common = (kind: string, name = "lab") => ({ connection, ...store.argsOf(kind, name) });
  const enforcing = new SelinuxEnforcing("lab", common("SelinuxEnforcing"), { dependsOn: store });
  const policy = new SelinuxPolicy("lab", common("SelinuxPolicy"), { dependsOn: enforcing });
  new LxcImage("base", { archive, ...common("LxcImage", "base") }, { dependsOn: policy });
} else {
  new LxcHost("lab", { connection }).image("base", { archive });
}
