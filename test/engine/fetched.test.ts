import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { ensurePrograms } from "../../scripts/setup/packages.ts";
import type { Host } from "../support/host/host.ts";
import { Site } from "../support/host/site.ts";
import { serveImage } from "../support/registry.ts";
import type { Stack } from "../support/stack.ts";

/** Images that the host fetches, with the real tools: an archive by its address, an image of the OCI. */

let site: Site;
let host: Host;
let stack: Stack;
let server: Server;

beforeAll(async () => {
  await ensurePrograms("Images of the OCI", { skopeo: "skopeo", umoci: "umoci", curl: "curl" });
  site = await Site.create();
  host = await site.host();
  await host.addPackages("curl", "skopeo", "umoci");
  stack = await site.stack("fetched", {});
  const archive = await readFile(site.archive);
  server = createServer((request, response) => {
    if (request.url === "/base.tar") response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});

afterAll(async () => {
  server.close();
  await site.end();
});

const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`;
const up = async (base: object) => {
  await stack.configure({ ...site.config({ web: {} }), "svirt-lxc:images": { base } });
  return stack.up();
};
const edition = () => host.read("/var/lib/svirt-lxc/roots/web/guest/root/etc/edition");
const sha256 = async () =>
  createHash("sha256")
    .update(await readFile(site.archive))
    .digest("hex");

test("an archive by its address", async () => {
  const { ok, output } = await up({ url: at("base.tar"), sha256: await sha256() });
  expect(ok ? "" : output).toBe("");
  expect(await edition()).toBe("1\n");
  await stack.converged();
});

test.each([
  ["that is not there", "nothing.tar", /correct the address/],
  ["that is another one", "base.tar", /find out which is right/],
])("an archive %s: the error, its remedy, and no image", async (_, path, remedy) => {
  const { ok, output } = await up({ url: at(path), sha256: "0".repeat(64) });
  expect(ok).toBe(false);
  expect(output).toMatch(remedy);
  expect(await host.sh("ls /var/lib/svirt-lxc/images")).toBe(await sha256());
});

/** A layout of the OCI on the host, of the tree of the site's archive; its manifest's digest. */
async function makeLayout(): Promise<{ from: string; digest: string }> {
  const tree = join(site.dir, "tree");
  await mkdir(tree);
  await execa("tar", ["-x", "-p", "--numeric-owner", "-C", tree, "-f", site.archive]);
  await writeFile(join(tree, "etc/edition"), "oci\n");
  const image = `${join(site.dir, "layout")}:base`;
  await execa("umoci", ["init", "--layout", join(site.dir, "layout")]);
  await execa("umoci", ["new", "--image", image]);
  await execa("umoci", ["insert", "--image", image, tree, "/"]);
  const inspect = ["--insecure-policy", "inspect", "--format", "{{.Digest}}", `oci:${image}`];
  // A build does not see /tmp.
  await host.sh(`ln -s ${join(site.dir, "layout")} /mnt/layout`);
  return { from: "oci:/mnt/layout:base", digest: (await execa("skopeo", inspect)).stdout };
}

test("an image of the OCI, pinned by its digest, and one that is another", async () => {
  const oci = await makeLayout();
  const other = { ...oci, digest: `sha256:${"0".repeat(64)}` };
  const wrong = await up({ oci: other });
  expect(wrong.ok).toBe(false);
  expect(wrong.output).toMatch(/has the digest sha256:[\s\S]*declare its digest/);

  expect((await stack.destroy()).ok).toBe(true);
  const { ok, output } = await up({ oci });
  expect(ok ? "" : output).toBe("");
  expect(await edition()).toBe("oci\n");
  await stack.converged();
});

// What `docker pull` and a registry's page show is the digest of the list, of which skopeo copies one entry.
test("an image of a registry in Docker's format, pinned by its digest and by that of a list for several architectures", async () => {
  const registry = await serveImage(`${join(site.dir, "layout")}:base`, join(site.dir, "pushed"));
  try {
    const insecure = `[[registry]]\nlocation = "${registry.address}"\ninsecure = true\n`;
    await host.write("/etc/containers/registries.conf.d/test.conf", insecure);
    for (const digest of [registry.digest, registry.list]) {
      expect((await stack.destroy()).ok).toBe(true);
      const { ok, output } = await up({ oci: { from: `docker://${registry.address}/base`, digest } });
      expect(ok ? "" : output).toBe("");
      expect(await edition()).toBe("oci\n");
    }
    await stack.converged();
  } finally {
    registry.end();
  }
});
