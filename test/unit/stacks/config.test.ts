import { type Config, ConfigError, parseConfig, SECTIONS } from "../../../stacks/config.ts";

const hosts = { lab: { ssh: "lab", sshConfig: ".lab/ssh_config" } };
const images = { base: { archive: ".lab/base.tar" } };
const web = { host: "lab", image: "base" };
const parse = (sections: object, keys = Object.keys(sections), encrypted = keys): Config =>
  parseConfig("svirt-lxc", sections as Record<string, unknown>, keys, encrypted);
const withWeb = (change: object) => ({ hosts, images, containers: { web: { ...web, ...change } } });

/** The lines of the message, but the first. */
function mistakes(sections: object, keys?: string[]): string[] {
  try {
    parse(sections, keys);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const [title, ...lines] = (error as Error).message.split("\n");
    expect(title).toBe(`the configuration has ${lines.length === 1 ? "a mistake" : `${lines.length} mistakes`}:`);
    return lines.map((line) => line.trim());
  }
  return [];
}

const full = {
  hosts: {
    ...hosts,
    here: {},
    alpha: { ssh: "alpha.example", network: "prod", subnet: "10.99.0.0/20", reboot: "allowed", troubleshooting: true },
  },
  images: { ...images, debian: { hostArchive: "/srv/debian.tar", sha256: "0".repeat(64) } },
  containers: {
    web,
    db: {
      host: "alpha",
      image: "debian",
      memory: "2 GiB",
      hostname: "database",
      rootPasswordSecret: "dbRootPassword",
      authorizedKeys: ["ssh-ed25519 AAAA me", "keys/team.pub"],
      dhcp: false,
      units: ["postgresql.service"],
      mask: ["apt-daily.timer"],
      timezone: "Europe/Berlin",
      locale: "C.UTF-8",
      users: { ada: { uid: 1500, groups: ["adm"], shell: "/bin/bash", authorizedKeys: ["keys/ada.pub"] } },
      files: {
        "/etc/motd": { content: "Welcome\n", mode: "0644", owner: "root", group: "root" },
        "/etc/token": { contentSecret: "dbSecret", mode: "0600" },
        "/etc/clientSecret": { contentSecret: "client" },
      },
      rebuild: "1",
      provision: [{ run: "apt-get update" }, { run: "createdb", stdinSecret: "dbSecret" }],
    },
  },
};

test("what is right is taken as it is", () => {
  expect(parse(full, [...SECTIONS, "dbRootPassword", "dbSecret", "client"])).toMatchObject(full);
});

test("a command may be its text alone", () => {
  expect(parse(withWeb({ provision: ["true"] })).containers.web!.provision).toEqual([{ run: "true" }]);
});

test("sections that are not there are empty", () => {
  expect(parse({})).toEqual({ hosts: {}, images: {}, containers: {} });
  expect(parse({ hosts: undefined, images: undefined, containers: undefined }, [])).toEqual(parse({}));
});

