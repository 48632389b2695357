import { parseDomains } from "../../../provider/tools/domains.ts";
import { added, type Edit, recordedOutcome, says, swap } from "../../support/recorded.ts";

const parse = (edit?: Edit) => parseDomains(recordedOutcome("domains", edit));
/** Another domain, as virsh tells of it. */
const other = (name: string, state = "running") =>
  `@domain no ${state}\n\n@xml <domain type='lxc'>\n  <name>${name}</name>\n</domain>\n\n@live <domain type='lxc' id='7'>\n  <name>${name}</name>\n</domain>\n`;

test("the recorded domain", () => {
  const domains = parse();
  expect([...domains.keys()]).toEqual(["web"]);
  const web = domains.get("web")!;
  expect(web.autostart).toBe(true);
  expect(web.next.label).toMatch(/:svirt_lxc_sys_t:/);
  expect(web.live).toEqual(web.next);
});

test("none at all", () => {
  expect(parse(says("")).size).toBe(0);
});

const states: [state: string, runs: boolean][] = [
  ["paused", true],
  ["in shutdown", true],
  ["shut off", false],
];
test.each(states)("a domain that is %s", (state, runs) => {
  expect(parse(swap("@domain yes running", `@domain yes ${state}`)).get("web")).toMatchObject({ running: runs });
});

test("a domain that does not start at boot", () => {
  expect(parse(swap("@domain yes", "@domain no")).get("web")!.autostart).toBe(false);
});

// As other people may call theirs: libvirt allows all but "/" and line feeds.
const names: [xml: string, name: string][] = [
  ["db", "db"],
  ["my box", "my box"],
  ["web ", "web "],
  ["r&amp;d", "r&d"],
  ["a&lt;b&gt;c", "a<b>c"],
  ["it&apos;s &quot;x&quot;", `it's "x"`],
  ["köln", "köln"],
  ["@xml", "@xml"],
  ["@domain yes running", "@domain yes running"],
  ["$(reboot)", "$(reboot)"],
];
test.each(names)("someone's domain %s beside ours", (xml, name) => {
  const domains = parse(added(other(xml)));
  expect([...domains.keys()].sort()).toEqual([name, "web"].sort());
  expect(domains.get("web")).toEqual(parse().get("web"));
  expect(domains.get(name)!.live).toBeDefined();
});
