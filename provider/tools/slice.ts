import type { Outcome, Read, Step } from "../host/batch.ts";
import { parseOnce } from "../host/parse-once.ts";
import { ALL_LIMITS, type LimitName, type LimitValues } from "../limits/index.ts";
import type { Controller, Limit } from "../limits/limit.ts";
import { SHARES } from "./init.ts";
import { parseMemory } from "./memory.ts";
import { V } from "./virsh.ts";

/*
 * Each container has a slice of systemd's (systemd.slice(5)) to itself, which is outside of what its root may write: the control
 * group that libvirt hands to a container carries libvirt's own memory limit, and the container may change it.
 */

/** The partition of a domain, which makes libvirt put it into the slice (https://libvirt.org/cgroups.html). */
export function partitionOf(name: string): string {
  return `/machine/svirt-lxc/${name}`;
}

/** The slice of all containers; a hyphen tells the levels, one of a name is escaped (systemd.unit(5)). */
export const PARENT_SLICE = "machine-svirt\\x2dlxc.slice";

export function sliceOf(name: string): string {
  return `machine-svirt\\x2dlxc-${name.replaceAll("-", "\\x2d")}.slice`;
}

/** Where set-property keeps what holds at the next start. */
const CONFIGURED = "/etc/systemd/system.control";
const CGROUPS = "/sys/fs/cgroup";
const PARENT = `${CGROUPS}/machine.slice/${PARENT_SLICE}`;

const FILES = [...new Set(ALL_LIMITS.flatMap(([, { settings }]) => settings.map(({ file }) => file)))];

const READ = `
read -r controllers <${CGROUPS}/cgroup.controllers && echo "@controllers $controllers"
p='${PARENT_SLICE.replace(".slice", "-")}'
cd ${CONFIGURED} 2>/dev/null && grep -H '^[A-Za-z]*=' "$p"*.slice.d/*.conf 2>/dev/null
cd '${PARENT}' 2>/dev/null || exit 0
grep -H '' ${FILES.map((file) => `"$p"*.slice/${file}`).join(" ")} 2>/dev/null
:`;

/** The slices of all containers of ours. */
export const slicesRead: Read = { key: "slices", argv: ["sh", "-c", READ] };

/** What limits a container, as texts: by property what its next start has, by file what the kernel holds it to now. */
export interface FoundLimits {
  configured: Record<string, string>;
  /** Absent while the slice is not active. */
  kernel?: Record<string, string>;
  /** The controllers that the host's kernel has. */
  controllers: string[];
}

export function parseSlices(outcome: Outcome, name: string): FoundLimits {
  const { controllers, slices } = readSlices(outcome);
  return { configured: {}, ...slices.get(sliceOf(name)), controllers };
}

type Slice = Pick<FoundLimits, "configured" | "kernel">;

const readSlices = parseOnce((text): { controllers: string[]; slices: Map<string, Slice> } => {
  const slices = new Map<string, Slice>();
  let controllers: string[] = [];
  for (const line of text.split("\n")) {
    const [, names] = /^@controllers (.*)/.exec(line) ?? [];
    if (names !== undefined) controllers = names.split(" ");
    const [, unit, file = "", content = ""] = /^(.*?)(?:\.d)?\/([\w.-]+):(.*)$/.exec(line) ?? [];
    if (unit === undefined) continue;
    const slice = slices.get(unit) ?? { configured: {} };
    slices.set(unit, slice);
    const [, property, value = ""] = /^(\w+)=(.*)$/.exec(content) ?? [];
    if (!file.endsWith(".conf")) slice.kernel = { ...slice.kernel, [file]: content };
    // systemd writes a percentage with two decimals.
    else if (property) slice.configured[property] = /^[\d.]+%$/.test(value) ? `${Number.parseFloat(value)}%` : value;
  }
  return { controllers, slices };
});

type AnyLimit = Limit<LimitValues[LimitName]>;

/** The limits that are not kept as declared, now or at the next start. */
export function unkeptLimits(found: FoundLimits, values: LimitValues): LimitName[] {
  return ALL_LIMITS.filter(([name, limit]) => !isKept(limit, found, values[name])).map(([name]) => name);
}

