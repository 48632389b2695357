import {
  type ContainerRules,
  containerRulesOf,
  containerText,
  networksOf,
  parseContainerText,
  parseNetworkRules,
  writeContainerRules,
} from "../../../provider/tools/network-rules.ts";
import { printed } from "../../support/recorded.ts";

const NETWORK = "svirt-lxc";
const closed: ContainerRules = {
  address: "10.213.0.2",
  isolated: true,
  hostPorts: [],
  talksTo: [],
  connections: 4096,
};

const cases: [string, Partial<ContainerRules>, string[]][] = [
  ["nothing but what all may", {}, ["ct count over 4096 drop"]],
  [
    "ports of the host",
    { hostPorts: ["tcp/5432", "udp/123"] },
    [
      "ct count over 4096 drop",
      "fib daddr type local tcp dport 5432 accept",
      "fib daddr type local udp dport 123 accept",
    ],
  ],
  [
    "other containers",
    { talksTo: ["10.213.0.3", "10.213.0.9"], connections: 10 },
    ["ct count over 10 drop", "ip daddr 10.213.0.3 accept", "ip daddr 10.213.0.9 accept"],
  ],
  ["all that are not isolated", { isolated: false }, ["ct count over 4096 drop", "ip daddr @open accept"]],
];

test.each(cases)("the rules of a container that reaches %s", (_, more, expected) => {
  const rules = { ...closed, ...more };
  const text = containerText(NETWORK, "web", rules);
  const [, chain = ""] = /chain from-web \{\n(.*?)\n\t\}/s.exec(text) ?? [];
  expect(chain.split("\n").map((line) => line.trim())).toEqual(expected);
  expect(text).toContain("elements = { 10.213.0.2 : jump from-web }");
  expect(text.includes("elements = { 10.213.0.2 }")).toBe(!rules.isolated);
  expect(parseContainerText(NETWORK, "web", text)).toEqual(rules);
});

test("what a container has of IPv6: its addresses, which it may advertise, and what it reaches", () => {
  const rules = { ...closed, address6: "fd42::2", isolated: false, talksTo: ["10.213.0.3", "fd42::3"] };
  const text = containerText(NETWORK, "web", rules);
  expect(text).toContain("\t\tip daddr 10.213.0.3 accept\n\t\tip6 daddr fd42::3 accept\n");
  expect(text).toContain("\t\tip daddr @open accept\n\t\tip6 daddr @open6 accept\n");
  expect(text).toContain("elements = { fd42::2 : jump from-web }");
  const [own, linkLocal] = ["fd42::2", "fe80::aff:fed5:2"];
  expect(text).toContain(
    `elements = { ${own} . ${own}, ${own} . ${linkLocal}, ${linkLocal} . ${own}, ${linkLocal} . ${linkLocal} }`,
  );
  expect(parseContainerText(NETWORK, "web", text)).toEqual(rules);
  const isolated = containerText(NETWORK, "web", { ...rules, isolated: true });
  expect(isolated).not.toContain("open6");
  expect(parseContainerText(NETWORK, "web", isolated)).toEqual({ ...rules, isolated: true });
});

const found = (text: string, more = "@loaded svirt-lxc\n", file = "web") => {
  const path = `/var/lib/svirt-lxc/networks/svirt-lxc/containers/${file}.nft`;
  return parseNetworkRules(printed(text.replace(/^(?=.)/gm, `${path}:`) + more));
};
const text = containerText(NETWORK, "web", closed);

test("they count when they are written, whole, and loaded", () => {
  expect(containerRulesOf(found(text), NETWORK, "web")).toEqual(closed);
  expect(containerRulesOf(found(text, ""), NETWORK, "web")).toBe("none");
  expect(containerRulesOf(found(text, "@loaded other\n"), NETWORK, "web")).toBe("none");
  expect(containerRulesOf(found(text), NETWORK, "db")).toBe("none");
  expect(containerRulesOf(found(""), NETWORK, "web")).toBe("none");
  const more = text.replace("ct count", "ip daddr 10.213.0.0/20 accept\n\t\tct count");
  expect(containerRulesOf(found(more), NETWORK, "web")).toBe("none");
});

test("the networks that have rules of a container", () => {
  expect(networksOf(found(text), "web")).toEqual([NETWORK]);
  expect(networksOf(found(text), "db")).toEqual([]);
});

test("what is written is what is read", () => {
  expect(writeContainerRules(NETWORK, "web", closed).stdin).toBe(text);
});
