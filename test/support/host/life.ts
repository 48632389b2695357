import type { Run, Stack } from "../stack.ts";
import type { Host } from "./host.ts";
import { Site } from "./site.ts";
import { snapshot } from "./snapshot.ts";

const created = { authorizedKeys: ["ssh-ed25519 AAAA me"], rootPasswordSecret: "password", units: ["nginx.service"] };
const edited = { ...created, hostname: "www", memory: "1GiB", units: ["nginx.service", "cron.service"] };
const CONTAINERS = { prepared: {}, created: { web: created }, edited: { web: edited } };

/** What a stack is at a time: destroyed, a host without container, with one, or with one of which all was changed that can be. */
export type State = keyof typeof CONTAINERS | "nothing";

/** Takes from a host what it had before any stack: SELinux is permissive, now and at boot, libvirt and what it needs not there. */
export const BARE = `setenforce 0; sed -i s/enforcing/permissive/ /etc/selinux/config
systemctl disable --now libvirtd.service; rm -f /mnt/units/libvirtd.*; sed -i '/^selinux-/!{/^auditd$/!d}' /mnt/packages`;

export const PASSWORD = "correct horse";

/** A stack, on a host of its own that has seen each of its states before. */
export class Life {
  readonly site: Site;
  readonly host: Host;
  readonly stack: Stack;
  /** What the host is like in each state, if nothing went wrong on the way. */
  readonly undisturbed = new Map<State, string[]>();

  private constructor(site: Site, host: Host, stack: Stack) {
    this.site = site;
    this.host = host;
    this.stack = stack;
  }

  static async begin(name: string): Promise<Life> {
    const site = await Site.create();
    const life = new Life(site, await site.host(), await site.stack(name, {}));
    await life.stack.secret("svirt-lxc:password", PASSWORD);
    life.undisturbed.set("nothing", await snapshot(life.host));
    for (const state of ["prepared", "created", "edited", "nothing"] as const) {
      const { ok, output } = await life.reach(state);
      if (!ok) throw new Error(output);
      life.undisturbed.set(state, await snapshot(life.host));
    }
    return life;
  }

  /** Says what is wanted; the operation that makes it so. */
  async want(state: State): Promise<"up" | "destroy"> {
    if (state === "nothing") return "destroy";
    await this.stack.configure(this.site.config(CONTAINERS[state]));
    return "up";
  }

  async reach(state: State): Promise<Run> {
    return (await this.want(state)) === "up" ? this.stack.up() : this.stack.destroy();
  }

  /** What is not as it would be in a state if nothing had gone wrong, a line each. */
  async unlike(state: State): Promise<string[]> {
    const is = await snapshot(this.host);
    const ought = this.undisturbed.get(state)!;
    return [...without(is, ought).map((line) => `+ ${line}`), ...without(ought, is).map((line) => `- ${line}`)];
  }

  async end(): Promise<void> {
    await this.site.end();
  }
}

/** Some lines without others, each of which takes away one: what is there twice shows. */
function without(some: string[], others: string[]): string[] {
  const left = [...others];
  return some.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
