import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** Everything that can be changed on a host is changed: the preview says of what, and of which property; up repairs it. */

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuEtjR me";
const STORE = "/var/lib/svirt-lxc";
const INSIDE = `cd ${STORE}/roots/web/guest/root`;
const UNIT = "svirt-lxc-root-web.service";
const redefine = (edit: string) =>
  `virsh -q -c lxc:/// dumpxml --inactive web | sed "${edit}" >/run/web.xml && virsh -q -c lxc:/// define /run/web.xml; rm /run/web.xml`;
const v = (command: string) => `virsh -q -c lxc:/// ${command}`;
const pid = '$(cat /proc/$(cat /run/libvirt/lxc/web.pid)/task/*/children | tr -d " ")';

type Drift = [what: string, change: string, resource: string, property?: string];

/** The definition of the domain, all of it at once: what is changed, and what a preview of the domain alone says of it. */
const definition: [what: string, edit: string, says: RegExp][] = [
  ["memory", "s/524288/262144/", /~ memory *: "256MiB" => "512MiB"/],
  ["label", "s/c0,c512/c5,c517/", /~ label *: "\S*:c5,c517" => "\S*:c0,c512"/],
  ["id map", "s/target='1879048192'/target='1879113728'/", /~ start: 1879113728 => 1879048192/],
  ["network", "s/network='svirt-lxc'/network='default'/", /~ network *: "default" => "svirt-lxc"/],
  ["folder of its root", "s#roots/web#roots/other#", /~ path *: "\S*roots\/other\S*" => "\S*roots\/web/],
  ["processors", "s#>1</vcpu>#>2</vcpu>#", /"vcpu=2"/],
  [
    "limits of memory, processor and disk",
    "s#<os>#<memtune><soft_limit>1</soft_limit></memtune><cputune><shares>512</shares></cputune><blkiotune><weight>800</weight></blkiotune>&#",
    /"memtune\/soft_limit=1"\s[^"]*"cputune\/shares=512"\s[^"]*"blkiotune\/weight=800"/,
  ],
  ["slice", "s#>/machine/svirt-lxc/web<#>/system<#", /"resource\/partition=\/system"/],
  ["filter on its interface", "s#svirt-lxc-guest#x#", /"devices\/interface\/filterref@filter=x"/],
  ["clock", "s#offset='utc'#offset='localtime'#", /"clock@offset=localtime"/],
  ["capability", "s#<kill state=.on./>#<mknod state='on'/>&#", /"features\/capabilities\/mknod@state=on"/],
  [
    "MAC",
    "s/mac address='[^']*'/mac address='52:54:00:00:00:02'/",
    /"devices\/interface\/mac@address=52:54:00:00:00:02"/,
  ],
];

/** One wave at a time; within one, each changes another resource. */
const waves: Drift[][] = [
  [
    ["SELinux made permissive", "setenforce 0", "SelinuxEnforcing alpha", "mode"],
    ["lxc.conf back at its defaults", "sed -i /^security_/d /etc/libvirt/lxc.conf", "LibvirtService alpha"],
    ["the image's claim removed", `rm ${STORE}/claims/image-*/*LxcImage*`, "LxcImage alpha.base"],
    ["the hostname", `${INSIDE} && echo x >etc/hostname`, "LxcRootfs web", "hostname"],
  ],
  [
    [
      "SELinux permissive at boot",
      "sed -i s/enforcing/permissive/ /etc/selinux/config",
      "SelinuxEnforcing alpha",
      "configured",
    ],
    ["the module replaced", "echo x >/mnt/modules/svirt_lxc", "SelinuxPolicy alpha"],
    ["the network stopped", v("net-destroy svirt-lxc"), "LibvirtService alpha"],
    ["the authorized keys", `${INSIDE} && echo evil >>root/.ssh/authorized_keys`, "LxcRootfs web", "authorizedKeys"],
  ],
  [
    [
      "the store unlabelled",
      `rmdir_() { :; }; setfattr -x security.selinux ${STORE} 2>/dev/null || perl -e 'my ($p, $n) = @ARGV; syscall(197, $p, $n)' ${STORE} security.selinux`,
      "SelinuxPolicy alpha",
    ],
    ["the network not started at boot", v("net-autostart svirt-lxc --disable"), "LibvirtService alpha"],
    ["DHCP", `${INSIDE} && rm etc/systemd/network/0-svirt-lxc.network`, "LxcRootfs web", "dhcp"],
  ],
  [
    ["the policy's claim removed", `rm ${STORE}/claims/policy/*`, "SelinuxPolicy alpha"],
    ["libvirt's claim removed", `rm ${STORE}/claims/libvirt/*`, "LibvirtService alpha"],
    [
      "an enabled unit",
      `${INSIDE} && rm etc/systemd/system/multi-user.target.wants/nginx.service`,
      "LxcRootfs web",
      "units",
    ],
  ],
  [
    ["libvirt not started at boot", "systemctl disable libvirtd.service", "LibvirtService alpha"],
    ["the module disabled", "semodule -d svirt_lxc", "SelinuxPolicy alpha"],
    ["the ssh host key", `${INSIDE} && rm etc/ssh/ssh_host_ed25519_key*`, "LxcRootfs web"],
  ],
  [
    ["a package removed", "sed -i /nftables/d /mnt/packages", "LibvirtService alpha"],
    ["a mask", `${INSIDE} && rm etc/systemd/system/sys-kernel-debug.mount`, "LxcRootfs web"],
    ["the container stopped", v("destroy web"), "LxcDomain web", "drift"],
  ],
  [
    [
      "the network of another subnet",
      "sed -i 's/255.255.240.0/255.255.248.0/' /mnt/networks/svirt-lxc/config.xml",
      "LibvirtService alpha",
      "subnet",
    ],
    ["the module removed", "semodule -r svirt_lxc", "SelinuxPolicy alpha"],
    ["the machine id", `${INSIDE} && rm etc/machine-id`, "LxcRootfs web"],
    ["not started at boot", v("autostart web --disable"), "LxcDomain web", "drift"],
  ],
  [
    ["the firewall's rules flushed", "nft flush ruleset", "LibvirtService alpha", "firewall"],
    ["the root unmounted", `${v("destroy web")}; systemctl stop ${UNIT}`, "LxcRootfs web"],
    ["the domain undefined", v("undefine web"), "LxcDomain web"],
  ],
  [
    ["udev told nothing of MACs", "rm /etc/systemd/network/80-svirt-lxc.link", "LibvirtService alpha"],
    ["the unit edited", `sed -i s/nodev,// /etc/systemd/system/${UNIT}`, "LxcRootfs web"],
    [
      "a process that runs as something else",
      `echo system_u:system_r:virtd_lxc_t:s0 >/mnt/labels/${pid}`,
      "LxcDomain web",
      "drift",
    ],
  ],
  [
    ["the guard of starts removed", "rm /etc/libvirt/hooks/lxc.d/svirt-lxc", "LibvirtService alpha"],
    ["the unit disabled", `systemctl disable ${UNIT}`, "LxcRootfs web"],
    [
      "the address given away",
      v(
        `net-update svirt-lxc delete ip-dhcp-host "$(grep -o '<host .*/>' /mnt/networks/svirt-lxc/config.xml)" --live --config`,
      ),
      "LxcDomain web",
      "drift",
    ],
  ],
  [
    ["the network routed", "sed -i 's/nat/route/' /mnt/networks/svirt-lxc/config.xml", "LibvirtService alpha"],
    ["no label", redefine("/<seclabel/,/<.seclabel>/d"), "LxcDomain web"],
  ],
  [
    ["networkd told nothing of the network", "rm /etc/systemd/network/0-svirt-lxc.*", "LibvirtService alpha"],
    ["the unit removed", `rm /etc/systemd/system/${UNIT}; systemctl daemon-reload`, "LxcRootfs web"],
  ],
  [
    ["the network's domain", "sed -i '/<domain /d' /mnt/networks/svirt-lxc/config.xml", "LibvirtService alpha"],
    ["the slot given up", `rm ${STORE}/slots/0`, "LxcRootfs web"],
    ["the container paused", v("suspend web"), "LxcDomain web", "drift"],
  ],
  [["the root's claim of its image", `rm ${STORE}/claims/image-*/*LxcRootfs*`, "LxcRootfs web"]],
  [
    ["one of the host's units off", "systemctl disable --now svirt-lxc-sign.path", "LibvirtService alpha"],
    ["the container ended", v("destroy web"), "LxcDomain web", "drift"],
  ],
  [
    ["libvirt down", "rm /mnt/units/libvirtd.socket /mnt/units/libvirtd.service", "LibvirtService alpha"],
    ["so that nothing is known of its containers", ":", "LxcDomain web"],
  ],
];

let site: Site;
let host: Host;
let stack: Stack;
let intact: string[];

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  stack = await site.stack("drift", site.config({ web: { authorizedKeys: [KEY], units: ["nginx.service"] } }));
  expect((await stack.up()).ok).toBe(true);
  intact = await snapshot(host);
});

