/** What the program asked for on the recorded host: the inputs of its resources, with every default filled in. */

const connection = { ssh: "lab", sshConfig: ".lab/ssh_config" };
const owner = (kind: string, name: string) => `svirt-lxc/lab/${kind}/${name}`;

export const IMAGE = "a320dd50a72872b4694e957dcc43e09bd435a63b8eefbb0bd185bd21beb7216b";
export const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR/mU7iRTx5MChUzkV4h8G1Qv8NjZ/JE9JvZe/E me";
/** No plan may hold it but in stdin. */
export const PASSWORD = "correct horse's $(battery) staple";

export const enforcingInputs = {
  connection,
  owner: owner("SelinuxEnforcing", "lab"),
  mode: "enforcing" as const,
  configured: "enforcing" as const,
  reboot: "refused" as "refused" | "allowed",
  troubleshooting: false,
};

export const policyInputs = { connection, owner: owner("SelinuxPolicy", "lab"), retain: false };

export const libvirtInputs = {
  connection,
  owner: owner("LibvirtService", "lab"),
  retain: false,
  adopt: false,
  confineOthers: false,
  network: "svirt-lxc",
  subnet: "10.213.0.0/20",
  firewall: "ready" as const,
};

export const imageInputs = {
  connection,
  owner: owner("LxcImage", "lab.base"),
  retain: false,
  archive: ".lab/base.tar",
  sha256: IMAGE,
};

export const rootfsInputs = {
  connection,
  owner: owner("LxcRootfs", "web"),
  retain: false,
  adopt: false,
  name: "web",
  image: IMAGE,
  authorizedKeys: [KEY],
  dhcp: true,
  nameserver: "10.213.0.1",
  domain: "svirt-lxc.internal",
  units: [] as string[],
};

/** Everything that a root can be set to besides. */
export const allSettings = {
  rootPassword: PASSWORD,
  units: ["nginx.service"],
  mask: ["cron.service"],
  timezone: "Europe/Berlin",
  locale: "C.UTF-8",
  users: { ada: { uid: 1500, groups: ["adm"], shell: "/bin/bash", authorizedKeys: [KEY] } },
  files: { "/etc/token": { content: PASSWORD, mode: "0600", owner: "ada", group: "ada" } },
};

export const domainInputs = {
  connection,
  owner: owner("LxcDomain", "web"),
  retain: false,
  adopt: false,
  name: "web",
  rootfs: "web/df5413cb-8944-4492-ba21-0f9b280efa46",
  path: "/var/lib/svirt-lxc/roots/web/guest/root",
  label: "system_u:system_r:svirt_lxc_sys_t:s0:c0,c512",
  idmap: { start: 1879048192, count: 65536 },
  memory: "512MiB",
  tasks: 2048,
  restart: "on-failure" as const,
  network: "svirt-lxc",
  address: "10.213.0.2",
  isolated: true,
  hostPorts: [] as string[],
  talksTo: [] as string[],
  connections: 4096,
  awaitPort: 22,
  revision: 1,
};
