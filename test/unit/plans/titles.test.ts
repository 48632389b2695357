import type { CommonInputs, Kind } from "../../../provider/engine/kind.ts";
import type { Step } from "../../../provider/host/batch.ts";
import { libvirtService } from "../../../provider/resources/libvirt-service.ts";
import { lxcDomain } from "../../../provider/resources/lxc-domain.ts";
import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { lxcRootfs } from "../../../provider/resources/lxc-rootfs.ts";
import { selinuxEnforcing } from "../../../provider/resources/selinux-enforcing.ts";
import { selinuxPolicy } from "../../../provider/resources/selinux-policy.ts";
import {
  domainInputs,
  enforcingInputs,
  imageInputs,
  libvirtInputs,
  PASSWORD,
  policyInputs,
  rootfsInputs,
} from "../../support/inputs.ts";
import { given } from "../../support/plans.ts";
import { type Edits, says, swap, without } from "../../support/recorded.ts";

// What people read while a stack is made and removed, in one place: every other test compares the ids.

/** The steps that make a thing, on a host that has `none` of it, and that remove it from the recorded one. */
function lifeOf<I extends CommonInputs, O extends object>(kind: Kind<I, O, object>, inputs: I, none: Edits): Step[] {
  const bare = given(kind, inputs, { host: none });
  const whole = given(kind, inputs, {});
  return [...kind.plan(bare.observed, bare.desired), ...kind.remove(whole.observed, whole.desired)];
}

const titles = (steps: Step[]) => Object.fromEntries(steps.map(({ id, title }) => [id, title]));

const noRoot = {
  store: without(/roots\/web|slots\/0|LxcRootfs/),
  mounts: says("@instances\n@mounts\n"),
  settings: says(""),
  domains: says(""),
};

test("what is told of each step", () => {
  expect({
    ...titles(lifeOf(selinuxEnforcing, enforcingInputs, { selinux: swap("enforce 1", "enforce 0") })),
    ...titles(lifeOf(selinuxPolicy, policyInputs, { store: says(""), policy: says("") })),
    ...titles(lifeOf(libvirtService, libvirtInputs, { networks: says(""), store: says("") })),
    ...titles(lifeOf(lxcImage, imageInputs, { store: says("") })),
    ...titles(lifeOf(lxcRootfs, { ...rootfsInputs, rootPassword: PASSWORD, units: ["nginx.service"] }, noRoot)),
    ...titles(lifeOf(lxcDomain, domainInputs, { domains: says("") })),
  }).toEqual({
    "allow-ping": "Allowing every user to ping",
    "autostart-network": "Enabling the start of the network at boot",
    "await-boot": "Waiting for 10.213.0.2, port 22",
    "check-labels": "Checking the labels of the files that a boot and a login need",
    "claim-image": "Claiming the image",
    "claim-libvirt": "Recording the claim on libvirt",
    "claim-policy": "Recording the claim on policy",
    "create-folders": "Creating the folders of the root",
    "create-identity": "Creating the machine id and the ssh host keys, in place of the image's",
    "define-domain": "Defining the domain",
    "define-network": "Defining the network svirt-lxc",
    "disable-unit": "Disabling the mount of the root at boot",
    "enable-autostart": "Enabling the start of the container at boot",
    "enable-dhcp": "Enabling systemd-networkd.service",
    "enable-unit": "Enabling the mount of the root at boot",
    "enable-units": "Enabling nginx.service",
    "free-slot": "Freeing slot 0",
    "install-image": "Putting the image in place",
    "label-store": "Labelling /var/lib/svirt-lxc",
    "load-module": "Loading the SELinux module svirt_lxc",
    "mask-mounts": "Masking what no container can mount",
    "mount-root": "Mounting the root",
    "record-identity": "Recording that the identity is the container's own",
    "record-password": "Recording which password was set",
    "record-root": "Recording the root",
    "record-settings": "Recording the settings that were written",
    "release-address": "Releasing the address 10.213.0.2",
    "release-image": "Releasing the claim on the image",
    "release-libvirt": "Releasing the claim on libvirt",
    "release-policy": "Releasing the claim on policy",
    "reload-systemd": "Reloading the units of systemd",
    "remove-network": "Removing the network",
    "remove-root": "Removing the root",
    "remove-unit": "Removing the unit that mounts the root",
    "set-authorized-keys": "Setting the authorized keys of root",
    "set-enforcing": "Switching SELinux to enforcing",
    "set-hostname": "Setting the host name web",
    "set-password": "Setting the password of root",
    "start-container": "Starting the container",
    "start-fallback": "Starting a timer that makes SELinux permissive again in 60 s",
    "start-network": "Starting the network",
    "stop-container": "Stopping the container",
    "stop-network": "Stopping the network",
    "take-slot": "Taking slot 0",
    "undefine-domain": "Undefining the domain",
    "unmount-root": "Unmounting the root",
    "upload-image": "Uploading and unpacking the image",
    "write-names": "Writing /etc/hosts and /etc/resolv.conf",
    "write-network-file": "Configuring DHCP",
    "write-unit": "Writing the unit that mounts the root",
  });
});
