import type { Step } from "../host/batch.ts";

/** How the distributions have their kernels started with SELinux, by the ID of os-release(5). */
interface BootLoader {
  /** A command of sh that succeeds if the next boot has SELinux among the kernel's security modules. */
  ready: string;
  /** A command of sh that makes it so. */
  enable: string;
}

const bootLoaders: Readonly<Record<string, BootLoader>> = {
  // Debian's kernel starts AppArmor unless it is told otherwise. selinux-activate knows grub and u-boot, and its change of a file
  // that is written in another way does nothing, silently.
  debian: {
    ready: "grep -qs security=selinux /boot/grub/grub.cfg /boot/extlinux/extlinux.conf",
    enable: "selinux-activate",
  },
  // Fedora's starts SELinux unless it is told otherwise.
  fedora: {
    ready: "! grubby --info=ALL | grep -q selinux=0",
    enable: 'grubby --update-kernel=ALL --remove-args="selinux enforcing"',
  },
};

/** A function of sh: `loader_ready` succeeds if the boot loader's configuration starts the kernel with SELinux. */
export const LOADER_READY = `loader_ready() {
  case $(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') in
  ${Object.entries(bootLoaders)
    .map(([id, { ready }]) => `${id}) ${ready};;`)
    .join("\n  ")}
  *) false;;
  esac
}`;

/** Has the next boot start the kernel with SELinux; undefined on a distribution of which it is not known how. */
export function enableInBootLoader(id: string): Step | undefined {
  const loader = bootLoaders[id];
  if (!loader) return undefined;
  const script = `${LOADER_READY}
${loader.enable} </dev/null || exit 1
loader_ready || { echo "the boot loader's configuration starts the kernel as before"; exit 1; }`;
  return {
    id: "configure-boot-loader",
    title: "Configuring the boot loader to start the kernel with SELinux",
    argv: ["sh", "-c", script],
    timeout: 600,
    remedy:
      "have your boot loader start the kernel with SELinux (Debian: security=selinux on its command line; Fedora: without " +
      "selinux=0), restart the host, and run the same command again",
  };
}
