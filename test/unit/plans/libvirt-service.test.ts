import { libvirtService } from "../../../provider/resources/libvirt-service.ts";
import { missing } from "../../../provider/tools/lxc-conf.ts";
import { libvirtInputs } from "../../support/inputs.ts";
import { given, plans, refusals, removals, whys } from "../../support/plans.ts";
import { added, both, type Edits, recorded, says, swap, without, withoutElement } from "../../support/recorded.ts";

const claimOf = (stack: string, network: string, subnet: string) =>
  `./claims/libvirt/svirt-lxc%2F${stack}%2FLibvirtService%2Flab:${JSON.stringify({ network, subnet })}`;
const theirs = withoutElement("metadata");
const unclaimed = without(/claims\/libvirt/);
const networkGone = (text: string) => text.slice(0, text.indexOf("@net Name:           svirt-lxc"));
const stopped = { libvirt: without(/^up$/), networks: says("") };
const bare = {
  store: says(""),
  networks: says(""),
  libvirt: (text: string) =>
    without(/^(libvirt-.*|dnsmasq-base|nftables|systemd-container|up)$/)(text).replace(/(?<=@lxc\.conf\n).*/s, ""),
};
const os = (lines: string) => ({ libvirt: swap(/^PRETTY_NAME.*?(?=^@packages)/ms, lines) });

plans(libvirtService, libvirtInputs, [
  [
    // What the package brings in lxc.conf is not known yet; it is set in the next round.
    "from nothing",
    { host: bare },
    [
      "claims the libvirt",
      "installs libvirt-daemon-driver-lxc libvirt-daemon-system libvirt-clients dnsmasq-base nftables systemd-container",
      "starts libvirt, now and at every boot",
    ],
  ],
  ["converged", {}, []],
  [
    "a network that someone made just as declared, to be adopted",
    { host: { networks: without(/svirt:owner/) }, wants: { adopt: true } },
    ["puts our mark on the network svirt-lxc"],
  ],
  [
    "a package is missing",
    { host: { libvirt: without(/^nftables$/) } },
    ["installs nftables", "starts libvirt, now and at every boot"],
  ],
  [
    "libvirt does not run, so that others' domains cannot be seen: lxc.conf is left for when they can",
    { host: { ...stopped, libvirt: both(without(/^up$/), without(/^security_/)) } },
    ["starts libvirt, now and at every boot"],
  ],
  ["libvirt does not run", { host: stopped }, ["starts libvirt, now and at every boot"]],
  [
    "lxc.conf was written, and libvirt not restarted",
    { host: { libvirt: swap("@lxc.conf\n", "@unread\nyes\n@lxc.conf\n") } },
    ["has libvirt read lxc.conf"],
  ],
  [
    "udev may change MACs",
    { host: { libvirt: swap("MACAddressPolicy=none", "MACAddressPolicy=persistent") } },
    ["has udev leave the MACs of containers alone"],
  ],
  [
    "others' domains without a label, for which it was agreed",
    {
      host: { libvirt: without(/^security_require/), domains: both(theirs, withoutElement("seclabel")) },
      wants: { confineOthers: true },
    },
    ["keeps lxc.conf as it was", "sets security_require_confined in lxc.conf", "has libvirt read lxc.conf"],
  ],
  [
    "others' domains without a label, which are confined already",
    { host: { domains: both(theirs, withoutElement("seclabel")) } },
    [],
  ],
  [
    "a domain of ours whose label somebody took away, with lxc.conf",
    { host: { libvirt: without(/^security_require/), domains: withoutElement("seclabel") } },
    ["keeps lxc.conf as it was", "sets security_require_confined in lxc.conf", "has libvirt read lxc.conf"],
  ],
  [
    "lxc.conf has one key otherwise",
    { host: { libvirt: swap(/^security_require_confined = 1$/m, "security_require_confined = 0") } },
    ["keeps lxc.conf as it was", "sets security_require_confined in lxc.conf", "has libvirt read lxc.conf"],
  ],
  [
    "lxc.conf is the package's",
    { host: { libvirt: without(/^security_/) } },
    [
      "keeps lxc.conf as it was",
      "sets security_driver, security_default_confined, security_require_confined in lxc.conf",
      "has libvirt read lxc.conf",
    ],
  ],
  [
    "the network is gone",
    { host: { networks: networkGone } },
    ["defines the network svirt-lxc", "starts the network at every boot", "starts the network"],
  ],
  ["the network is stopped", { host: { networks: swap(/Active:( +)yes/, "Active:$1no") } }, ["starts the network"]],
  [
    "the network does not start at boot",
    { host: { networks: swap(/Autostart:( +)yes/, "Autostart:$1no") } },
    ["starts the network at every boot"],
  ],
  [
    "the network is routed",
    { host: { networks: swap(/(<name>svirt-lxc<[\s\S]*?mode=)'nat'/, "$1'route'") } },
    [
      "stops the network, which is another one",
      "removes it",
      "defines the network svirt-lxc",
      "starts the network at every boot",
      "starts the network",
    ],
  ],
  [
    "the network has another subnet",
    { host: { networks: swap("address='10.213.0.1'", "address='10.99.0.1'") } },
    [
      "stops the network, which is another one",
      "removes it",
      "defines the network svirt-lxc",
      "starts the network at every boot",
      "starts the network",
    ],
  ],
  ["the claim is lost", { host: { store: unclaimed } }, ["claims the libvirt"]],
  ["another stack shares the network", { host: { store: added(claimOf("prod", "svirt-lxc", "10.213.0.0/20")) } }, []],
  ["another stack has another network", { host: { store: added(claimOf("prod", "prod", "10.214.0.0/24")) } }, []],
]);