function isKept({ settings }: AnyLimit, { configured, kernel }: FoundLimits, value: LimitValues[LimitName]): boolean {
  return settings.every(({ property, toProperty, file, toKernel }) => {
    // A control group lacks the files of controllers that nobody asked for.
    const now = kernel?.[file] ?? toKernel(value);
    return (configured[property] ?? "") === toProperty(value) && now === toKernel(value);
  });
}

/** The inputs as they are found. A limit that holds now, and not at the next start, is told as text. */
export function actualLimits(
  found: FoundLimits,
  values: LimitValues,
): { actual: Partial<LimitValues>; drift: string[] } {
  const actual: Partial<Record<LimitName, unknown>> = {};
  const drift: string[] = [];
  for (const name of unkeptLimits(found, values)) {
    const limit = ALL_LIMITS.find(([other]) => other === name)![1];
    const [{ file }] = limit.settings;
    const text = found.kernel?.[file];
    const value = text === undefined ? undefined : limit.fromKernel(text);
    if (text !== undefined && value !== values[name]) actual[name] = value;
    else drift.push(...limit.settings.map(({ property }) => `${property}=${found.configured[property] ?? ""}`));
  }
  return { actual: actual as Partial<LimitValues>, drift };
}

/** A limit that is declared and that the host's kernel has no controller for. */
export function impossibleLimit(
  { controllers }: FoundLimits,
  values: LimitValues,
): [LimitName, Controller] | undefined {
  const found = ALL_LIMITS.find(
    ([name, { controller }]) => values[name] !== undefined && !controllers.includes(controller),
  );
  return found && [found[0], found[1].controller];
}

/** Sets all limits, for now and for every start. */
export function setLimits(name: string, values: LimitValues): Step {
  const properties = ALL_LIMITS.flatMap(([limit, { settings }]) =>
    (settings as AnyLimit["settings"]).map(({ property, toProperty }) => `${property}=${toProperty(values[limit])}`),
  );
  return {
    id: "set-limits",
    title: "Setting the limits of the container's slice",
    argv: ["systemctl", "set-property", sliceOf(name), ...properties],
  };
}

// Its init has mounted the file systems that count as memory (init.ts), with sizes that follow from the memory that it had then.
const FIT = `
${V}
controller=$(v domid "$1") && init=$(cat "/proc/$controller/task/$controller/children") || exit 1
init=\${init%% *}
for f in "$2"/machine-lxc*.scope/libvirt/memory.max; do echo "$3" >"$f" || exit 1; done
fit() {
  ! grep -q " $1 .* - tmpfs " "/proc/$init/mountinfo" || mount -N "$init" -t tmpfs -o "remount,nosuid,nodev,size=$2" tmpfs "$1" || :
}
${Object.entries(SHARES)
  .map(([folder, share]) => `fit ${folder} $(($3 / ${share}))`)
  .join("; ")}
`;

/** Gives a running container more memory, or less: what it sees as its own, apart from the limit of its slice. */
export function fitMemory(name: string, memory: string): Step {
  const bytes = String(parseMemory(memory)! * 1024);
  return {
    id: "fit-memory",
    title: "Telling the container how much memory it has",
    argv: ["sh", "-c", FIT, "sh", name, `${PARENT}/${sliceOf(name)}`, bytes],
  };
}

// Not by `systemctl revert`, which reads all units of the host anew: a slice that was stopped is none that systemd holds.
const REMOVE = `systemctl stop "$1" && rm -rf "${CONFIGURED}/$1.d"`;

/** Removes a slice that nothing runs in. */
export function removeSlice(name: string): Step {
  return {
    id: "remove-slice",
    title: "Removing the container's slice",
    argv: ["sh", "-c", REMOVE, "sh", sliceOf(name)],
  };
}

/** The command that prints something if there is a slice of all containers. */
export const HAS_PARENT = `[ ! -d '${PARENT}' ] || echo yes`;

const REMOVE_PARENT = `grep -qs 'populated 1' '${PARENT}/cgroup.events' || systemctl stop '${PARENT_SLICE}'`;

/** Removes the slice of all containers, if there are none. */
export const removeParentSlice: Step = {
  id: "remove-parent-slice",
  title: "Removing the slice of all containers",
  argv: ["sh", "-c", REMOVE_PARENT],
};
