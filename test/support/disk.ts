import { unitPath } from "../../provider/tools/root-mount.ts";
import { both, type Edit, type Edits, says, swap, without } from "./recorded.ts";

const LAYERS = "/var/lib/svirt-lxc/roots/web/layers";
const GIB = 1024 ** 3;

/** The unit of a root, as the look at the mounts prints it. */
export function listedUnit(name: string, text: string): string {
  return text.replaceAll(/^(?=.*\n)/gm, `${unitPath(name)}:`);
}

const FILE = `${LAYERS}/disk.img`;

/** Without the mounts of a root, or only those of its disk. */
export const unmounted = without(/\/(guest\/root|layers\/(disk|mapped)) rw,/);
export const diskUnmounted = without(/\/layers\/(disk|mapped) rw,/);

/** What the look at the mounts prints of a root that has its disk, and nothing else. */
export const onlyDisk = says(`@files\n@disks\n${FILE} ${4 * GIB}\n@mounts\n`);

/** The recorded host, had its container a disk of other sizes, in GiB: in the record, of the file, and as it is mounted; 0 is none. */
export function withDisk({
  record = 4,
  file = 4,
  mounted = 4,
}: Partial<Record<"record" | "file" | "mounted", number>> = {}): Edits {
  const none: Edit = (text) => text;
  return {
    store: record === 4 ? none : swap('"disk":"4GiB"', `"disk":"${record}GiB"`),
    mounts: both(
      file === 4 ? none : swap(`${FILE} ${4 * GIB}\n`, file === 0 ? "" : `${FILE} ${file * GIB}\n`),
      mounted === 0 ? diskUnmounted : mounted === 4 ? none : swap(`discard ${4 * GIB}`, `discard ${mounted * GIB}`),
    ),
    space: file === 4 ? none : swap(`${FILE} ${4 * GIB}`, `${FILE} ${file * GIB}`),
  };
}

/** A host with so many GiB free of 20, of which others were promised some. */
export function space(free: number, promised = 0): Edit {
  const gib = (count: number) => (count * GIB) / 4096;
  return () =>
    `${gib(20)} ${gib(free)} 4096\n/var/lib/svirt-lxc/roots/db/layers/disk.img ${Math.ceil(promised * GIB)} 0\n`;
}
