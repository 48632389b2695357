import * as pulumi from "@pulumi/pulumi";
import { LxcStore, type LxcStoreArgs, SelinuxEnforcing, SelinuxPolicy } from "svirt-lxc";

const connection = new pulumi.Config().requireObject<LxcStoreArgs["connection"]>("connection");
const store = new LxcStore("lab", { connection });
const common = (kind: string) => ({ connection, ...store.argsOf(kind, "lab") });
const enforcing = new SelinuxEnforcing("lab", common("SelinuxEnforcing"), { dependsOn: store });
new SelinuxPolicy("lab", common("SelinuxPolicy"), { dependsOn: enforcing });