afterAll(async () => {
  await site.end();
  process.stderr.write(`drift: ${definition.length + waves.flat().length} fields\n`);
});

test("a preview tells what the domain is and what it will be, each part of its definition", async () => {
  await host.sh(redefine(definition.map(([, edit]) => edit).join(";")));
  const { output } = await stack.preview("--diff");
  for (const [what, , says] of definition)
    expect({ what, output }).toEqual({ what, output: expect.stringMatching(says) });
  expect((await stack.up()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(intact);
});

const named = waves.map((wave): [string, Drift[]] => [wave.map(([what]) => what).join("; "), wave]);

test.each(named)("%s", async (_, wave) => {
  const changes = wave
    .map(([, change]) => change)
    .sort((a, b) => Number(a.includes("net-")) - Number(b.includes("net-")));
  for (const change of changes) await host.sh(change);
  expect(await snapshot(host)).not.toEqual(intact);
  const preview = await stack.preview();
  for (const [what, , resource, property] of wave) {
    expect({ what, verb: preview.operations[resource]?.verb }).toEqual({
      what,
      verb: expect.stringMatching(/create|update/),
    });
    const properties = preview.operations[resource]!.properties.map((p) => p.split(/[.[]/)[0]);
    if (property) expect({ what, properties }).toEqual({ what, properties: expect.arrayContaining([property]) });
  }
  const up = await stack.up();
  expect(up.ok ? "" : up.output).toBe("");
  expect(await snapshot(host)).toEqual(intact);
});

test("after all of it there is nothing to do", () => stack.converged());

test("an administrator's shell in the container is told and changes nothing; what it leaves behind is judged", async () => {
  const enter = `setsid nsenter -t ${pid} -p -- sh -c`;
  const quiet = "</dev/null >/dev/null 2>&1";
  await host.sh(`${enter} 'sleep 3141; :' ${quiet} 9>&- &`);
  expect((await stack.converged()).output).toMatch(
    /LxcDomain web: processes of the host are in the container.*: sh \(/,
  );
  const up = await stack.up();
  expect(up.ok ? up.operations : up.output).toEqual({});
  await host.sh("kill $(pgrep -fx 'sleep 3141')");
  expect((await stack.converged()).output).not.toContain("processes of the host");

  await host.sh(`${enter} 'sleep 3142 & :' ${quiet} 9>&-`);
  expect((await stack.preview()).operations["LxcDomain web"]?.verb).toBe("update");
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});

test("a module that lets it do what it must not: the preview says what, and up leaves it stopped until the module is gone", async () => {
  await host.write("/mnt/modules/opened", "(allow svirt_lxc_sys_t shadow_t (file (open read)))\n");
  const said = /the policy lets it read or change the host's passwords/;
  expect((await stack.preview("--diff")).output).toMatch(said);
  const { ok, output } = await stack.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/the container web is not confined; it was stopped/);
  expect(output).toMatch(said);
  expect((await host.sh(v("domstate web"))).trim()).toBe("shut off");
  await host.sh("rm /mnt/modules/opened");
  expect((await stack.up()).ok).toBe(true);
  await stack.converged();
});
