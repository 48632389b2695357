/** The public API: two components, the resources that they are made of, and their types. */
export { LxcContainer, type LxcContainerArgs } from "./components/lxc-container.ts";
export { LxcHost, type LxcHostArgs } from "./components/lxc-host.ts";
export type { ProvisionCommand } from "./components/provision.ts";
export type { Connection, ConnectionArgs } from "./provider/host/connection.ts";
export { LibvirtService, type LibvirtServiceArgs } from "./provider/resources/libvirt-service/index.ts";
export { LxcDomain, type LxcDomainArgs } from "./provider/resources/lxc-domain/index.ts";
export { LxcImage, type LxcImageArgs } from "./provider/resources/lxc-image.ts";
export { LxcRootfs, type LxcRootfsArgs } from "./provider/resources/lxc-rootfs/index.ts";
export { LxcStore, type LxcStoreArgs } from "./provider/resources/lxc-store.ts";
export { SelinuxEnforcing, type SelinuxEnforcingArgs } from "./provider/resources/selinux-enforcing.ts";
export { SelinuxPolicy, type SelinuxPolicyArgs } from "./provider/resources/selinux-policy.ts";
