/** Where libvirt's LXC driver is configured (comments in the file itself are its documentation). */
export const LXC_CONF = "/etc/libvirt/lxc.conf";

/** What we need it to say. The defaults of the last two are 0: containers without a label start, unconfined. */
export const REQUIRED: Readonly<Record<string, string>> = {
  security_driver: '"selinux"',
  security_default_confined: "1",
  security_require_confined: "1",
};

/** The keys that do not have their required value. */
export function missing(text: string): string[] {
  return Object.keys(REQUIRED).filter((key) => setting(text, key) !== REQUIRED[key]);
}

/** The text with all keys as required, and everything else as it is. */
export function withRequired(text: string): string {
  return [...others(text), ...Object.entries(REQUIRED).map(([key, value]) => `${key} = ${value}`), ""].join("\n");
}

/** The text with those keys as they were in the original, and everything else as it is: others may have changed it meanwhile. */
export function withOriginal(text: string, original: string): string {
  if (others(text).join("\n") === others(original).join("\n")) return original;
  return [...others(text), ...original.split("\n").filter(isOurs), ""].join("\n");
}

function others(text: string): string[] {
  const lines = text.split("\n").filter((line) => !isOurs(line));
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

const isOurs = (line: string) => Object.keys(REQUIRED).some((key) => isSetting(line, key));

/** libvirt takes the first of several (virConfGetValue). */
function setting(text: string, key: string): string | undefined {
  const line = text.split("\n").find((l) => isSetting(l, key));
  return line?.slice(line.indexOf("=") + 1).trim();
}

function isSetting(line: string, key: string): boolean {
  return new RegExp(`^\\s*${key}\\s*=`).test(line);
}
