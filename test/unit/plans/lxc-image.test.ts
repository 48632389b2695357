import { lxcImage } from "../../../provider/resources/lxc-image.ts";
import { IMAGE, imageInputs } from "../../support/inputs.ts";
import { given, plans, removals } from "../../support/plans.ts";
import { added, both, DAMAGE, type Edits, says, swap, without } from "../../support/recorded.ts";

const nothing = { store: says("") };
const fromHost = { archive: undefined, hostArchive: "/srv/base.tar.xz" };
const unclaimed = without(/image-.*LxcImage/);
const incomplete = without(/image\.json|root\.json/);
const unused = without(/image-.*LxcRootfs|roots\/web/);

const STAGED = `./staging/${IMAGE}.svirt-lxc%2Flab%2FLxcImage%2Flab.base:{}`;

plans(lxcImage, imageInputs, [
  ["another stack was faster", { host: { store: added(STAGED) } }, ["remove-staging"]],
  ["from nothing", { host: nothing }, ["claim-image", "upload-image", "install-image", "record-image"]],
  [
    "from nothing, an archive on the host",
    { host: nothing, wants: fromHost },
    ["claim-image", "unpack-image", "install-image", "record-image"],
  ],
  ["converged", {}, []],
  ["converged, the archive has moved", { wants: { archive: "elsewhere/base.tar" } }, []],
  ["converged, the archive is on the host", { wants: fromHost }, []],
  ["the claim is lost", { host: { store: unclaimed } }, ["claim-image"]],
  ["the image is lost", { host: { store: incomplete } }, ["upload-image", "install-image", "record-image"]],
  ...DAMAGE.flatMap(([how, text]): [string, { host: Edits }, string[]][] => [
    [`the record: ${how}`, { host: { store: swap(/(?<=image\.json:).*/, text) } }, ["record-image"]],
    [`the claim: ${how}`, { host: { store: swap(/(?<=LxcImage.*:).*/, text) } }, ["claim-image"]],
  ]),
  ["the record is lost, and a root stands on it", { host: { store: without(/image\.json/) } }, ["record-image"]],
  [
    "what is left of one whose removal broke off",
    { host: { store: added(`./images/${IMAGE}.removed:`) } },
    ["remove-rest"],
  ],

  [
    "another image",
    { wants: { sha256: "0".repeat(64) } },
    ["claim-image", "upload-image", "install-image", "record-image"],
  ],
]);

test("an upload is streamed, outside of the host's lock, and claimed before; it is put in place under the lock", () => {
  const { observed, desired } = given(lxcImage, imageInputs, { host: nothing });
  const steps = lxcImage.plan(observed, desired);
  expect(steps[1]).toMatchObject({ upload: ".lab/base.tar", phase: "before" });
  expect(steps.map((s) => s.phase)).toEqual(["before", "before", undefined, undefined]);
});

const archives: [archive: string, unzip: string][] = [
  ["base.tar", ""],
  ["base.tar.gz", "--gzip"],
  ["base.tgz", "--gzip"],
  ["base.tar.xz", "--xz"],
  ["base.txz", "--xz"],
  ["base.tar.zst", "--zstd"],
  ["base.tzst", "--zstd"],
  ["gz.tar", ""],
];
test.each(archives)("%s is unpacked with '%s'", (archive, unzip) => {
  const { observed, desired } = given(lxcImage, imageInputs, { host: nothing, wants: { archive } });
  expect(lxcImage.plan(observed, desired)[1]!.argv.slice(-2)).toEqual([unzip, archive]);
});

test("two stacks that unpack the same image at the same time do so in different places", () => {
  const folder = (owner: string) => {
    const { observed, desired } = given(lxcImage, imageInputs, { host: nothing, wants: { owner } });
    return lxcImage.plan(observed, desired)[1]!.argv[4];
  };
  expect(folder("a/b/LxcImage/c")).not.toBe(folder("a/b/LxcImage/d"));
  expect(folder("a/b/LxcImage/c")).toMatch(new RegExp(`^/var/lib/svirt-lxc/staging/${IMAGE}[^/]+$`));
});

removals(lxcImage, imageInputs, [
  ["a container lies on it", {}, ["release-image"]],
  ["the last claim", { host: { store: unused } }, ["remove-image", "release-image"]],
  [
    "another stack uses it",
    { host: { store: both(unused, added(`./claims/image-${IMAGE}/other:{}`)) } },
    ["release-image"],
  ],
  ["a root stands on it, whose claim is lost", { host: { store: without(/image-.*LxcRootfs/) } }, ["release-image"]],
  [
    "a root stands on it, whose claim is damaged",
    { host: { store: swap(/(?<=LxcRootfs.*web:).*/, "") } },
    ["release-image"],
  ],
  [
    "a claim of nobody knows whom",
    { host: { store: both(unused, added(`./claims/image-${IMAGE}/%zz:`)) } },
    ["release-image"],
  ],
  [
    "its record is damaged",
    { host: { store: both(unused, swap(/(?<=image\.json:).*/, "")) } },
    ["remove-image", "release-image"],
  ],
  ["the claim is not ours", { host: { store: unclaimed } }, []],
  ["all is gone already", { host: nothing }, []],
  [
    "a create that was killed before it was complete",
    { host: { store: both(both(unused, incomplete), added(STAGED)) } },
    ["remove-staging", "remove-image", "release-image"],
  ],
]);

test("identity and outputs", () => {
  const { observed, desired } = given(lxcImage, imageInputs, {});
  expect(lxcImage.id(desired, observed)).toBe(IMAGE);
  expect(lxcImage.outputs(observed, desired)).toEqual({
    path: `/var/lib/svirt-lxc/images/${IMAGE}/root`,
    packages: [],
  });
});
