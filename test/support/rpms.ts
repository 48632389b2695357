import { lstatSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** What RPMs are made of, and where they go. */
interface Rpms {
  /** The tree of a root file system; it is not changed. */
  root: string;
  target: string;
  /** Of gpg: the key that signs them. */
  home: string;
}

/**
 * The packages, by name: which paths of the tree they hold. The first that matches has a path; what none has is filesystem's. Users
 * and groups come first, as in Fedora: a file of somebody who is not known yet would become root's.
 */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  setup: /^etc\/(passwd|group)$/,
  "openssh-server": /^etc\/ssh\/|\/sshd?\b|sftp-server|openssh/,
  "systemd-networkd": /systemd-networkd|networkctl|systemd\/network\//,
  iproute: /^(usr\/)?s?bin\/(ip|ss|tc|bridge)$|^etc\/iproute2/,
  "procps-ng": /^usr\/bin\/(ps|free|pgrep|pkill|top|uptime|vmstat|w|watch)$/,
  passwd: /^usr\/bin\/passwd$/,
  systemd: /(^|\/)systemd|^(usr\/)?sbin\/init$/,
};
/** Those of which a small Debian root has nothing. */
const EMPTY = ["systemd-resolved", "yum", "fedora-release", "vim-minimal", "net-tools"];
/** What a distribution has besides: an update, and a package whose scriptlet fails. */
const VERSION = "1.0";
const RELEASE = "1.fc42";

/** Makes a repository of the tree, one package for each of the guide's names and two more, signed. */
export async function makeRpms({ root, target, home }: Rpms): Promise<void> {
  const work = `${target}.work`;
  await mkdir(join(work, "db"), { recursive: true });
  await mkdir(target, { recursive: true });
  const lists = await listsOf(root);
  const copy = join(work, "copy");
  await execa("cp", ["-al", root, copy]);
  for (const name of EMPTY) {
    const doc = `usr/share/${name}`;
    await mkdir(join(copy, doc), { recursive: true });
    await writeFile(join(copy, doc, "release"), `${name} ${VERSION}\n`);
    lists.set(name, [`%attr(0644,root,root) "/${doc}/release"`]);
  }
  for (const [name, files] of lists) await writeFile(join(work, `${name}.list`), `${files.join("\n")}\n`);
  const spec = join(work, "all.spec");
  await writeFile(spec, specOf([...lists.keys()]));
  const define = (name: string, value: string) => ["--define", `${name} ${value}`];
  await execa("rpmbuild", [
    ...["-bb", "--buildroot", copy, "--target", "x86_64"],
    ...define("_topdir", join(work, "top")),
    ...define("_rpmdir", target),
    ...define("_build_name_fmt", "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"),
    ...define("_lists", work),
    ...define("_dbpath", join(work, "db")),
    ...define("_unpackaged_files_terminate_build", "0"),
    ...define("debug_package", "%{nil}"),
    ...define("__os_install_post", "%{nil}"),
    ...define("_build_id_links", "none"),
    ...define("_binary_payload", "w3.zstdio"),
    spec,
  ]);
  const rpms = (await readdir(target)).filter((file) => file.endsWith(".rpm")).map((file) => join(target, file));
  const signing = [
    ...define("_gpg_name", "repository@svirt-lxc.test"),
    ...define("_gpg_path", home),
    ...define("__gpg", "/usr/bin/gpg"),
  ];
  await execa("rpmsign", ["--addsign", ...signing, ...rpms]);
  await execa("createrepo_c", ["-q", target]);
  await rm(work, { recursive: true });
}

/** By package, lines of %files: mode and owner of each path. */
async function listsOf(root: string): Promise<Map<string, string[]>> {
  const names = (file: string) =>
    new Map(
      readFileSync(join(root, "etc", file), "utf8")
        .split("\n")
        .map((line) => line.split(":"))
        .map(([name = "", , id]) => [Number(id), name]),
    );
  const [users, groups] = [names("passwd"), names("group")];
  const lists = new Map<string, string[]>(["filesystem", ...Object.keys(PACKAGES)].map((name) => [name, []]));
  const { stdout } = await execa("find", [".", "-mindepth", "1", "-printf", "%P\\n"], { cwd: root });
  for (const path of stdout.split("\n")) {
    const stat = lstatSync(join(root, path));
    const [name = "filesystem"] = Object.entries(PACKAGES).find(([, paths]) => paths.test(path)) ?? [];
    const owner = `${users.get(stat.uid) ?? "root"},${groups.get(stat.gid) ?? "root"}`;
    const mode = stat.isSymbolicLink() ? "-" : (stat.mode & 0o7777).toString(8).padStart(4, "0");
    const isFolder = stat.isDirectory();
    // The package manager of the tree is another one, and quoted names know no escapes.
    if (/^var\/(lib\/(dpkg|apt)|cache)\/./.test(path) || /["*?[\]{}\\%]/.test(path)) continue;
    lists.get(isFolder ? "filesystem" : name)!.push(`%attr(${mode},${owner}) ${isFolder ? "%dir " : ""}"/${path}"`);
  }
  return lists;
}

function specOf(names: string[]): string {
  const tag = (name: string) =>
    [
      `Summary: ${name}`,
      "AutoReqProv: no",
      name === "setup" ? "" : "Requires(pre): setup",
      ["setup", "filesystem"].includes(name) ? "" : "Requires(pre): filesystem",
      name === "filesystem" ? "Provides: /bin/sh" : "",
    ].filter(Boolean);
  const packages = names.flatMap((name) => [
    `%package -n ${name}`,
    ...tag(name),
    `%description -n ${name}`,
    name,
    `%files -n ${name} -f %{_lists}/${name}.list`,
    "",
  ]);
  const broken = [
    "%package -n broken",
    "Summary: broken",
    "AutoReqProv: no",
    "Requires: filesystem",
    "%description -n broken",
    "broken",
    "%post -n broken",
    "exit 1",
    "%files -n broken",
  ];
  return [
    ...[
      "Name: tree",
      `Version: ${VERSION}`,
      `Release: ${RELEASE}`,
      "Summary: tree",
      "License: none",
      "AutoReqProv: no",
    ],
    ...["%description", "tree", ...packages, ...broken],
  ].join("\n");
}
