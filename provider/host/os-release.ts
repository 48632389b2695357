/** /etc/os-release (os-release(5)). */
export interface OsRelease {
  id: string;
  version: string;
  name: string;
}

export function parseOsRelease(text: string): OsRelease {
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\n]*)["']?$`, "m").exec(text)?.[1] ?? "";
  return { id: value("ID"), version: value("VERSION_ID"), name: value("PRETTY_NAME") || value("ID") };
}
