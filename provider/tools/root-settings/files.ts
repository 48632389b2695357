import { z } from "zod";
import { sha256 } from "../../host/digest.ts";
import { mountedRoot } from "../root-mount.ts";
import { PATHS } from "./paths.ts";
import { insideStep, type Setting } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";
import { userNameSchema } from "./users.ts";

/** The characters are those that mean nothing to tmpfiles.d(5), and nothing in the list that the root's record has of them. */
const pathSchema = z
  .string()
  .regex(/^(\/[\w@.+-]+)+$/, "must be an absolute path of letters, digits and _@.+-, such as /etc/motd")
  .refine((path) => !/\/\.{1,2}(\/|$)/.test(path), "must not have . or .. in it")
  .refine(
    (path) => !/^\/(dev|proc|sys|run|tmp|var\/run|var\/lock)(\/|$)/.test(path),
    "is where the container has a file system in memory at each start: a file of /etc/tmpfiles.d makes files there",
  );

const owner = z.union([userNameSchema, z.string().regex(/^\d{1,5}$/)], "must be the name of a user, or an id");

export const fileSchema = z.strictObject({
  content: z.string().max(100_000, "must be 100000 characters at most"),
  /** Octal. */
  mode: z
    .string()
    .regex(/^0?[0-7]{3,4}$/, 'must be octal, such as "0644"')
    .default("0644"),
  /** Name or id inside. */
  owner: owner.default("root"),
  group: owner.default("root"),
});
type File = z.output<typeof fileSchema>;

const inputs = {
  /** Files by absolute path. Kept converged as a whole, with owner and mode; one that is taken off the list stays as it is. */
  files: z.record(pathSchema, fileSchema).optional(),
};

/** A file of the list as it is there: no link, and where links on the way to it lead. */
interface FoundFile {
  mode: string;
  uid: string;
  user: string;
  gid: string;
  group: string;
  /** Of its content. */
  sha256: string;
}

// A folder that is missing belongs to whom the one above belongs: systemd-tmpfiles makes it root's, and then refuses to write
// below it where that is in somebody's home.
const WRITE = `${PATHS}
folder=$(resolve "\${1%/*}") missing=; shift
while [ -n "$folder" ] && [ ! -d "./$folder" ]; do
  missing="$folder $missing"
  case $folder in */*) folder=\${folder%/*};; *) folder=;; esac
done
owner=$(stat -c '%u %g' "./$folder") || exit 1
{ for folder in $missing; do echo "d /$folder 0755 $owner"; done; cat; } | "$@"`;

export const files = {
  inputs,
  look: `
name_in() { [ -L etc ] || [ -L "etc/$1" ] || awk -F: -v id="$2" '$3 == id { print $1; exit }' "etc/$1" 2>/dev/null; }
for file in $files; do
  folder=$(resolve "\${file%/*}") || continue
  real=./\${folder:+$folder/}\${file##*/}
  [ -f "$real" ] && [ ! -L "$real" ] || continue
  set -- $(stat -c '%a %u %g' "$real") $(sha256sum <"$real")
  echo "file:$file $1 $2 $(name_in passwd "$2") $3 $(name_in group "$3") $4"
done`,
  found(look) {
    const all = look.told("file").map((line): [string, FoundFile] => {
      const [path = "", mode = "", uid = "", user = "", gid = "", group = "", sha256 = ""] = line.split(" ");
      return [path, { mode, uid, user, gid, group, sha256 }];
    });
    return { files: all.length > 0 ? Object.fromEntries(all) : undefined };
  },
  steps(target, found, { files = {} }) {
    return Object.entries(files).flatMap(([path, file]) => {
      if (isAs(found.files?.[path], file) || OTHER.test(file.content)) return [];
      const { content, mode, owner, group } = file;
      const lines = `r ${path}\nf+~ ${path} ${mode} ${owner} ${group} - ${Buffer.from(content).toString("base64")}\n`;
      const command = tmpfiles(mountedRoot(target.name), "--remove", "--create");
      const argv = ["sh", "-c", WRITE, "sh", path, ...command];
      return [insideStep(target, { id: "write-file", subject: path, title: `Writing ${path}` }, argv, lines)];
    });
  },
  actual: (found, { files }) => ({
    files:
      files &&
      Object.fromEntries(
        Object.entries(files).flatMap(([path, file]): [string, File][] => {
          const is = found.files?.[path];
          if (isAs(is, file)) return [[path, file]];
          if (is === undefined) return [];
          const content = is.sha256 === sha256(file.content) ? file.content : other(is.sha256);
          return [[path, { content, mode: is.mode, owner: is.user || is.uid, group: is.group || is.gid }]];
        }),
      ),
  }),
} satisfies Setting<{ files?: Record<string, File> }, { files?: Record<string, FoundFile> }>;

/**
 * What stands for a content that is not the declared one, which may be secret. With `ignoreChanges` the engine takes it for what is
 * wanted: it is as it is there, and is never written.
 */
const other = (digest: string) => `(another one, sha256 ${digest})`;
const OTHER = /^\(another one, sha256 [0-9a-f]{64}\)$/;

function isAs(found: FoundFile | undefined, { content, mode, owner, group }: File): boolean {
  return (
    found !== undefined &&
    Number.parseInt(found.mode, 8) === Number.parseInt(mode, 8) &&
    [found.user, found.uid].includes(owner) &&
    [found.group, found.gid].includes(group) &&
    [sha256(content), content].some((is) => is === found.sha256 || is === other(found.sha256))
  );
}
