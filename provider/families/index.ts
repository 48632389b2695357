import type { Read, Results, Step } from "../host/batch.ts";
import { type OsRelease, parseOsRelease } from "../host/os-release.ts";
import { debian } from "./debian.ts";
import type { Daemons, Family } from "./family.ts";
import { fedora } from "./fedora.ts";

export type { Daemons, Family } from "./family.ts";

/** All families; a host belongs to the first that names its distribution. */
export const families: readonly Family[] = [debian, fedora];

/** The family of a host, or why it cannot hold containers. */
export function familyOf(os: OsRelease): Family | { unsupported: string } {
  const family = families.find(({ distributions }) => distributions.includes(os.id));
  const known = "only Debian (13 and later) and Fedora (42 and later) are known";
  const unsupported = family ? family.unsupportedReason(os) : known;
  return unsupported === undefined ? family! : { unsupported };
}

/** The branches of a `case` of sh for `" $ID $ID_LIKE "` of os-release(5), one a family: a host has the tools of one of them. */
export function casesOf(script: (family: Family) => string): string {
  return families
    .map((family) => `${family.distributions.map((id) => `*" ${id} "*`).join("|")}) ${script(family)};;`)
    .join("\n");
}

const units = [
  ...new Set(families.flatMap(({ daemons }) => daemons.flatMap(({ boot, sockets }) => [...boot, ...sockets]))),
];

const LOOK = `
echo "@os"; cat /etc/os-release
echo "@packages"; (. /etc/os-release; case " $ID $ID_LIKE " in
${casesOf(({ listPackages }) => listPackages)}
esac) 2>/dev/null
echo "@units"; systemctl show -p Id,UnitFileState,ActiveState ${units.join(" ")}`;

/** What the host is, and what of it is installed and runs. */
export const systemRead: Read = { key: "system", argv: ["sh", "-c", LOOK] };

/** What is installed on a host, and runs there. */
export interface System {
  os: OsRelease;
  /** The names of the installed packages. */
  packages: ReadonlySet<string>;
  /** The units of libvirt that are enabled, and that are active. */
  enabled: ReadonlySet<string>;
  active: ReadonlySet<string>;
}

export function parseSystem(results: Results): System {
  const { stdout } = results.get("system")!;
  const [, os = "", packages = "", shown = ""] = /^@os\n(.*)^@packages\n(.*)^@units\n(.*)/ms.exec(stdout) ?? [];
  const those = (line: string) =>
    new Set(shown.split("\n\n").flatMap((unit) => (unit.includes(line) ? (/^Id=(.*)$/m.exec(unit)?.[1] ?? []) : [])));
  return {
    os: parseOsRelease(os),
    packages: new Set(packages.split("\n").filter(Boolean)),
    enabled: those("UnitFileState=enabled"),
    active: those("ActiveState=active"),
  };
}

/** The daemons of libvirt that a host uses, or is to use. */
export function daemonsOf({ daemons }: Family, { enabled, active }: Pick<System, "enabled" | "active">): Daemons {
  return (
    daemons.find(({ sockets }) => sockets.some((unit) => active.has(unit))) ??
    daemons.find(({ boot }) => boot.some((unit) => enabled.has(unit))) ??
    daemons[0]
  );
}

/** Installs packages. */
export function installPackages({ install, installTimeout }: Family, packages: readonly string[]): Step {
  return {
    id: "install-packages",
    subject: packages.join(" "),
    title: `Installing ${packages.join(" ")}`,
    argv: ["sh", "-c", install, "sh", ...packages],
    timeout: installTimeout,
  };
}
