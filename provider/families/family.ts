import type { OsRelease } from "../host/os-release.ts";

/** Units by which libvirt's LXC driver and its networks are served. A host uses one set of them (libvirt, docs/daemons.rst). */
export interface Daemons {
  /** Enabled, they are there after a boot. */
  boot: readonly string[];
  /** While these are active, libvirt answers. */
  sockets: readonly string[];
  /** Restarted, they read lxc.conf and load the drivers that were installed meanwhile. Containers go on running. */
  services: readonly string[];
}

/**
 * A family of distributions: everything in which its hosts differ from those of other families. A new family is a file with one
 * of these, and a line in the list of index.ts.
 */
export interface Family {
  name: string;
  /** The distributions (ID of os-release(5)) that belong to it. */
  distributions: readonly string[];
  /** Why a host of one of these cannot hold containers; undefined if it can. */
  unsupportedReason(os: OsRelease): string | undefined;

  /** A command of sh that prints the names of the installed packages, a line each. */
  listPackages: string;
  /** A command of sh that prints the version of each package that follows, as "NAME VERSION"; what is not installed is no such line. */
  versions: string;
  /** The packages by which the confinement of containers stands. */
  decisivePackages: readonly string[];
  /** A script of sh that installs the packages "$@", and waits for whoever else installs some. */
  install: string;
  /** Seconds that `install` may take, with all its waiting. */
  installTimeout: number;
  /** What the LXC driver, its NAT network and our own steps need. */
  packages: readonly string[];
  /** A script of sh that upgrades all packages, after it has completed what broke off. It waits as `install` does. */
  upgrade: string;
  /** A command of sh that succeeds if the host must be restarted to use what was upgraded; `newer_kernel` tells of kernels. */
  needsReboot: string;
  /** The package of a program, where it is not of the same name. */
  packageOf: Readonly<Record<string, string>>;

  /** What brings a policy of SELinux, as administrators install it; empty where each host has one. */
  policyPackages: readonly string[];
  /** How the boot loader is told to start the kernel with SELinux. */
  bootLoader: {
    /** A command of sh that succeeds if the next boot has SELinux among the kernel's security modules. */
    ready: string;
    /** A command of sh that makes it so. */
    enable: string;
  };
  /** What explains SELinux's denials. */
  troubleshooting: {
    /** The program by which it is known to be there. */
    program: string;
    packages: readonly string[];
    /** A command of sh that has it noticed. */
    afterwards?: string;
  };

  /** Which daemons serve libvirt: the first that are in use, or else the first. */
  daemons: readonly [Daemons, ...Daemons[]];
}

/** One libvirtd for all drivers. */
export const MONOLITHIC: Daemons = {
  boot: ["libvirtd.service"],
  sockets: ["libvirtd.socket"],
  services: ["libvirtd.service"],
};

/** A daemon for each driver. virtlxcd's socket comes with its service; both end when nobody needs them, and sockets start them again. */
export const MODULAR: Daemons = {
  boot: ["virtlxcd.service", "virtnetworkd.socket", "virtnwfilterd.socket"],
  sockets: ["virtlxcd.socket", "virtnetworkd.socket", "virtnwfilterd.socket"],
  services: ["virtlxcd.service", "virtnetworkd.service", "virtnwfilterd.service"],
};
