import { casesOf, type Family } from "../families/index.ts";
import type { Step } from "../host/batch.ts";

/** A function of sh: `loader_ready` succeeds if the boot loader's configuration starts the kernel with SELinux. */
export const LOADER_READY = `loader_ready() (
  . /etc/os-release
  case " $ID $ID_LIKE " in
${casesOf(({ bootLoader }) => bootLoader.ready)}
  *) false;;
  esac
)`;

/** Has the next boot start the kernel with SELinux. */
export function enableInBootLoader({ bootLoader }: Family): Step {
  const script = `${LOADER_READY}
${bootLoader.enable} </dev/null || exit 1
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
