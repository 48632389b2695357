/** One member of an archive as it never comes from tar itself (ustar, POSIX.1-1988). */
export function member(name: string, type: string, { link = "", uid = 0, size = 0 } = {}): Buffer {
  const block = Buffer.alloc(512);
  const octal = (n: number, width: number) => `${n.toString(8).padStart(width - 1, "0")}\0`;
  const fields: [at: number, text: string][] = [
    [0, name],
    [100, octal(0o644, 8)],
    [108, octal(uid, 8)],
    [116, octal(0, 8)],
    [124, octal(size, 12)],
    [136, octal(0, 12)],
    [148, "        "],
    [156, type],
    [157, link],
    [257, "ustar\x0000"],
    [329, octal(1, 8)],
    [337, octal(3, 8)],
  ];
  for (const [at, text] of fields) block.write(text, at, "latin1");
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
    "latin1",
  );
  return block;
}

/** Gives the member that follows an attribute (pax(1), "pax Extended Header Block"). */
export function attribute(key: string, value: Buffer | string): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  // The length counts its own digits.
  const length = [2, 3, 4].map((digits) => body.length + digits).find((n) => n === body.length + String(n).length)!;
  const text = Buffer.concat([Buffer.from(String(length)), body]);
  return Buffer.concat([member("pax", "x", { size: text.length }), text, Buffer.alloc(-text.length & 511)]);
}

/** Gives the member that follows cap_net_raw=ep: of version 3, as the user namespace of uid 100000 keeps it (linux/capability.h). */
export function capability(version: 2 | 3): Buffer {
  const words = [(version << 24) | 1, 1 << 13, 0, 0, 0, ...(version === 3 ? [100_000] : [])];
  const value = Buffer.alloc(4 * words.length);
  for (const [i, word] of words.entries()) value.writeUInt32LE(word, 4 * i);
  return attribute("SCHILY.xattr.security.capability", value);
}
