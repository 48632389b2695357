import type { dynamic } from "@pulumi/pulumi";
import type { AnyKind } from "./engine/kind.ts";
import { lifecycle } from "./engine/lifecycle.ts";
import { libvirtService } from "./resources/libvirt-service/index.ts";
import { lxcDomain } from "./resources/lxc-domain/index.ts";
import { lxcImage } from "./resources/lxc-image.ts";
import { lxcRootfs } from "./resources/lxc-rootfs/index.ts";
import { lxcStore } from "./resources/lxc-store.ts";
import { selinuxEnforcing } from "./resources/selinux-enforcing.ts";
import { selinuxPolicy } from "./resources/selinux-policy.ts";

/** In the order in which they are made. */
export const kinds: readonly AnyKind[] = [
  lxcStore,
  selinuxEnforcing,
  selinuxPolicy,
  libvirtService,
  lxcImage,
  lxcRootfs,
  lxcDomain,
];

/** The providers by token: what the provider source in the state asks for. */
export const providers: Readonly<Record<string, dynamic.ResourceProvider>> = Object.fromEntries(
  kinds.map((kind) => [kind.token, lifecycle(kind, kinds)]),
);
