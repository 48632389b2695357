import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";

/** A registry of images on loopback, over http, which has one of them under the name `base`. */
export interface Registry {
  /** host:port */
  address: string;
  /** Of the manifest, as Docker's tools write it. */
  digest: string;
  /** Of the list of manifests, one for each of two architectures, of which this machine's is there. */
  list: string;
  end(): void;
}

/** Serves an image of a layout of the OCI as Docker's tools push it. */
export async function serveImage(layout: string, dir: string): Promise<Registry> {
  await execa("skopeo", ["--insecure-policy", "copy", "--format", "v2s2", `oci:${layout}`, `dir:${dir}`]);
  const blobs = new Map<string, { type: string; content: Buffer }>();
  const add = (content: Buffer, type = "application/octet-stream") => {
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    blobs.set(digest, { type, content });
    return digest;
  };
  for (const file of await readdir(dir)) if (/^[0-9a-f]{64}$/.test(file)) add(await readFile(join(dir, file)));
  const manifest = await readFile(join(dir, "manifest.json"));
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const digest = add(manifest, mediaType);
  const entry = (of: string, architecture: string) => ({
    mediaType,
    size: manifest.length,
    digest: of,
    platform: { architecture, os: "linux" },
  });
  const listType = "application/vnd.docker.distribution.manifest.list.v2+json";
  const manifests = [
    entry(`sha256:${"0".repeat(64)}`, "s390x"),
    entry(digest, process.arch === "x64" ? "amd64" : process.arch),
  ];
  const list = add(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: listType, manifests })), listType);

  const server = createServer(({ url = "" }, response) => {
    const blob = blobs.get(/^\/v2\/base\/(?:manifests|blobs)\/(.*)$/.exec(url)?.[1] ?? "");
    if (blob) response.writeHead(200, { "content-type": blob.type }).end(blob.content);
    else response.writeHead(url === "/v2/" ? 200 : 404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, digest, list, end: () => server.close() };
}
