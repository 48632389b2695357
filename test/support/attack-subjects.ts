import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { parseResults, type Results } from "../../provider/attacks/index.ts";

/** Containers of the lab host that are not ours, or not as ours are, and in which the attacks are tried as well. */

const FILESYSTEMS = "/var/lib/libvirt/filesystems";
const V = "virsh -q -c lxc:///";
const OUTPUT = "/root/attacks.out";
const RUN = `perl /root/attacks.pl >${OUTPUT} 2>&1; touch ${OUTPUT}.complete`;
/** The pair is that of no slot which the tests use. */
const LEVEL = "s0:c511,c1023";

/** As virt-install makes it in the guide: without a label, and without a map of users. */
const RECIPE = `<domain type='lxc'>
  <name>recipe</name>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <os><type>exe</type><init>/sbin/init</init></os>
  <features><privnet/></features>
  <devices>
    <filesystem type='mount' accessmode='passthrough'><source dir='${FILESYSTEMS}/recipe'/><target dir='/'/></filesystem>
    <interface type='network'><source network='recipe'/></interface>
    <console type='pty'/>
  </devices>
</domain>`;

const NETWORK = `<network>
  <name>recipe</name>
  <forward mode='nat'/>
  <bridge name='recipe'/>
  <ip address='10.214.0.1' netmask='255.255.255.0'><dhcp><range start='10.214.0.2' end='10.214.0.254'/></dhcp></ip>
</network>`;

const UNIT = `[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh -c 'for i in $(seq 60); do ip route | grep -q ^default && break; sleep 1; done; ${RUN}'
`;

/** On Fedora libvirt's domain may do everything; Debian's policy has rules for it that are too few for the recipe to start. */
const FREE = "(typepermissive virtd_lxc_t)";

/** The container of the guide, on a host that is configured as it was then: what has no label starts. */
export async function attackRecipe(lab: Lab, image: string, program: string): Promise<Results> {
  const root = `${FILESYSTEMS}/recipe`;
  const units = `${root}/etc/systemd/system`;
  const conf = "/etc/libvirt/lxc.conf";
  try {
    await copyRoot(lab, image, "recipe", program, "var_lib_t:s0");
    await lab.ssh(`cat >${units}/attacks.service`, { input: UNIT });
    await lab.ssh(
      [
        `mkdir -p ${units}/multi-user.target.wants`,
        `ln -s ../attacks.service /usr/lib/systemd/system/systemd-networkd.service ${units}/multi-user.target.wants/`,
        `printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\n' >${root}/etc/systemd/network/1-eth0.network`,
        `cp -p ${conf} /root/lxc.conf && sed -i 's/^security_\\(default\\|require\\)_confined.*/security_\\1_confined = 0/' ${conf}`,
        "systemctl restart libvirtd",
      ].join(" && "),
    );
    await lab.ssh("cat >/root/recipe.cil && semodule -i /root/recipe.cil", { input: FREE, timeout: 600 });
    await lab.ssh(`${V} net-create /dev/stdin`, { input: NETWORK });
    return await attacked(lab, "recipe", RECIPE);
  } finally {
    await lab.ssh(
      `${V} destroy recipe; ${V} net-destroy recipe; rm -rf --one-file-system ${root} /root/recipe.cil; semodule -r recipe; [ ! -e /root/lxc.conf ] || { cat /root/lxc.conf >${conf} && rm /root/lxc.conf && systemctl restart libvirtd; }`,
      { reject: false, timeout: 600 },
    );
  }
}

/**
 * One of ours, without its map of users, and so with root of the host in it. The policy gives that no capability, without which
 * systemd ends at once ("Failed to mount tmpfs on /run: Operation not permitted", "Failed to mount API filesystems"): its first
 * process is a shell that runs the attacks.
 */
export async function attackUnmapped(lab: Lab, image: string, of: string, program: string): Promise<Results> {
  const root = `${FILESYSTEMS}/unmapped`;
  try {
    await copyRoot(lab, image, "unmapped", program, `svirt_lxc_root_t:${LEVEL}`);
    const { stdout } = await lab.ssh(`${V} dumpxml --inactive ${of}`);
    return await attacked(lab, "unmapped", unmappedXml(stdout, root));
  } finally {
    await lab.ssh(`${V} destroy unmapped; rm -rf --one-file-system ${root}`, { reject: false });
  }
}

function unmappedXml(xml: string, root: string): string {
  return xml
    .replace(/<(uuid|metadata|resource|idmap)\b.*?<\/\1>/gs, "")
    .replace(/<mac .*?\/>/, "")
    .replace(/<name>.*?<\/name>/, "<name>unmapped</name>")
    .replace(
      /<init>.*<\/initarg>/s,
      `<init>/bin/sh</init><initarg>-c</initarg><initarg>${RUN.replaceAll("&", "&amp;").replaceAll(">", "&gt;")}; sleep 600</initarg>`,
    )
    .replace(/(<source dir=)'.*?'/, `$1'${root}'`)
    .replace(/s0:c\d+,c\d+(?=<\/label>)/, LEVEL);
}

async function attacked(lab: Lab, name: string, xml: string): Promise<Results> {
  await lab.ssh(`${V} create /dev/stdin`, { input: xml });
  const output = `${FILESYSTEMS}/${name}${OUTPUT}`;
  await until(
    `the end of the attacks in ${name}`,
    900,
    async () => {
      const look = `test -e ${output}.complete && exit 0; ${V} domstate ${name} >/dev/null && exit 1; exit 3`;
      const { exitCode } = await lab.ssh(look, { reject: false });
      if (exitCode === 3) throw new Error(`${name} has ended before the attacks did`);
      return exitCode === 0;
    },
    2000,
  );
  return parseResults((await lab.ssh(`cat ${output}`)).stdout);
}

/** A copy of the image that the host has, with a label of its own. */
async function copyRoot(lab: Lab, image: string, name: string, program: string, label: string): Promise<void> {
  const root = `${FILESYSTEMS}/${name}`;
  await lab.ssh(
    `mkdir -p ${FILESYSTEMS} && rm -rf --one-file-system ${root} && cp -a ${image} ${root} && cat >${root}/root/attacks.pl && chcon -R system_u:object_r:${label} ${root}`,
    { input: program },
  );
}
