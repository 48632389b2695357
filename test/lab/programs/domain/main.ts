import * as pulumi from "@pulumi/pulumi";
import { LxcDomain, type LxcDomainArgs } from "svirt-lxc";

new LxcDomain("stranger", new pulumi.Config().requireObject<LxcDomainArgs>("domain"));