test("a network that is defined anew keeps the reservations that lie in it", () => {
  const more = "$1<host mac='02:00:00:00:00:01' name='db' ip='10.213.1.7'/>\n";
  const host = { networks: swap(/( *<host mac.*\n)/, more) };
  const { observed, desired } = given(libvirtService, libvirtInputs, { host, wants: { subnet: "10.213.0.0/24" } });
  const { stdin } = libvirtService.plan(observed, desired).find((s) => s.why.startsWith("defines"))!;
  expect(stdin).toContain('ip="10.213.0.2"');
  expect(stdin).not.toContain("10.213.1.7");
});

test("what is written to lxc.conf has the keys, and the rest as it was", () => {
  const host = { libvirt: without(/^security_/) };
  const { observed, desired } = given(libvirtService, libvirtInputs, { host });
  const written = libvirtService.plan(observed, desired).find((s) => s.why.startsWith("sets"))!.stdin!;
  expect(missing(written)).toEqual([]);
  expect(written.startsWith(observed.host!.lxcConf.trimEnd())).toBe(true);
});

refusals(libvirtService, libvirtInputs, [
  [
    "Debian 12",
    { host: os('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n') },
    [/Debian GNU\/Linux 12 .*cannot run/, /Debian 13 or later/, /README/],
  ],
  [
    "RHEL 9",
    { host: os('PRETTY_NAME="Red Hat Enterprise Linux 9.4"\nVERSION_ID="9.4"\nID="rhel"\nID_LIKE="fedora"\n') },
    [/Red Hat/, /without the LXC driver/, /README/],
  ],
  [
    "a distribution never tried",
    { host: os('PRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n') },
    [/Ubuntu/, /Debian 13/, /README/],
  ],
  ["one that says nothing of itself", { host: os("") }, [/cannot run/, /Debian 13/, /README/]],
  [
    "another's domain without a label, which lxc.conf would confine",
    { host: { libvirt: without(/^security_require/), domains: both(theirs, withoutElement("seclabel")) } },
    [/LXC domains without an SELinux label/, /none: web$/, /confineOthers: true/],
  ],
  [
    "another's domain that wants no label",
    {
      host: {
        libvirt: without(/^security_require/),
        domains: both(theirs, swap(/ *<seclabel.*?<\/seclabel>\n/s, "<seclabel type='none'/>\n")),
      },
    },
    [/LXC domains without an SELinux label/, /none: web$/, /confineOthers: true/],
  ],
  [
    "another stack that wants another subnet",
    { host: { store: added(claimOf("prod", "svirt-lxc", "10.1.0.0/16")) } },
    [
      /svirt-lxc is shared/,
      /svirt-lxc\/prod\/LibvirtService\/lab wants 10.1.0.0\/16, this one 10.213.0.0\/20/,
      /agree/,
    ],
  ],
  [
    "a network that is not ours",
    { host: { networks: without(/svirt:owner/) } },
    [/network svirt-lxc already, and it is not ours/, /mark/, /another name/],
  ],
  [
    "a network that is someone else's",
    { host: { networks: swap(">svirt-lxc</svirt:owner>", ">someone</svirt:owner>") } },
    [/not ours/, /belongs to someone/, /another name/],
  ],
  [
    "the same, to be adopted, but it is another one",
    {
      host: {
        networks: both(
          without(/svirt:owner/),
          swap("mode='nat'", "mode='route'"),
          swap("255.255.240.0", "255.255.0.0"),
        ),
      },
      wants: { adopt: true },
    },
    [
      /cannot be adopted/,
      /subnet: "10.213.0.0\/16" on the host.*\nforward: "route" on the host, "nat" declared/,
      /as it is/,
    ],
  ],
]);

