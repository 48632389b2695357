/** The configuration of this project for containers on the lab host, of its image `base`; `host` is what is said of it besides. */
export function labConfig(containers: object, host: object = {}): Record<string, object> {
  return {
    "svirt-lxc:hosts": { lab: { ssh: "lab", sshConfig: ".lab-test/ssh_config", ...host } },
    "svirt-lxc:images": { base: { archive: ".lab-test/base.tar" } },
    "svirt-lxc:containers": containers,
  };
}