const wrong: [name: string, sections: object, path: string, allowed: RegExp][] = [
  [
    "an unknown key of a container",
    withWeb({ memroy: "1GiB" }),
    "containers.web.memroy",
    /^unknown key; allowed are host, image, memory, tasks, cpus, cpuWeight, ioWeight, isolated, hostPorts, connections, talksTo, restart, disk, hostname, rootPasswordSecret, authorizedKeys, dhcp, units, mask, timezone, locale, users, files, rebuild, adopt, provision$/,
  ],
  [
    "an unknown key of a host",
    { hosts: { lab: { port: 22 } } },
    "hosts.lab.port",
    /^unknown key; allowed are ssh, sshConfig, network, subnet, subnet6, adopt, confineOthers, upgrade, reboot, troubleshooting$/,
  ],
  [
    "an unknown key of an image",
    { images: { base: { path: "x" } } },
    "images.base.path",
    /^unknown key; allowed are archive, hostArchive, url, apt, dnf, oci, sha256, rebuild$/,
  ],
  ["an amount that is none", withWeb({ memory: "abc" }), "containers.web.memory", /KiB, MiB or GiB, such as 512MiB/],
  ["an amount without a unit", withWeb({ memory: 512 }), "containers.web.memory", /string/],
  [
    "a host that is not defined",
    withWeb({ host: "lba" }),
    "containers.web.host",
    /^"lba" is not defined under hosts, which has: lab$/,
  ],
  [
    "a container to talk to that is not defined",
    withWeb({ talksTo: ["10.213.0.9", "dbb"] }),
    "containers.web.talksTo[1]",
    /^"dbb" is not defined under containers; it must be one of them, or an IP address$/,
  ],
  [
    "a port of the host without a protocol",
    withWeb({ hostPorts: ["5432"] }),
    "containers.web.hostPorts.0",
    /^must be a protocol and a port, such as tcp\/5432$/,
  ],
  [
    "an image that is not defined, of none",
    { hosts, containers: { web } },
    "containers.web.image",
    /^"base" is not defined under images, which has: none$/,
  ],
  // Every object has these, and yet nobody defined them.
  ["a host named as what objects inherit", withWeb({ host: "constructor" }), "containers.web.host", /not defined/],
  ["an image named so", withWeb({ image: "toString" }), "containers.web.image", /not defined/],
  ["no host", { hosts, images, containers: { web: { image: "base" } } }, "containers.web.host", /string/],
  [
    "a path in a container's name",
    { hosts, images, containers: { "../../etc": web } },
    "containers.../../etc",
    /DNS label/,
  ],
  ["a path in a host's name", { hosts: { "a/b": {} } }, "hosts.a/b", /the name must be .* letters, digits/],
  ["a path in an image's name", { images: { "..": {} } }, "images...", /DNS label/],
  ["a name in upper case", { hosts: { Lab: {} } }, "hosts.Lab", /lower-case/],
  ["a host name that is none", withWeb({ hostname: "a_b" }), "containers.web.hostname", /DNS label/],
  [
    "a password in clear",
    withWeb({ rootPassword: "s3cret" }),
    "containers.web.rootPassword",
    /must not stand here.*rootPasswordSecret.*pulumi config set --secret NAME/,
  ],
  ["keys that are no list", withWeb({ authorizedKeys: "ssh-rsa AAAA" }), "containers.web.authorizedKeys", /array/],
  ["a key that is no text", withWeb({ authorizedKeys: ["a", 1] }), "containers.web.authorizedKeys.1", /string/],
  ["a yes to a restart", { hosts: { lab: { reboot: true } } }, "hosts.lab.reboot", /^must be "refused" or "allowed"$/],
  ["an option in place of a host", { hosts: { lab: { ssh: "-oX" } } }, "hosts.lab.ssh", /destination such as/],
  [
    "an unknown key of a user",
    withWeb({ users: { ada: { id: 7 } } }),
    "containers.web.users.ada.id",
    /^unknown key; allowed are uid, groups, shell, authorizedKeys$/,
  ],
  [
    "an unknown key of a file",
    withWeb({ files: { "/etc/motd": { text: "x", content: "" } } }),
    "containers.web.files./etc/motd.text",
    /^unknown key; allowed are content, contentSecret, mode, owner, group$/,
  ],
  ["a file without content", withWeb({ files: { "/x": {} } }), "containers.web.files./x", /^needs one of content/],
  ["a time zone that is none", withWeb({ timezone: "../x" }), "containers.web.timezone", /Europe\/Berlin/],
  ["a unit with a path", withWeb({ mask: ["../x.service"] }), "containers.web.mask.0", /nginx\.service/],
  [
    "an unknown key of a command",
    withWeb({ provision: ["true", { run: "true", stdin: "s3cret" }] }),
    "containers.web.provision.1.stdin",
    /^unknown key; allowed are run, stdinSecret$/,
  ],
  ["a command that is none", withWeb({ provision: ["true", 5] }), "containers.web.provision.1", /object/],
  ["an empty command", withWeb({ provision: [""] }), "containers.web.provision.0.run", />=1/],
  ["a trigger that is no text", { hosts: { lab: { upgrade: 2026 } } }, "hosts.lab.upgrade", /string/],
  ["a section that is no object", { hosts: "lab" }, "hosts", /record|object/],
  ["a section that is a list", { hosts, images, containers: [web] }, "containers", /record|object/],
  ["a container that is no object", { hosts, images, containers: { web: "base" } }, "containers.web", /object/],
  ["a host that is nothing", { hosts: { lab: null } }, "hosts.lab", /object/],
  ["a container that is nothing", { containers: { web: null } }, "containers.web", /object/],
];
test.each(wrong)("%s: its path, and what is allowed", (_, sections, path, allowed) => {
  const lines = mistakes(sections);
  expect(lines).toHaveLength(1);
  expect(lines[0]!.startsWith(`svirt-lxc:${path}: `)).toBe(true);
  expect(lines[0]!.slice(`svirt-lxc:${path}: `.length)).toMatch(allowed);
});

test("a message shows no secret", () => {
  expect(mistakes(withWeb({ rootPassword: "s3cret" })).join()).not.toContain("s3cret");
});

// A misspelled section would be an empty one, and all that it declares would be removed.
const keys: [name: string, keys: string[], expected: string[]][] = [
  ["a misspelled section", ["hosts", "container"], ["container"]],
  ["a secret that no container names", ["webRootPassword"], ["webRootPassword"]],
  ["two of them", ["a", "containers", "b"], ["a", "b"]],
];
test.each(keys)("%s", (_, keys, expected) => {
  expect(mistakes(withWeb({}), keys)).toEqual(
    expected.map(
      (key) =>
        `svirt-lxc:${key}: unknown key; allowed are hosts, images, containers, and secrets that a container names`,
    ),
  );
});

test("a secret that a container names is no mistake", () => {
  expect(mistakes(withWeb({ rootPasswordSecret: "webRootPassword" }), [...SECTIONS, "webRootPassword"])).toEqual([]);
});

test("nor one that a command takes as its standard input", () => {
  const sections = withWeb({ provision: [{ run: "cat", stdinSecret: "token" }] });
  expect(mistakes(sections, [...SECTIONS, "token"])).toEqual([]);
  expect(() => parse(sections, [...SECTIONS, "token"], [])).toThrow(/svirt-lxc:token: .* in clear/);
});

test("a secret that was set without --secret is one, with the remedy", () => {
  const sections = withWeb({ rootPasswordSecret: "webRootPassword" });
  expect(() => parse(sections, [...SECTIONS, "webRootPassword"], [])).toThrow(
    /svirt-lxc:webRootPassword: .* in clear; .*pulumi config set --secret webRootPassword/,
  );
});

test("every mistake is named at once", () => {
  const sections = {
    hosts: { ...hosts, B: {} },
    images,
    containers: { web: { ...web, memory: "abc", memroy: 1 }, db: { ...web, host: "lba" } },
  };
  const paths = mistakes(sections, [...SECTIONS, "typo"]).map((line) => line.split(": ")[0]);
  expect(paths.sort()).toEqual(
    ["containers.db.host", "containers.web.memory", "containers.web.memroy", "hosts.B", "typo"].map(
      (path) => `svirt-lxc:${path}`,
    ),
  );
});
