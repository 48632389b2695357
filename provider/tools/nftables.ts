/**
 * What the host's packet filter does with a packet, by the text that nft(8) prints of its rules. The text, not the JSON: of the
 * rules of iptables, as Docker, ufw and libvirt make them, the JSON says only that there is some match "conntrack".
 *
 * Not all can be told for certain, such as what a set holds: an answer is every verdict that a packet may get.
 */

export interface Chain {
  /** "inet filter" */
  table: string;
  name: string;
  /** Of a base chain: where the kernel has packets go through it. */
  hook?: string;
  /** Of a base chain: "filter", "nat" or "route". */
  type?: string;
  policy: Verdict;
  rules: Item[][];
}

/** "continue" is a packet that came to the end of a chain, or was returned from it. */
export type Verdict = "accept" | "drop" | "masquerade" | "continue";

/** What is known of a packet, of IPv4 unless it says otherwise. A list holds what it may be, "!eth0" is any but eth0; what is not given may be anything. */
export interface Packet {
  family?: "ipv6";
  iif?: string[];
  /** None, if the packet is for the host itself. */
  oif?: string[];
  /** In CIDR notation: it may be any of these. */
  source?: string;
  destination?: string;
  protocols: string[];
  sport?: string;
  dport?: string;
  state: "new" | "established";
  /** What fib(nft) says of the destination. */
  destinationType: "local" | "broadcast" | "unicast";
}

/** A word of a rule, or the elements of a set in braces. */
type Item = string | Item[][];
/** Undefined: perhaps. */
type Match = boolean | undefined;

export function parseRuleset(text: string): Chain[] {
  const chains: Chain[] = [];
  const dormant = new Set<string>();
  let table = "";
  let chain: Chain | undefined;
  let others = 0; // sets and the like that are open
  for (const line of text.split("\n").map((l) => l.trim())) {
    const [, family, name] = /^table (\S+) (\S+) \{$/.exec(line) ?? [];
    const [, type, hook, policy] = /^type (\S+) hook (\S+) [^;]*;(?: policy (\w+);)?$/.exec(line) ?? [];
    if (others > 0 || (!chain && !/^(table|chain) /.test(line) && line.endsWith("{")))
      others += line.endsWith("{") ? 1 : line === "}" ? -1 : 0;
    else if (family) table = `${family} ${name}`;
    else if (line.startsWith("chain ")) {
      chain = { table, name: line.split(" ")[1]!, policy: "continue", rules: [] };
      chains.push(chain);
    } else if (line === "}") chain = undefined;
    else if (hook && chain) Object.assign(chain, { type, hook, policy: policy === "drop" ? "drop" : "accept" });
    else if (chain && line) chain.rules.push(parseRule(line));
    else if (/^flags .*dormant/.test(line)) dormant.add(table);
  }
  return chains.filter((c) => !dormant.has(c.table));
}

function parseRule(line: string): Item[] {
  const tokens = line.match(/"[^"]*"|[{},]|[^\s{},"]+/g) ?? [];
  const read = (): Item[] => {
    const items: Item[] = [];
    for (let token = tokens.shift(); token !== undefined && token !== "}"; token = tokens.shift())
      items.push(token === "{" ? split(read()) : token);
    return items;
  };
  return read();
}

function split(items: Item[]): Item[][] {
  const elements: Item[][] = [[]];
  for (const item of items) {
    if (item === ",") elements.push([]);
    else elements.at(-1)!.push(item);
  }
  return elements;
}

/** Every verdict that a chain, with those that it calls, may have for a packet. Base chains end in their policy. */
export function verdictsOf(chains: readonly Chain[], chain: Chain, packet: Packet): ReadonlySet<Verdict> {
  const byName = new Map(chains.map((c) => [`${c.table} ${c.name}`, c]));
  const known = new Map<Chain, ReadonlySet<Verdict>>();
  const walk = (c: Chain): ReadonlySet<Verdict> => {
    const before = known.get(c);
    if (before) return before;
    const found = new Set<Verdict>();
    known.set(c, found); // the kernel has no loops
    for (const rule of c.rules) {
      const { ends, goesOn } = apply(rule, packet, (name) => {
        const target = byName.get(`${c.table} ${name}`);
        return target ? walk(target) : new Set<Verdict>(["continue", "accept"]);
      });
      for (const verdict of ends) found.add(verdict === "continue" ? c.policy : verdict);
      if (!goesOn) return found;
    }
    found.add(c.policy);
    return found;
  };
  return walk(chain);
}

