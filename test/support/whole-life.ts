import type { AnyKind, CommonInputs, Kind } from "../../provider/engine/kind.ts";
import type { Read, Step } from "../../provider/host/batch.ts";
import { libvirtService } from "../../provider/resources/libvirt-service/index.ts";
import { lxcDomain } from "../../provider/resources/lxc-domain/index.ts";
import { lxcImage } from "../../provider/resources/lxc-image.ts";
import { lxcRootfs } from "../../provider/resources/lxc-rootfs/index.ts";
import { selinuxEnforcing } from "../../provider/resources/selinux-enforcing.ts";
import { selinuxPolicy } from "../../provider/resources/selinux-policy.ts";
import {
  allSettings,
  domainInputs,
  enforcingInputs,
  imageInputs,
  libvirtInputs,
  policyInputs,
  rootfsInputs,
} from "./inputs.ts";
import { given } from "./plans.ts";
import { both, type Edits, says, swap, without } from "./recorded.ts";

const noRoot = {
  store: without(/roots\/web|slots\/0|LxcRootfs/),
  mounts: says("@files\n@disks\n@mounts\n"),
  settings: says(""),
  domains: says(""),
};

/** The steps that make a thing, on a host that has `none` of it, and that remove it from the recorded one. */
function lifeOf<I extends CommonInputs, O extends object>(kind: Kind<I, O, object>, inputs: I, none: Edits): Step[] {
  const bare = given(kind, inputs, { host: none });
  const whole = given(kind, inputs, {});
  return [...kind.plan(bare.observed, bare.desired), ...kind.remove(whole.observed, whole.desired)];
}

const notInKernel = both(swap("enforce 1", "enforce "), without(/^config/), without(/^in-kernel/));

/** The steps that bring a host without SELinux to it. */
const wayToSelinux = (): Step[] => {
  const inputs = { ...enforcingInputs, reboot: "allowed" as const, troubleshooting: true };
  return [
    ...lifeOf(selinuxEnforcing, inputs, { selinux: both(notInKernel, without(/^policy/)) }),
    ...lifeOf(selinuxEnforcing, inputs, { selinux: notInKernel }),
    ...lifeOf(selinuxEnforcing, inputs, {
      selinux: swap("config enforcing", 'config permissive\nprepared {"boot":"x"}'),
    }),
    ...lifeOf(selinuxEnforcing, inputs, { selinux: without(/^tool/) }),
  ];
};

/** The steps that make and remove a stack. */
export const lifeOfAll = (): Step[] => [
  ...lifeOf(selinuxEnforcing, enforcingInputs, { selinux: swap("enforce 1", "enforce 0") }),
  ...wayToSelinux(),
  ...lifeOf(selinuxPolicy, policyInputs, { store: says(""), policy: says("") }),
  ...lifeOf(libvirtService, libvirtInputs, {
    networks: says(""),
    store: says(""),
    libvirt: without(/\.network:/),
    "network-rules": says("/sys/class/net/vnet9/brport/isolated:0\n/run/libvirt/nwfilter-binding/vnet9.xml\n"),
  }),
  ...lifeOf(libvirtService, libvirtInputs, { firewall: says("@forwarding 0\n@ruleset\n") }),
  ...lifeOf(lxcImage, imageInputs, { store: says("") }),
  ...lifeOf(lxcRootfs, { ...rootfsInputs, ...allSettings }, noRoot),
  ...lifeOf(libvirtService, libvirtInputs, { libvirt: without(/^ssh-ed25519/) }),
  ...lifeOf(lxcDomain, domainInputs, { domains: says("") }),
  ...lifeOf(lxcDomain, domainInputs, { signed: without(/found/) }),
];

/** The steps that bring libvirt to a host without it. */
export const installation = (): Step[] => lifeOf(libvirtService, libvirtInputs, { system: without(/libvirt-/) });

const KINDS: AnyKind[] = [selinuxEnforcing, selinuxPolicy, libvirtService, lxcImage, lxcRootfs, lxcDomain];

/** The reads of all kinds. */
export const allReads = (): Read[] => [...new Map(KINDS.flatMap((k) => k.reads("*")).map((r) => [r.key, r])).values()];
