import { z } from "zod";
import { mountedRoot } from "../root-mount.ts";
import { isSameList, keysSchema, linesOf } from "./authorized-keys.ts";
import { PATHS } from "./paths.ts";
import { insideStep, type Setting, type Target, without } from "./setting.ts";
import { tmpfiles } from "./tmpfiles.ts";

/** A name of a user or group (sysusers.d(5)), in lower case as useradd(8) wants it. */
export const userNameSchema = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "must be 1 to 31 lower-case letters, digits, _ and -, and no digit first");

/** The ids of a container end before 65,536, and the last two of them mean nobody. */
const MAX_ID = 65_533;

const userSchema = z.strictObject({
  /** Counts when the user is made. Default: the lowest free one from 1000 on. */
  uid: z.int().min(1).max(MAX_ID).optional(),
  /** Groups besides the own one, of the same name; those that are not there are made. One that is taken off the list stays. */
  groups: z.array(userNameSchema).optional(),
  /** Counts when the user is made. */
  shell: z
    .string()
    .regex(/^(\/[\w.+-]+)+$/, "must be an absolute path such as /bin/bash")
    .default("/bin/sh"),
  /** ~/.ssh/authorized_keys, a line each. Kept converged; not touched if not given. */
  authorizedKeys: keysSchema.optional(),
});
type User = z.output<typeof userSchema>;

const inputs = {
  /** Users inside, besides those of the image. One that is missing is made; one that is taken off the list stays. */
  users: z
    .record(userNameSchema, userSchema)
    .refine((users) => !Object.hasOwn(users, "root"), {
      error: "root is there already: authorizedKeys and rootPassword are its",
      path: ["root"],
    })
    .refine((users) => {
      const ids = Object.values(users).flatMap(({ uid }) => uid ?? []);
      return new Set(ids).size === ids.length;
    }, "gives one uid to two users")
    .optional(),
};

interface FoundUser {
  groups: string[];
  authorizedKeys?: string[];
}

export const users = {
  inputs,
  look: `
for user in $users; do
  [ -n "$(field_of "$user" 3)" ] || continue
  echo "user:$user"
  [ -L etc/group ] || awk -F: -v name="$user" '{ n = split($4, all, ","); for (i = 1; i <= n; i++) if (all[i] == name) print "group:" name " " $1 }' etc/group
  keys_of "$(home_of "$user" "home/$user")" | sed "s/^/key:$user /"
done`,
  found(look) {
    const of = (word: string, user: string) =>
      look.told(word).flatMap((line) => (line.startsWith(`${user} `) ? [line.slice(user.length + 1)] : []));
    const all = look.told("user").map((name): [string, FoundUser] => {
      const keys = of("key", name);
      return [name, { groups: of("group", name).sort(), authorizedKeys: keys.length > 0 ? keys : undefined }];
    });
    return { users: all.length > 0 ? Object.fromEntries(all) : undefined };
  },
  steps(target, found, { users = {} }) {
    // Those without an id take what the others leave.
    const all = Object.entries(users).sort(([, a], [, b]) => Number(a.uid === undefined) - Number(b.uid === undefined));
    return all.flatMap(([name, user]) => {
      const is = found.users?.[name];
      const isMade = is !== undefined && without(user.groups ?? [], is.groups).length === 0;
      const hasKeys = !user.authorizedKeys || isSameList(is?.authorizedKeys ?? [], user.authorizedKeys);
      return [
        ...(isMade ? [] : [makeUser(target, name, user)]),
        ...(hasKeys ? [] : [setKeys(target, name, user.authorizedKeys!)]),
      ];
    });
  },
  actual: (found, { users }) => ({
    users:
      users &&
      Object.fromEntries(
        Object.entries(users).flatMap(([name, user]) => {
          const is = found.users?.[name];
          if (!is) return [];
          const groups = user.groups?.filter((group) => is.groups.includes(group));
          return [[name, { ...user, groups, authorizedKeys: user.authorizedKeys && (is.authorizedKeys ?? []) }]];
        }),
      ),
  }),
} satisfies Setting<{ users?: Record<string, User> }, { users?: Record<string, FoundUser> }>;

function makeUser(target: Target, name: string, { uid, groups = [], shell }: User) {
  const root = mountedRoot(target.name);
  const step = { id: "make-user", subject: name, title: `Making the user ${name}` };
  const argv = ["sh", "-c", MAKE_USER, "sh", root, name, uid === undefined ? "" : String(uid), shell, ...groups];
  return insideStep(target, step, argv);
}

function setKeys(target: Target, name: string, keys: string[]) {
  const step = { id: "set-user-keys", subject: name, title: `Setting the authorized keys of ${name}` };
  const argv = ["sh", "-c", SET_KEYS, "sh", name, ...tmpfiles(mountedRoot(target.name))];
  return insideStep(target, step, argv, linesOf(keys));
}

// systemd-sysusers would take an id of the system's for a user without one, and for one whose id is a user's or a group's already.
const MAKE_USER = `${PATHS}
root=$1 name=$2 uid=$3 shell=$4 new=; shift 4
taken() { awk -F: -v id="$uid" -v name="$name" '$3 == id && $1 != name { print $1; exit }' etc/passwd etc/group; }
if [ -z "$(field_of "$name" 3)" ]; then
  [ -n "$uid" ] || uid=$(awk -F: '{ taken[$3] } END { for (id = 1000; id in taken; id++); print id }' etc/passwd etc/group) || exit 1
  other=$(taken) || exit 1
  [ -z "$other" ] || { echo "the id $uid of $name is that of $other already: declare another uid" >&2; exit 1; }
  new=1
  echo "u $name $uid - /home/$name $shell" | systemd-sysusers "--root=$root" - || exit 1
fi
for group; do echo "m $name $group"; done | systemd-sysusers "--root=$root" - || exit 1
home=$(home_of "$name" "home/$name")
[ -z "$new" ] && [ -d "./$home" ] || echo "d /$home 0700 $(field_of "$name" 3) $(field_of "$name" 4)" | systemd-tmpfiles "--root=$root" --create -`;

const SET_KEYS = `${PATHS}
name=$1; shift
home=$(home_of "$name" "home/$name") owner="$(field_of "$name" 3) $(field_of "$name" 4)"
keys=$(base64 -w 0)
{ echo "d /$home/.ssh 0700 $owner"
  echo "f+~ /$home/.ssh/authorized_keys 0600 $owner - $keys"; } | "$@"`;
