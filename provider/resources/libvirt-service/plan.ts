import { installGuard, markUnproven, removeGuard } from "../../confinement/guard.ts";
import { equalAsJson } from "../../engine/check.ts";
import { type Daemons, familyOf, installPackages } from "../../families/index.ts";
import type { Step } from "../../host/batch.ts";
import { DAMAGED, PUT } from "../../host/records.ts";
import { claimSteps, hasRetained, otherClaims, unclaim } from "../../host/store.ts";
import { WRITE_CONFIG } from "../../tools/config-file.ts";
import { LIBVIRTS } from "../../tools/firewall.ts";
import { defineGuestFilter, GUEST_FILTER, GUEST_FILTER_6, undefineGuestFilter } from "../../tools/guest-filter.ts";
import { installUnits, removeUnits } from "../../tools/host-units.ts";
import { LXC_CONF, withOriginal, withRequired } from "../../tools/lxc-conf.ts";
import {
  bridgeOf,
  enableForwarding,
  markNetwork,
  NETWORK_OWNER,
  networkXml,
  rewriteRules,
  startNetwork,
} from "../../tools/network.ts";
import { isolatePorts, removeNetworkRules, writeNetworkRules } from "../../tools/network-rules.ts";
import { leaveAlone, removeFile } from "../../tools/networkd.ts";
import { removeSigner, startSigner } from "../../tools/signer.ts";
import { removeParentSlice } from "../../tools/slice.ts";
import { VETH_LINK, vethLink } from "../../tools/veth-link.ts";
import { virsh } from "../../tools/virsh.ts";
import { CLAIM, type Claim, claimSchema, declared, definitionOf, guardedNetwork, type Inputs } from "./inputs.ts";
import { FILTER, FILTER_6, ISOLATION, type Observed, OPEN_PORTS, ORIGINAL, UNREAD } from "./observed.ts";

/** What systemctl says of a unit that is not there (systemctl(1), exit status). */
const NO_SUCH_UNIT = 5;

// A daemon that runs loads no driver that was installed meanwhile. It may end when nobody needs it: its socket starts it again.
const start = ({ boot, sockets, services }: Daemons) => [
  "sh",
  "-c",
  `systemctl enable ${boot.join(" ")} && systemctl start ${sockets.join(" ")} && systemctl restart ${services.join(" ")}`,
];
const READ_CONF = `systemctl restart "$@" && rm -f ${UNREAD}`;
const KEEP_ORIGINAL = `${PUT}
: >${UNREAD} && { [ -e ${ORIGINAL} ] || cat ${LXC_CONF} 2>/dev/null | put ${ORIGINAL}; }`;
const WRITE = `${WRITE_CONFIG}\nwrite_config "$1"`;
const write = (file: string) => ["sh", "-c", WRITE, "sh", file];
const RESTORE = `mkdir -p /run/svirt-lxc; : >${UNREAD}; ${WRITE} && rm ${ORIGINAL}`;
// What is not there, or not running, reads it when it is started.
const REREAD_CONF = `systemctl try-restart "$@"; code=$?; case $code in 0|${NO_SUCH_UNIT}) rm -f ${UNREAD};; *) exit $code;; esac`;

