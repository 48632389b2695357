import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { sourceOf } from "../../../provider/sources/index.ts";

/** What the host needs for each source, besides what it has. */
const schema = lxcImage.schema.pick({ apt: true, dnf: true, oci: true, url: true });
const site = { gpgkey: "/srv/key" };
const digest = `sha256:${"0".repeat(64)}`;
const cases: [name: string, inputs: object, needs: string[]][] = [
  ["Debian's own mirrors", { apt: { suite: "trixie" } }, ["mmdebstrap", "debian-archive-keyring"]],
  [
    "a mirror by https, with a key of its own",
    { apt: { suite: "trixie", keyring: "/srv/key", mirrors: [{ url: "https://m.example" }] } },
    ["mmdebstrap", "ca-certificates"],
  ],
  ["Fedora's own mirrors", { dnf: { release: 44 } }, ["dnf", "rpm", "distribution-gpg-keys", "ca-certificates"]],
  [
    "a repository on the host",
    { dnf: { release: 44, repositories: { a: { baseurl: "file:///srv", ...site } } } },
    ["dnf", "rpm"],
  ],
  [
    "a list of mirrors by https",
    { dnf: { release: 44, repositories: { a: { metalink: "https://m.example", ...site } } } },
    ["dnf", "rpm", "ca-certificates"],
  ],
  ["a registry", { oci: { from: "docker://m.example/a", digest } }, ["skopeo", "umoci", "ca-certificates"]],
  ["a layout on the host", { oci: { from: "oci:/srv/a", digest } }, ["skopeo", "umoci"]],
  ["an archive by http", { url: "http://m.example/a.tar" }, ["curl"]],
  ["an archive by https", { url: "https://m.example/a.tar" }, ["curl", "ca-certificates"]],
];
test.each(cases)("%s", (_, inputs, needs) => {
  const { source, recipe } = sourceOf(schema.partial().parse(inputs) as never);
  expect(source.needs(recipe)).toEqual(needs);
});
