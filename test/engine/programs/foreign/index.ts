import * as pulumi from "@pulumi/pulumi";
import { LxcContainer, LxcHost } from "svirt-lxc";

const config = new pulumi.Config();
const host = new LxcHost("alpha", { connection: { ssh: "alpha" } });
const image = host.image("base", { archive: config.require("archive") });
const web = new LxcContainer("web", {
  host,
  image,
  memory: "256MiB",
  rootPassword: config.requireSecret("password"),
  units: ["nginx.service"],
});

export const verdict = web.verdict;