/** What makes libvirt what it is declared to be; `prior` is what was declared before. */
export function plan(observed: Observed, desired: Inputs, prior?: Inputs): Step[] {
  const { os, answers, missingPackages, idleUnits, missingSettings, unread, guard, signer, network, claim, host } =
    observed;
  const { missing: absent, blocks } = observed.firewall;
  const { retain, subnet6 } = desired;
  const wish: Claim = {
    network: desired.network,
    subnet: desired.subnet,
    ...(subnet6 && { subnet6 }),
    ...(retain && { retain }),
  };
  const steps = claimSteps(claim, host?.store, CLAIM, desired.owner, wish, prior?.owner);
  const act = (id: string, title: string, argv: string[], more: Partial<Step> = {}) =>
    steps.push({ id, title, argv, ...more });
  const family = familyOf(os);
  const services = host?.daemons?.services ?? [];

  if (missingPackages.length > 0 && !("unsupported" in family)) steps.push(installPackages(family, missingPackages));
  if (missingPackages.length > 0 || idleUnits.length > 0 || !answers) {
    act("start-libvirt", "Starting libvirt, now and at every boot", host?.daemons ? start(host.daemons) : []);
    return steps; // the rest is planned on what the packages brought, and on what libvirt can be asked for when it runs
  }

  if (!observed.udevLink)
    act("write-udev-link", "Telling udev to leave the MACs of containers alone", write(VETH_LINK), {
      stdin: vethLink,
    });
  if (!observed.networkdFile) steps.push(leaveAlone(desired.network, host?.bridge ?? bridgeOf(desired.network)));
  if (!observed.units) steps.push(installUnits);
  if (signer.key === undefined || signer.waiting) steps.push(startSigner);
  if (missingSettings.length > 0) {
    act("save-lxc-conf", "Saving lxc.conf as it was", ["sh", "-c", KEEP_ORIGINAL]);
    act("configure-lxc", `Setting ${missingSettings.join(", ")} in lxc.conf`, write(LXC_CONF), {
      subject: missingSettings.join(" "),
      stdin: withRequired(host?.lxcConf ?? ""),
    });
  }
  const { installed, unseen } = guard;
  if (!installed) steps.push(installGuard(UNREAD));
  const isUnread = missingSettings.length > 0 || unread || !installed || unseen.length > 0;
  if (isUnread)
    act("restart-libvirt", "Restarting libvirt, which reads lxc.conf and the hooks", [
      "sh",
      "-c",
      READ_CONF,
      "sh",
      ...services,
    ]);
  if (unseen.length > 0) steps.push(markUnproven(unseen));
  const changed = network && !equalAsJson(definitionOf(network), declared(desired));
  const isRewritten = isUnread || changed;
  if (absent.includes(FILTER)) steps.push(defineGuestFilter(GUEST_FILTER));
  if (absent.includes(FILTER_6)) steps.push(defineGuestFilter(GUEST_FILTER_6));
  if (absent.includes(ISOLATION))
    steps.push(writeNetworkRules(guardedNetwork(desired, host?.bridge ?? bridgeOf(desired.network))));
  if (absent.includes(OPEN_PORTS)) steps.push(isolatePorts(host?.openPorts ?? []));
  // What blocks is refused before; by the step, it shows that there is something to do.
  if (!isRewritten && (absent.some((need) => LIBVIRTS.includes(need)) || blocks.length > 0)) steps.push(rewriteRules);
  if (absent.includes("forwarding")) steps.push(enableForwarding("IPv4"));
  if (absent.includes("forwarding-ipv6")) steps.push(enableForwarding("IPv6"));
  if (changed) {
    if (network.active)
      act(
        "stop-network",
        `Stopping the network ${desired.network}, which is defined otherwise`,
        virsh("net-destroy", desired.network),
      );
    act("remove-network", `Removing the network ${desired.network}`, virsh("net-undefine", desired.network));
  }
  if (!network || changed) {
    act("define-network", `Defining the network ${desired.network}`, virsh("net-define", "/dev/stdin"), {
      stdin: networkXml({ name: desired.network, subnet: desired.subnet, subnet6 }, NETWORK_OWNER, host?.reservations),
    });
  }
  if (network && !changed && network.owner !== NETWORK_OWNER) steps.push(markNetwork(desired.network));
  if (!network?.autostart || changed)
    act("autostart-network", "Enabling the start of the network at boot", virsh("net-autostart", desired.network));
  if (!network?.active || changed) steps.push(startNetwork(desired.network));
  return steps;
}

/** What takes a claim back, and with the last one all that is ours. */
export function remove(
  { answers, missingPackages, unread, network, claim, host }: Observed,
  { owner, network: name }: Inputs,
): Step[] {
  if (!claim) return [];
  const services = host?.daemons?.services ?? [];
  // Where it was never installed, or is no more, it has none.
  if (!answers && missingPackages.length === 0)
    return [
      {
        id: "start-libvirt",
        title: "Starting libvirt, which has a network to remove",
        argv: ["systemctl", "restart", ...services],
      },
    ];
  const steps: Step[] = [];
  const others = [...otherClaims(host!.store, CLAIM, claimSchema, owner).values()];
  const { store, lxcConf, original, remaining, left } = host!;
  // Not so with any container that remains: it may be about to move to another network, by a stack that replaces this one.
  if (!hasRetained(store) && !others.some((o) => o === DAMAGED || o.network === name)) {
    if (network?.owner === NETWORK_OWNER) {
      if (network.active)
        steps.push({ id: "stop-network", title: "Stopping the network", argv: virsh("net-destroy", name) });
      steps.push({ id: "remove-network", title: "Removing the network", argv: virsh("net-undefine", name) });
    }
    if (left.rules) steps.push(removeNetworkRules(name));
    if (left.networkdFile) steps.push(removeFile(name));
  }
  if (others.length === 0 && !remaining) {
    if (original !== undefined) {
      const argv = ["sh", "-c", RESTORE, "sh", LXC_CONF];
      steps.push({
        id: "restore-lxc-conf",
        title: "Restoring lxc.conf",
        argv,
        stdin: withOriginal(lxcConf, original),
      });
    }
    if (answers && left.filter6) steps.push(undefineGuestFilter(GUEST_FILTER_6));
    if (answers && left.filter) steps.push(undefineGuestFilter(GUEST_FILTER));
    if (original !== undefined || unread)
      steps.push({
        id: "restart-libvirt",
        title: "Restarting libvirt, which reads lxc.conf",
        argv: ["sh", "-c", REREAD_CONF, "sh", ...services],
      });
    if (left.udevLink)
      steps.push({
        id: "remove-udev-link",
        title: "Removing the rule of udev for the MACs of containers",
        argv: ["rm", "-f", VETH_LINK],
      });
    if (left.units) steps.push(removeUnits);
    if (left.guard) steps.push(removeGuard);
    if (left.signer) steps.push(removeSigner);
    if (left.slice) steps.push(removeParentSlice);
  }
  return [...steps, unclaim(CLAIM, owner)];
}
