import * as pulumi from "@pulumi/pulumi";
import { LxcStore, type LxcStoreArgs } from "svirt-lxc";

const store = new LxcStore("lab", {
  connection: new pulumi.Config().requireObject<LxcStoreArgs["connection"]>("connection"),
});

export const machine = store.machine;