const network = ["stops the network", "removes the network"];
const config = ["puts lxc.conf back", "has libvirt read lxc.conf", "lets udev have its way with MACs again"];
// Containers are removed before.
const empty = without(/^\.\/(slots|roots)\//);
removals(libvirtService, libvirtInputs, [
  [
    "the last claim, but a container was kept",
    { host: { store: both(without(/^\.\/roots\//), swap('"name":"web"}', '"name":"web","keep":true}')) } },
    ["gives up the libvirt"],
  ],
  ["the last claim, but there is a container, which no state has any more", {}, [...network, "gives up the libvirt"]],
  ["the last claim", { host: { store: empty } }, [...network, ...config, "gives up the libvirt"]],
  [
    "a stopped network",
    { host: { store: empty, networks: swap(/Active:( +)yes/, "Active:$1no") } },
    ["removes the network", ...config, "gives up the libvirt"],
  ],
  [
    "another stack uses the network",
    { host: { store: added(claimOf("prod", "svirt-lxc", "10.213.0.0/20")) } },
    ["gives up the libvirt"],
  ],
  [
    "another stack uses another network",
    { host: { store: both(empty, added(claimOf("prod", "prod", "10.214.0.0/24"))) } },
    [...network, "gives up the libvirt"],
  ],
  [
    "a network that is not ours",
    { host: { store: empty, networks: without(/svirt:owner/) } },
    [...config, "gives up the libvirt"],
  ],
  [
    "the network is gone already",
    { host: { store: empty, networks: networkGone } },
    [...config, "gives up the libvirt"],
  ],
  [
    "the claim is not ours",
    { host: { store: both(unclaimed, added(claimOf("prod", "svirt-lxc", "10.213.0.0/20"))) } },
    [],
  ],
  ["all is gone already", { host: { ...bare } }, []],
]);

const down = (edits: Edits = {}) =>
  libvirtService.parse(
    new Map([...recorded({ store: empty, ...edits }), ["networks", { exit: 69, stdout: "", stderr: "error" }]]),
    libvirtInputs,
  );

test("libvirt runs without its LXC driver, which was installed meanwhile: it is started anew", () => {
  expect(whys(libvirtService.plan(down(), libvirtInputs))).toEqual(["starts libvirt, now and at every boot"]);
});

test("removed while libvirt is down: it is started first, since it may have the network", () => {
  const steps = libvirtService.remove(down(), libvirtInputs);
  expect(steps.map((step) => step.argv)).toEqual([["systemctl", "restart", "libvirtd.service"]]);
});

test("removed where libvirt was never installed: it has no network, and its unit need not be there", () => {
  const steps = libvirtService.remove(down({ libvirt: without(/^libvirt-daemon-/) }), libvirtInputs);
  expect(whys(steps)).toEqual([...config, "gives up the libvirt"]);
  expect(steps.find((step) => step.argv.includes("try-restart"))?.ok).toEqual([0, 5]);
});

test("outputs and what a refresh names", () => {
  const { observed, desired } = given(libvirtService, libvirtInputs, {});
  expect(libvirtService.exists(observed, desired)).toBe(true);
  expect(libvirtService.outputs(observed, desired)).toEqual({ gateway: "10.213.0.1" });
  expect(libvirtService.actual(observed, desired)).toEqual({ subnet: "10.213.0.0/20" });
});
