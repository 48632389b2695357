import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Lab } from "../../lab/index.ts";
import { until } from "../../lab/wait.ts";
import { Documented } from "./generated.ts";
import { labTest, ownDenials, sharedLab } from "./lab.ts";
import { labConfig } from "./lab-config.ts";
import { keepPolicyLoaded } from "./lab-keeper.ts";
import { type Inside, insideOf, makeLoginKey } from "./login.ts";
import * as frames from "./network/frames.ts";
import { type Run, Stack } from "./stack.ts";

/**
 * Two containers of one host. The root of `web` does what it can to reach, or to be, what it is not. `whole`: with those that switch the protections off, and so show what they are for.
 */
export function neighbourTests({ whole }: { whole: boolean }): void {
  const LIBVIRT = "LibvirtService lab";
  const ATTACKS = ["send.pl", "ports.pl", "flood.pl"];

  let dir: string;
  let stack: Stack;
  let login: Inside;
  /** What other tests on the same host were denied before. */
  let denied: string[];
  /** What a host has of networks and units. libvirt makes tables of its own with its first network, and keeps them, empty. */
  const LEFT =
    "nft list tables | grep svirt; nft -s list ruleset | grep -vE '^\\s*((table|chain) .* \\{|type .* hook .*|\\}|)$|jump LIBVIRT_'; virsh -q -c lxc:/// nwfilter-list --name; virsh -q -c lxc:/// net-list --all --name; ls /etc/sysctl.d /etc/systemd/system /etc/systemd/system/nftables.service.d /var/lib/svirt-lxc 2>/dev/null; true";
  let before: string;
  const documented = new Documented("docs/limits.md", "network", ["A container …", "held by", "what comes of it"]);
  const FILTER = "the guest filter and isolated ports";
  const RULES = "the network's rules";
  let scripts: Record<string, string>;
  let key: string;
  /** web, db and the host's end of their network. */
  let web: frames.Station;
  let db: frames.Station;
  let gateway: frames.Station;
  /** The same with their addresses of IPv6, and with web's link-local one. */
  let web6: frames.Station;
  let db6: frames.Station;
  let gateway6: frames.Station;
  let link: frames.Station;
  /** A machine that is no part of the host, and has no route to its network. */
  const OUTSIDE = "fd99::2";

  const config = (ofWeb: object = {}, ofDb: object = {}) => {
    const files = Object.fromEntries(ATTACKS.map((name) => [`/root/${name}`, { content: scripts[name] }]));
    const both = { host: "lab", image: "base", memory: "256MiB", authorizedKeys: [`${key}.pub`], files };
    return labConfig({ web: { ...both, ...ofWeb }, db: { ...both, ...ofDb } }, { subnet6: "fd42:1:2:3::/64" });
  };

  const worked = ({ ok, output }: Run) => expect(ok ? "" : output).toBe("");
  const said = async (lab: Lab, command: string) => (await lab.ssh(command)).stdout.trim();
  const pids = (lab: Lab) => said(lab, "cat /run/libvirt/lxc/web.pid /run/libvirt/lxc/db.pid");
  const pidOf = (lab: Lab, name: string) => said(lab, `cat /proc/$(cat /run/libvirt/lxc/${name}.pid)/task/*/children`);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "svirt-lxc-neighbours-"));
    key = await makeLoginKey(dir);
    const read = (name: string) => readFile(new URL(`./network/${name}`, import.meta.url), "utf8");
    scripts = Object.fromEntries(await Promise.all(ATTACKS.map(async (name) => [name, await read(name)])));
    const lab = await sharedLab();
    for (const name of ["listen.pl", "serve.pl"]) await lab.ssh(`cat >/root/${name}`, { input: await read(name) });
    denied = await ownDenials(lab);
    await keepPolicyLoaded();
    before = await said(lab, LEFT);
    stack = await Stack.create("lab-neighbours", config(), { dir });
    login = insideOf(
      () => stack,
      () => key,
    );
    worked(await stack.up());
    await stack.converged();
    const { containers } = await stack.outputs();
    const station = async (ip: string, mac: string): Promise<frames.Station> => ({
      ip,
      mac: (await said(lab, mac)).trim(),
    });
    const inside = (name: string) => `virsh -c lxc:/// dumpxml ${name} | sed -n "s/.*mac address='\\(.*\\)'.*/\\1/p"`;
    web = await station(containers.web.address, inside("web"));
    db = await station(containers.db.address, inside("db"));
    gateway = await station("10.213.0.1", "cat /sys/class/net/svirt-lxc/address");
    web6 = { ...web, ip: containers.web.address6 };
    db6 = { ...db, ip: containers.db.address6 };
    gateway6 = { ...gateway, ip: "fd42:1:2:3::1" };
    const linkLocal = 'ip -6 -o address show dev eth0 scope link | awk \'{ sub("/.*", "", $4); print $4 }\'';
    link = { ...web, ip: (await login("web", linkLocal)).stdout.trim() };
  }, 20 * 60_000);

  afterAll(async () => {
    const lab = await sharedLab();
    await lab.ssh(
      "ip link delete nowhere; systemctl stop outside.service; rm -f /root/listen.pl /root/serve.pl /run/heard.*",
      { reject: false },
    );
    await stack.destroy();
    await stack.remove();
    await rm(dir, { recursive: true });
  }, 20 * 60_000);

  /** Sends frames from inside of web; returns the marks that came to the host and to db, without those of the frames that always do. */
  async function heard(lab: Lab, sent: string[]): Promise<{ host: string[]; db: string[] }> {
    const init = await pidOf(lab, "db");
    const listen = (where: string, how: string) =>
      lab.ssh(`rm -f /run/heard.${where}; systemd-run -q --collect sh -c '${how} 90 >/run/heard.${where}'`);
    await listen("host", "exec perl /root/listen.pl svirt-lxc");
    await listen("db", `exec nsenter -t ${init} -n perl /root/listen.pl eth0`);
    const marks = async (where: string) => (await said(lab, `cat /run/heard.${where}`)).split("\n");
    const hears = (where: string, mark: string) =>
      until(`${where} hears "${mark}"`, 300, async () => (await marks(where)).includes(mark), 1000);
    await Promise.all([hears("host", "ready"), hears("db", "ready")]);
    await login("web", "perl /root/send.pl eth0", `${[...sent, frames.udp(web, gateway, "honest")].join("\n")}\n`);
    await hears("host", "honest");
    // It may take the host a moment to find db again, if somebody else passed for it.
    const reaches = async () => {
      await lab.ssh(`echo '[mark to db]' >/dev/udp/${db.ip}/4000`);
      return (await marks("db")).includes("to db");
    };
    await until("db hears the host", 300, reaches, 1000);
    await delay(2000);
    const others = async (where: string) =>
      (await marks(where)).filter((mark) => !["ready", "honest", "to db"].includes(mark)).sort();
    return { host: await others("host"), db: await others("db") };
  }

  /** What web's root may make up. */
  const lies = () => {
    const all = { mac: frames.BROADCAST, ip: db.ip };
    const as = (who: frames.Station) => ({ mac: web.mac, ip: who.ip });
    return [
      frames.arp("reply", as(db), gateway, "is db, to the host"),
      frames.arp("request", as(db), all, "is db, to all"),
      frames.arp("reply", as(gateway), db, "is the gateway, to db"),
      frames.arp("request", as(gateway), all, "is the gateway, to all"),
      frames.udp(as(db), gateway, "from the address of db"),
      frames.udp({ ...web, ip: "8.8.8.8" }, gateway, "from elsewhere"),
      frames.udp(web, db, "to the mac of db"),
      frames.dhcpOffer(web, "dhcp to all"),
      frames.udp({ ...web, port: 67 }, { ...db, port: 68 }, "dhcp to db"),
      frames.routerAdvertisement(link, "router"),
      frames.routerAdvertisement(web6, "router by its address"),
      frames.redirect(link, gateway6, db6.ip, "router redirects the host"),
      frames.neighbourAdvertisement(as(db6), gateway6, db6.ip, "is db by ipv6, to the host"),
      frames.neighbourAdvertisement(as(db6), frames.ALL_NODES, db6.ip, "is db by ipv6, to all"),
      frames.neighbourAdvertisement(as(gateway6), db6, gateway6.ip, "is the gateway by ipv6, to db"),
      frames.udp(as(db6), gateway6, "from the ipv6 address of db"),
      frames.udp({ ...web, ip: "2001:db8::9" }, gateway6, "from elsewhere by ipv6"),
      frames.udp(web6, db6, "to the mac of db by ipv6"),
      frames.udp({ ...link, port: 547 }, { ...frames.ALL_NODES, port: 546 }, "dhcp by ipv6 to all"),
      frames.unknown(web, "unknown"),
      frames.tagged(frames.udp(web, gateway, "tagged")),
      // Last: the bridge learns from them that db is where web is, and then sends db nothing that web sends to it.
      frames.arp("reply", db, gateway, "is db with its mac"),
      frames.udp({ ...web, mac: db.mac }, gateway, "from the mac of db"),
    ];
  };

  /** Of these, what arrives where nothing is in the way. */
  const HEARD_BY_HOST = [
    "dhcp by ipv6 to all",
    "dhcp to all",
    "from elsewhere",
    "from elsewhere by ipv6",
    "from the address of db",
    "from the ipv6 address of db",
    "from the mac of db",
    "is db by ipv6, to all",
    "is db by ipv6, to the host",
    "is db with its mac",
    "is db, to all",
    "is db, to the host",
    "router",
    "router by its address",
    "router redirects the host",
    "unknown",
  ];
  const HEARD_BY_DB = [
    "dhcp by ipv6 to all",
    "dhcp to all",
    "dhcp to db",
    "is db by ipv6, to all",
    "is db, to all",
    "is the gateway by ipv6, to db",
    "is the gateway, to all",
    "is the gateway, to db",
    "router",
    "router by its address",
    "to the mac of db",
    "to the mac of db by ipv6",
    "unknown",
  ];

  /** The same, as people say it. */
  const LIES: readonly [what: string, marks: RegExp][] = [
    ["says by ARP, or by neighbour discovery of IPv6, that it is its neighbour, or the gateway", /^is /],
    ["sends from the MAC or the address of its neighbour, or of somebody elsewhere", /^from /],
    ["sends to its neighbour directly", /^to the mac/],
    ["answers DHCP in place of the host", /^dhcp /],
    ["advertises itself as a router of IPv6, or redirects to itself", /^router/],
    ["sends frames of other protocols, or of other VLANs", /^(unknown|tagged)/],
  ];

  labTest("nothing that is made up leaves a container", async (lab) => {
    expect(await heard(lab, lies())).toEqual({ host: [], db: [] });
    for (const mark of [...HEARD_BY_HOST, ...HEARD_BY_DB])
      expect(LIES.some(([, marks]) => marks.test(mark))).toBe(true);
    for (const [what] of LIES) documented.note(what, FILTER, "neither its neighbour nor the host hears it");
  });

  labTest("each is where it was for the others: db for the host, the gateway for db", async (lab) => {
    expect(await said(lab, `ip neigh show ${db.ip} dev svirt-lxc`)).toContain(`lladdr ${db.mac}`);
    await login("db", "perl /root/ports.pl 10.213.0.1:53");
    expect((await login("db", "ip neigh show 10.213.0.1")).stdout).toContain(`lladdr ${gateway.mac}`);
    const ports = (await said(lab, `bridge fdb show br svirt-lxc | grep '^${db.mac} '`)).match(/dev \S+/g) ?? [];
    expect(new Set(ports).size).toBe(1);
  });

  /** Where the host has found db by IPv6. */
  async function foundDb6(lab: Lab): Promise<string> {
    await lab.ssh(`: </dev/tcp/${db6.ip}/22`);
    return said(lab, `ip -6 neigh show ${db6.ip} dev svirt-lxc`);
  }

  /** Has web advertise db's address, from addresses that are its own: then the frames themselves are no lie. */
  async function advertiseDb6(lab: Lab): Promise<string> {
    const lies = [web6, link].map((from) => frames.neighbourAdvertisement(from, gateway6, db6.ip, "db is here"));
    await login("web", "perl /root/send.pl eth0", `${lies.join("\n")}\n`);
    await delay(1000);
    return said(lab, `ip -6 neigh show ${db6.ip} dev svirt-lxc`);
  }

  /** What comes of connections, by address and port. */
  async function ports(from: string, ...to: string[]): Promise<Record<string, string>> {
    const { stdout } = await login(from, `perl /root/ports.pl ${to.join(" ")}`);
    return Object.fromEntries(stdout.split("\n").map((line) => line.split(" ")));
  }

  const each = (to: string[], what: string) => Object.fromEntries(to.map((one) => [one, what]));

  labTest("by IPv6 it reaches DNS of the host, and the outside; no other port of the host or of db", async (lab) => {
    await lab.ssh(
      [
        "systemd-run -q --collect --unit=outside sh -c 'exec unshare -n perl /root/serve.pl 80 600 >/run/heard.outside'",
        "pid=$(systemctl show -P MainPID outside.service)",
        "until [ $(readlink /proc/$pid/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.2; done",
        "ip link add outside type veth peer name eth0 netns $pid",
        "ip address add fd99::1/64 dev outside nodad && ip link set outside up",
        `nsenter -t $pid -n ip address add ${OUTSIDE}/64 dev eth0 nodad && nsenter -t $pid -n ip link set eth0 up`,
      ].join("\n"),
    );
    const open = [`[${gateway6.ip}]:53`, `[${OUTSIDE}]:80`];
    const closed = [`[${gateway6.ip}]:22`, `[${gateway6.ip}]:111`, "[fd99::1]:22", `[${db6.ip}]:22`, `[${db6.ip}]:80`];
    expect(await ports("web", ...open, ...closed)).toEqual({ ...each(open, "open"), ...each(closed, "refused") });
    // By NAT: it does not know the way back otherwise.
    expect(await said(lab, "cat /run/heard.outside")).toBe("fd99::1");
  });

  labTest("by IPv6 db is where it was, and a container has no address that it was not given", async (lab) => {
    expect(await foundDb6(lab)).toContain(`lladdr ${db.mac}`);
    expect(await advertiseDb6(lab)).toContain(`lladdr ${db.mac}`);
    documented.note(
      "advertises by IPv6 that its neighbour's address is its own",
      RULES,
      "the host does not believe it",
    );
    const addresses = (await login("web", "ip -6 -o address show dev eth0")).stdout.match(/\S+\/\d+/g);
    expect(addresses).toEqual([`${web6.ip}/128`, `${link.ip}/64`]);
  });

  labTest(
    "it reaches DNS of the host, and no other port, on no address of it, and no port of another container",
    async (lab) => {
      const own = (await said(lab, "ip -o -4 address show | awk '{print $4}'"))
        .split("\n")
        .map((a) => a.split("/")[0]!);
      const others = own.filter((address) => !address.startsWith("127."));
      expect(others).toContain(gateway.ip);
      expect(others.length).toBeGreaterThan(1);
      const closed = [...others.flatMap((a) => [`${a}:22`, `${a}:111`]), `${db.ip}:22`, `${db.ip}:80`];
      const found = await ports("web", `${gateway.ip}:53`, ...closed);
      expect(found).toEqual({
        [`${gateway.ip}:53`]: "open",
        ...each(closed, "refused"),
      });
      expect((await login("web", "getent ahostsv4 db")).stdout).toContain(db.ip);
      // By a route over the host, too.
      await login("web", `ip route add ${db.ip}/32 via ${gateway.ip}`);
      expect(await ports("web", `${db.ip}:22`)).toEqual({ [`${db.ip}:22`]: "refused" });
      await login("web", `ip route delete ${db.ip}/32`);
      documented.note(
        "connects to ports of its host, sshd's among them, on any address",
        RULES,
        "refused, but DNS and DHCP",
      );
      documented.note("connects to ports of its neighbour, also by a route over the host", RULES, "refused");
    },
  );

  labTest("talksTo and hostPorts open just what they say, while both run", async (lab) => {
    const before = await pids(lab);
    await stack.configure(config({ talksTo: ["db"], hostPorts: ["tcp/22"] }));
    const preview = await stack.preview("--diff");
    expect(preview.operations["LxcDomain web"]).toMatchObject({ verb: "update" });
    expect(preview.operations["LxcDomain db"]).toBeUndefined();
    worked(await stack.up());
    await stack.converged();
    const toHost = [`${gateway.ip}:22`, `[${gateway6.ip}]:22`];
    const named = [`${db.ip}:22`, `[${db6.ip}]:22`, ...toHost];
    const others = [`${gateway.ip}:111`, `[${gateway6.ip}]:111`];
    expect(await ports("web", ...named, ...others)).toEqual({ ...each(named, "open"), ...each(others, "refused") });
    const back = [`${web.ip}:22`, `[${web6.ip}]:22`, ...toHost];
    expect(await ports("db", ...back)).toEqual(each(back, "refused"));
    await stack.configure(config());
    worked(await stack.up());
    expect(await ports("web", ...named)).toEqual(each(named, "refused"));
    expect(await pids(lab)).toBe(before);
  });

  if (whole)
    labTest("two that are not isolated reach each other; one does not reach one that is", async () => {
      const to = { web: [`${web.ip}:22`, `[${web6.ip}]:22`], db: [`${db.ip}:22`, `[${db6.ip}]:22`] };
      await stack.configure(config({ isolated: false }));
      worked(await stack.up());
      expect(await ports("web", ...to.db)).toEqual(each(to.db, "refused"));
      expect(await ports("db", ...to.web)).toEqual(each(to.web, "refused"));
      await stack.configure(config({ isolated: false }, { isolated: false }));
      worked(await stack.up());
      expect(await ports("web", ...to.db)).toEqual(each(to.db, "open"));
      expect(await ports("db", ...to.web)).toEqual(each(to.web, "open"));
      await stack.configure(config());
      worked(await stack.up());
      await stack.converged();
    });

  labTest("it cannot fill the host's table of connections", async (lab) => {
    // Somewhere that is no part of any network.
    await lab.ssh(
      "ip link add nowhere type dummy && ip address add 192.0.2.1/24 dev nowhere && ip link set nowhere up",
    );
    await lab.ssh("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:01 dev nowhere");
    const count = async () => Number(await said(lab, "cat /proc/sys/net/netfilter/nf_conntrack_count"));
    const before = await count();
    await login("web", "perl /root/flood.pl 192.0.2.2 20000");
    const flooded = (await count()) - before;
    expect(flooded).toBeGreaterThan(3000);
    expect(flooded).toBeLessThan(4096 + 200);
    documented.note("opens connections without an end", "connections", "4096 of the host's table, which has more");
  });

  if (whole)
    labTest("rules that were flushed are named, and in force again after the next up", async (lab) => {
      const before = await pids(lab);
      await lab.ssh("nft flush ruleset");
      const preview = await stack.preview("--refresh", "--diff");
      expect(preview.operations[LIBVIRT]?.properties).toEqual(["firewall"]);
      expect(preview.output).toMatch(
        /~ firewall *: "missing: forward, masquerade, input, forward-ipv6, masquerade-ipv6, input-ipv6, guest-rules, isolation" => "ready"/,
      );
      const run = await stack.up();
      worked(run);
      // What a container may reach is a part of its domain's resource: of each it is named that its rules were not loaded.
      const changed = Object.keys(run.operations).sort();
      expect({ changed, output: run.output }).toMatchObject({ changed: [LIBVIRT, "LxcDomain db", "LxcDomain web"] });
      await stack.converged();
      expect(await heard(lab, lies())).toEqual({ host: [], db: [] });
      const closed = [`${db.ip}:22`, `[${db6.ip}]:22`];
      expect(await ports("web", ...closed)).toEqual(each(closed, "refused"));
      expect(await pids(lab)).toBe(before);
    });

  if (whole)
    labTest("a changed filter, a port that is isolated no more, and a lost rule are named and mended", async (lab) => {
      const before = await pids(lab);
      for (const filter of ["svirt-lxc-guest", "svirt-lxc-guest-ipv6"]) {
        await lab.ssh(
          `virsh -c lxc:/// nwfilter-dumpxml ${filter} | sed "s/action='drop'/action='accept'/" >/tmp/filter.xml`,
        );
        await lab.ssh("virsh -c lxc:/// nwfilter-define /tmp/filter.xml; rm /tmp/filter.xml");
      }
      await lab.ssh(
        "for p in /sys/class/net/svirt-lxc/brif/*; do ip link set ${p##*/} type bridge_slave isolated off; done",
      );
      await lab.ssh(
        "nft flush chain inet svirt-lxc.svirt-lxc to-others; nft flush chain inet svirt-lxc.svirt-lxc to-host",
      );
      const preview = await stack.preview("--refresh", "--diff");
      expect(preview.output).toMatch(
        /~ firewall *: "missing: guest-filter, guest-filter-ipv6, isolation, isolated-ports" => "ready"/,
      );
      // So it would be without them.
      const open = await heard(lab, lies());
      await foundDb6(lab);
      const misled = await advertiseDb6(lab);
      const connected = await ports("web", `${db.ip}:22`);
      worked(await stack.up());
      expect(open.host).toEqual(expect.arrayContaining(HEARD_BY_HOST));
      expect(open.db).toEqual(expect.arrayContaining(HEARD_BY_DB));
      expect(misled).toContain(`lladdr ${web.mac}`);
      expect(connected).toEqual({ [`${db.ip}:22`]: "open" });
      await stack.converged();
      expect(await heard(lab, lies())).toEqual({ host: [], db: [] });
      expect(await pids(lab)).toBe(before);
    });

  if (whole)
    labTest("a restart or a reload of nftables.service leaves the containers' rules in force", async (lab) => {
      for (const how of ["start", "restart", "reload", "stop"]) {
        await lab.ssh(`systemctl ${how} nftables.service`);
        expect(await said(lab, "nft list tables inet")).toContain("table inet svirt-lxc.svirt-lxc");
      }
      worked(await stack.up());
      await stack.converged();
    });

  if (whole)
    labTest("after a reboot of the host all of it is in force", async (lab) => {
      await lab.reboot();
      await until("the containers after the reboot", 300, () =>
        Promise.all([login("web", "true"), login("db", "true")]).then(
          () => true,
          () => false,
        ),
      );
      await stack.converged();
      expect(await heard(lab, lies())).toEqual({ host: [], db: [] });
      const dns = [`[${gateway6.ip}]:53`];
      const closed = [`${db.ip}:22`, `${gateway.ip}:22`, `[${db6.ip}]:22`, `[${gateway6.ip}]:22`];
      expect(await ports("web", ...dns, ...closed)).toEqual({ ...each(dns, "open"), ...each(closed, "refused") });
    });

  labTest("destroy leaves nothing of it, and nothing was denied to a container", async (lab) => {
    worked(await stack.destroy());
    expect(await said(lab, LEFT)).toBe(before);
    expect((await ownDenials(lab)).filter((line) => !denied.includes(line))).toEqual([]);
  });

  test("what was found is what is documented", () => documented.expect());
}
