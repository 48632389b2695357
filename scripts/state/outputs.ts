/** What the program says of a container once it is up. */
interface Container {
  host: string;
  address: string;
  labels: string[];
  verdict: string;
  ssh: string;
}

/** The containers of a stack's output, in words, each with the command that logs in. */
export function describeContainers(output: string): string {
  const { containers = {} } = JSON.parse(output) as { containers?: Record<string, Container> };
  return Object.entries(containers)
    .map(([name, { host, address, labels, verdict, ssh }]) =>
      [
        `\n${name} on ${host}: ${verdict}`,
        `  address  ${address}`,
        `  label    ${labels.join(", ")}`,
        `  log in   ${ssh}`,
      ].join("\n"),
    )
    .join("\n");
}
