import { rootUnit, unitPath } from "../../provider/tools/root-mount.ts";
import { IMAGE } from "./inputs.ts";
import { both, type Edit, type Edits, swap } from "./recorded.ts";

const LAYERS = "/var/lib/svirt-lxc/roots/web/layers";
const GIB = 1024 ** 3;
const unit = rootUnit({
  name: "web",
  image: IMAGE,
  idmap: { start: 1879048192, count: 65536 },
  label: "system_u:object_r:svirt_lxc_root_t:s0:c0,c512",
  hasDisk: true,
});

/** The unit of a root, as the look at the mounts prints it. */
export function listedUnit(name: string, text: string): string {
  return text.replaceAll(/^(?=.*\n)/gm, `${unitPath(name)}:`);
}

/** What findmnt printed of a disk of so many bytes. */
const rows = (bytes: number) =>
  `${LAYERS}/disk rw,nosuid,nodev,noexec,noatime rw,seclabel,minixdf,discard ${bytes}
${LAYERS}/mapped rw,nosuid,nodev,noexec,noatime,idmapped rw,seclabel,minixdf,discard
`;

/** The recorded host, if its container had a disk: of the size in the record, in GiB, and of the sizes that are found. */
export function withDisk({
  record = 4,
  file = 4,
  mounted = 4,
}: Partial<Record<"record" | "file" | "mounted", number>> = {}): Edits {
  const found = file > 0 ? `${LAYERS}/disk.img ${file * GIB}\n` : "";
  return {
    store: swap('"units":[]', `"units":[],"disk":"${record}GiB"`),
    mounts: both(
      swap(/(?<=@files\n).*(?=@folders)/s, listedUnit("web", unit)),
      swap(`${LAYERS}/upper\n@mounts\n`, `${found}@mounts\n${mounted > 0 ? rows(mounted * GIB) : ""}`),
      swap(
        `upperdir=${LAYERS}/upper,workdir=${LAYERS}/work`,
        `upperdir=${LAYERS}/mapped/upper,workdir=${LAYERS}/mapped/work`,
      ),
    ),
    space: (text) => `${text}${LAYERS}/disk.img ${file * GIB} 11512\n`,
  };
}

/** A host with so many GiB free of 20, of which others were promised some. */
export function space(free: number, promised = 0): Edit {
  const gib = (count: number) => (count * GIB) / 4096;
  return () =>
    `${gib(20)} ${gib(free)} 4096\n/var/lib/svirt-lxc/roots/db/layers/disk.img ${Math.ceil(promised * GIB)} 0\n`;
}