/** Whose verdicts a chain has: what a jump, or a goto, to it may come to. */
type Call = (chain: string) => ReadonlySet<Verdict>;

interface Effect {
  /** Verdicts that end the chain. */
  ends: Verdict[];
  /** The next rule may be come to. */
  goesOn: boolean;
}

const VERDICTS: Readonly<Record<string, Verdict>> = {
  accept: "accept",
  drop: "drop",
  reject: "drop",
  return: "continue",
  masquerade: "masquerade",
  snat: "masquerade",
  dnat: "accept",
  redirect: "accept",
};
const XT_TARGETS: Readonly<Record<string, Verdict>> = {
  '"REJECT"': "drop",
  '"DROP"': "drop",
  '"MASQUERADE"': "masquerade",
};
/** Statements that say nothing of which packets a rule is for, by how many words follow. */
const NEUTRAL: Readonly<Record<string, number>> = { counter: 0, log: 0, prefix: 1, level: 1, flags: 1, comment: 1 };
const NOTHING: Effect = { ends: [], goesOn: true };

function apply(rule: Item[], packet: Packet, call: Call): Effect {
  let match: Match = true;
  for (let i = 0; i < rule.length; ) {
    const item = rule[i]!;
    const effect = effectOf(rule.slice(i), call);
    if (effect) return match === false ? NOTHING : { ...effect, goesOn: effect.goesOn || match === undefined };
    const key = keyAt(rule, i);
    if (key) {
      const { found, next, map } = compareAt(rule, i, key, packet);
      if (map) return match === false ? NOTHING : choose(map, match, call);
      match = and(match, found);
      i = next;
    } else if (typeof item === "string" && item in NEUTRAL) i += 1 + NEUTRAL[item]!;
    else {
      // Not known here, such as a limit: the rule is perhaps for this packet, or for one of another kind.
      match = and(match, typeof item === "string" && OTHERS[packet.family ?? "ipv4"].test(item) ? false : undefined);
      i++;
    }
  }
  return NOTHING;
}

/** What a rule does whose statements from here on are these; undefined if they begin with something else. */
function effectOf([verb, target, name]: Item[], call: Call): Effect | undefined {
  if (typeof verb !== "string") return undefined;
  if (Object.hasOwn(VERDICTS, verb)) return { ends: [VERDICTS[verb]!], goesOn: false };
  if (verb === "jump" || verb === "goto") {
    const all = call(String(target));
    if (verb === "goto") return { ends: [...all], goesOn: false };
    return { ends: [...all].filter((v) => v !== "continue"), goesOn: all.has("continue") };
  }
  const xt = verb === "xt" && target === "target" ? XT_TARGETS[String(name)] : undefined;
  if (xt) return { ends: [xt], goesOn: false };
  // A program, or a module, decides.
  if (verb === "queue" || (verb === "xt" && target === "target")) return { ends: ["accept"], goesOn: true };
  return undefined;
}

/** A verdict map: the verdicts of the keys that the packet has, or may have. */
function choose(map: [key: Match, verdict: Item[]][], match: Match, call: Call): Effect {
  const ends: Verdict[] = [];
  for (const [key, verdict] of map) {
    if (key === false) continue;
    const effect = effectOf(verdict, call) ?? NOTHING;
    ends.push(...effect.ends);
    if (key && match) return { ends, goesOn: effect.goesOn };
  }
  return { ends, goesOn: true };
}

/** What a rule says that is for no packet of IPv4, or none of IPv6. */
const OTHERS = { ipv4: /^(ip6|icmp|icmpv6|arp)$/, ipv6: /^(ip|icmp|icmpv6|arp)$/ };

type Fact = (packet: Packet) => string[] | undefined;
const list = (value: string | undefined) => (value === undefined ? undefined : [value]);

const FACTS: Readonly<Record<string, Fact>> = {
  iif: (p) => p.iif,
  iifname: (p) => p.iif,
  oif: (p) => p.oif,
  oifname: (p) => p.oif,
  "ip saddr": (p) => (p.family ? [] : list(p.source)),
  "ip daddr": (p) => (p.family ? [] : list(p.destination)),
  "ip protocol": (p) => (p.family ? [] : p.protocols),
  "ip6 saddr": (p) => (p.family ? list(p.source) : []),
  "ip6 daddr": (p) => (p.family ? list(p.destination) : []),
  "meta l4proto": (p) => p.protocols,
  "meta nfproto": (p) => [p.family ?? "ipv4"],
  "th sport": (p) => list(p.sport),
  "th dport": (p) => list(p.dport),
  "tcp sport": (p) => list(p.sport),
  "tcp dport": (p) => list(p.dport),
  "udp sport": (p) => list(p.sport),
  "udp dport": (p) => list(p.dport),
  "ct state": (p) => [p.state],
  // What is asked for is mostly "dnat", as of a port that is passed on: it has none of these.
  "ct status": () => [],
  "fib daddr type": (p) => [p.destinationType],
};

