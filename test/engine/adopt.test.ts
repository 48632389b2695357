import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { snapshot } from "../support/host/snapshot.ts";
import type { Stack } from "../support/stack.ts";

/** What someone else made is taken over only if it is what is declared, and only if the program says so. */

const web = { hostname: "www", units: ["nginx.service"] };
let site: Site;
let host: Host;
let before: string[];
let first: Stack;
let second: Stack;

const wish = (container: object, alpha: object = {}) => site.config({ web: container }, { alpha });
const virsh = (command: string) => host.sh(`virsh -q -c lxc:/// ${command}`);
const controller = () => host.read("/run/libvirt/lxc/web.pid");

beforeAll(async () => {
  site = await Site.create();
  host = await site.host();
  before = await snapshot(host);
  first = await site.stack("first", wish(web));
  second = await site.stack("second", wish({ ...web, adopt: true }));
  expect((await first.up()).ok).toBe(true);
});

afterAll(() => site.end());

test("a container that is not what is declared is refused with each difference, and stays as it is", async () => {
  const was = (await snapshot(host)).filter((line) => /roots|domains|slots/.test(line));
  await second.configure(wish({ ...web, hostname: "other", units: ["nginx.service", "cron.service"], adopt: true }));
  const { ok, output } = await second.up();
  expect(ok).toBe(false);
  expect(output).toMatch(/a container root web already, and it cannot be adopted/);
  expect(output).toContain('hostname: "www" on the host, "other" declared');
  expect(output).toContain('units: ["nginx.service"] on the host, ["nginx.service","cron.service"] declared');
  expect((await snapshot(host)).filter((line) => /roots|domains|slots/.test(line))).toEqual(was);
});

test("a container of another stack is taken over as it runs", async () => {
  const runs = await controller();
  await second.configure(wish({ ...web, adopt: true }));
  const run = await second.up();
  expect(run.ok ? "" : run.output).toBe("");
  expect(await controller()).toBe(runs);
  await second.converged();
  await second.configure(wish(web));
  await second.converged();
});

test("the other stack has it no more: its destroy leaves it", async () => {
  expect((await first.destroy()).ok).toBe(true);
  await second.converged();
});

test("a domain that lost its mark is not ours, until it is adopted", async () => {
  const runs = await controller();
  await virsh("dumpxml --inactive web | sed '/<metadata/,/<.metadata>/d' >/run/web.xml");
  await virsh("define /run/web.xml; rm /run/web.xml");
  const refused = await second.up();
  expect(refused.ok).toBe(false);
  expect(refused.output).toMatch(/libvirt has a domain web already[\s\S]*adopt: true if it is what you declare/);
  await second.configure(wish({ ...web, memory: "1GiB", adopt: true }));
  expect((await second.up()).output).toContain('memory: "512MiB" on the host, "1GiB" declared');
  await second.configure(wish({ ...web, adopt: true }));
  const adopted = await second.up();
  expect(adopted.ok ? "" : adopted.output).toBe("");
  expect(await controller()).toBe(runs);
  await second.converged();
  expect((await second.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

const DOMAIN = "<domain name='svirt-lxc.internal' localOnly='yes'/>";
const OPTIONS = "<dnsmasq:options><dnsmasq:option value='dhcp-ignore=tag:!known'/></dnsmasq:options>";
const network = (octet: number, forward: string) =>
  `<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>svirt-lxc</name>${forward}<bridge name='svirt-lxc'/><ip address='10.${octet}.0.1' netmask='255.255.240.0'><dhcp><range start='10.${octet}.0.2' end='10.${octet}.15.254'/></dhcp></ip>${OPTIONS}</network>`;

test("a network is taken over if it is defined as ours is", async () => {
  const define = async (xml: string) => {
    await host.write("/run/network.xml", xml);
    await virsh("net-define /run/network.xml; rm /run/network.xml");
  };
  await define(network(8, ""));
  await second.configure(wish(web, { adopt: true }));
  const { output } = await second.up();
  expect(output).toContain('subnet: "10.8.0.0/20" on the host, "10.213.0.0/20" declared');
  expect(output).toContain('forward: "none" on the host, "nat" declared');
  expect(output).toContain('domain: none on the host, "svirt-lxc.internal" declared');
  await define(network(213, `<forward mode='nat'/>${DOMAIN}`));
  const run = await second.up();
  expect(run.ok ? "" : run.output).toBe("");
  await second.converged();
  expect((await second.destroy()).ok).toBe(true);
  expect(await snapshot(host)).toEqual(before);
});

test("a module of our name that nobody claims is not replaced", async () => {
  await host.write("/mnt/modules/svirt_lxc", "(block theirs)");
  const run = await second.up();
  expect(run.output).toMatch(/an SELinux module svirt_lxc already, and it is not ours/);
  expect(await second.destroy()).toMatchObject({ ok: true });
  expect(await host.read("/mnt/modules/svirt_lxc")).toBe("(block theirs)");
});
