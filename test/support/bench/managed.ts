import type { Host } from "../host/host.ts";

/** What was written on the host before any container. */
const HOST_FILES = [
  "/etc/libvirt/lxc.conf",
  "/etc/libvirt/hooks/lxc.d/svirt-lxc",
  "/etc/libvirt/nwfilter/svirt-lxc-guest.xml",
  "/etc/svirt-lxc/sign.sh",
  "/etc/svirt-lxc/audit.sh",
  "/etc/svirt-lxc/watch.sh",
  "/etc/sysctl.d/svirt-lxc.svirt-lxc.conf",
  "/etc/systemd/network/0-svirt-lxc.svirt-lxc.network",
  "/etc/systemd/network/80-svirt-lxc.link",
  "/etc/systemd/system/svirt-lxc-network-svirt-lxc.service",
];
/** What is written into a root. */
const ROOT_FILES = ["etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/systemd/network/0-svirt-lxc.network"];

/** What our resources have made on a stand-in host, as variables of the playbook (playbook/site.yml). */
export async function managed(host: Host, names: readonly string[]): Promise<object> {
  const files = (paths: readonly string[]) =>
    Promise.all(paths.map(async (path) => ({ path, content: await host.sh(`cat ${path}; echo .`).then(withoutDot) })));
  const container = async (name: string) => {
    const unit = `svirt-lxc-root-${name}.service`;
    const slice = `machine-svirt\\x2dlxc-${name}.slice`;
    const [pid] = (await host.sh(`pgrep -P "$(cat /run/libvirt/lxc/${name}.pid)"`)).split("\n");
    return {
      name,
      unit,
      unit_text: await host.read(`/etc/systemd/system/${unit}`),
      files: await files(ROOT_FILES.map((file) => `/var/lib/svirt-lxc/roots/${name}/guest/root/${file}`)),
      domain: await host.sh(`virsh -q -c lxc:/// dumpxml --inactive ${name}`),
      slice,
      limits: (await host.sh(`sed 's/.*/"&"/' '/etc/systemd/system.control/${slice}.d/'*.conf`)).replaceAll("\n", " "),
      label: await host.sh(`ps -o pid=,label= --pid ${pid} | awk '{ print $2 }'`),
    };
  };
  return { host_files: await files(HOST_FILES), containers: await Promise.all(names.map(container)) };
}

/** What a file ends with is part of it. */
function withoutDot(text: string): string {
  return text.replace(/\.$/, "");
}