/** Which of the facts is asked for at a place of a rule. */
function keyAt(rule: Item[], at: number): string | undefined {
  return [1, 2, 3].map((n) => rule.slice(at, at + n).join(" ")).find((words) => Object.hasOwn(FACTS, words));
}

function compareAt(rule: Item[], at: number, key: string, packet: Packet) {
  let next = at + key.split(" ").length;
  // Of several facts together ("iifname . oifname"), none is known.
  const isJoined = rule[at - 1] === "." || rule[next] === ".";
  const facts = isJoined ? undefined : FACTS[key]!(packet);
  const [protocol] = /^(tcp|udp)(?= )/.exec(key) ?? [];
  const asked = protocol ? compare(packet.protocols, [protocol]) : true;
  if (rule[next] === "vmap") {
    const elements = rule[next + 1];
    if (!Array.isArray(elements))
      return { found: undefined, next: next + 2, map: [[undefined, ["accept"]]] as [Match, Item[]][] };
    const map = elements.map(([value, , ...verdict]): [Match, Item[]] => [
      and(asked, compare(facts, [String(value)])),
      verdict,
    ]);
    return { found: undefined, next: next + 2, map };
  }
  if (rule[next] === ".") return { found: undefined, next: next + 1 };
  const isNegated = rule[next] === "!=";
  if (isNegated || rule[next] === "==") next++;
  if (rule[next] === "&" || rule[next] === "<" || rule[next] === ">") return { found: undefined, next: next + 1 };
  const first = rule[next++];
  const values = Array.isArray(first) ? first.map(([value]) => String(value)) : [String(first)];
  while (rule[next] === ",") {
    values.push(String(rule[next + 1]));
    next += 2;
  }
  const found = compare(facts, values);
  return { found: and(asked, isNegated && found !== undefined ? !found : found), next };
}

/** Is what a packet has, of all that it may have, one of these values? */
function compare(facts: string[] | undefined, values: string[]): Match {
  if (!facts) return undefined;
  const found = facts.map((fact) => {
    const each = values.map((value) => equals(fact, value.replaceAll('"', "")));
    return each.includes(true) ? true : each.includes(undefined) ? undefined : false;
  });
  if (found.every((f) => f === false)) return false;
  return found.every((f) => f === true) ? true : undefined;
}

function equals(fact: string, value: string): Match {
  // A set, whose elements are not looked at; but nobody lists the address of those that have none.
  if (value.startsWith("@")) return fact === "0.0.0.0" ? false : undefined;
  if (fact.startsWith("!")) return value === fact.slice(1) ? false : undefined;
  if (value.endsWith("*")) return fact.startsWith(value.slice(0, -1));
  const [range, other] = [rangeOf(fact), rangeOf(value)];
  if (!range || !other) return fact === value;
  if (range[1] < other[0] || other[1] < range[0]) return false;
  return other[0] <= range[0] && range[1] <= other[1] ? true : undefined;
}

/** First and last of a port or an address, a range or a subnet of them. */
function rangeOf(text: string): [bigint, bigint] | undefined {
  const [, from = "", length, to = from] =
    /^([\d.]+|[\da-f]*:[\da-f:]*)(?:\/(\d+))?(?:-([\d.]+|[\da-f:]+))?$/.exec(text) ?? [];
  if (!from) return undefined;
  const first = toNumber(from);
  const bits = from.includes(":") ? 128 : 32;
  return [first, length === undefined ? toNumber(to) : first + 2n ** BigInt(bits - Number(length)) - 1n];
}

function toNumber(text: string): bigint {
  if (!text.includes(":")) return text.split(".").reduce((n, octet) => n * 256n + BigInt(octet), 0n);
  const [before = [], after = []] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = [...before, ...Array(8 - before.length - after.length).fill("0"), ...after];
  return groups.reduce((n, group) => n * 65536n + BigInt(`0x${group}`), 0n);
}

function and(a: Match, b: Match): Match {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}
