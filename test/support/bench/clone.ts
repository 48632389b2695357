import type { Lab } from "../../../lab/index.ts";
import { quote, quoteArgv, type Step } from "../../../provider/host/batch.ts";
import { STORE } from "../../../provider/host/records.ts";
import { idMapOf, levelOf } from "../../../provider/host/slot.ts";
import { rootLabel } from "../../../provider/resources/lxc-rootfs/observed.ts";
import { bytesOf, createDisk, DEFAULT_DISK } from "../../../provider/tools/root-disk.ts";
import {
  createFolders,
  layersFolder,
  mountRoot,
  removeRootUnit,
  rootFolder,
  unmountRoot,
  writeRootUnit,
} from "../../../provider/tools/root-mount.ts";
import { median, ratios, type Section, seconds } from "./figures.ts";

/** Milliseconds of roots that were made by mounts, and by copies. */
export interface Clones {
  megabytes: number;
  mounted: number[];
  copied: number[];
}

const NAME = "bench-clone";
const COPY = `${STORE}/bench-copy`;
/** Nobody else's. */
const SLOT = 4000;

/** An image on the lab host, of which roots are made in two ways. */
export class CloneSource {
  readonly #lab: Lab;
  readonly #image: string;
  /** Of all files in it, in MB. */
  readonly megabytes: number;

  private constructor(lab: Lab, image: string, megabytes: number) {
    this.#lab = lab;
    this.#image = image;
    this.megabytes = megabytes;
  }

  /** Made of so many copies of the image that the host has, one in the other: files of a real system, with their labels. */
  static async create(lab: Lab, copies: number): Promise<CloneSource> {
    const image = copies.toString(16).padStart(64, "0");
    const script = `
set -e
cd ${STORE}/images
base=$(ls -d */root | grep -v ^0000 | head -n 1)
mkdir ${image}
cp -a "$base" ${image}/root
for n in $(seq ${copies - 1}); do cp -a "$base" ${image}/root/copy$n; done
du -sm --apparent-size ${image} | cut -f 1`;
    const { stdout } = await lab.ssh(script, { timeout: 1200 });
    return new CloneSource(lab, image, Number(stdout));
  }

  /** Milliseconds to make a root as LxcRootfs does, and mount it. */
  mounted(): Promise<number> {
    const label = rootLabel(SLOT);
    const idmap = idMapOf(SLOT);
    const make = [
      createFolders(NAME, idmap),
      createDisk(layersFolder(NAME), bytesOf(DEFAULT_DISK)),
      ...writeRootUnit({ name: NAME, image: this.#image, idmap, label }, true),
      mountRoot(NAME),
    ];
    const remove = [unmountRoot(NAME), ...removeRootUnit(NAME)];
    return this.#timed(commands(make), `${commands(remove)} && rm -r ${rootFolder(NAME)}`);
  }

  /** Milliseconds to make a root as one does by hand: a copy of all files, which are labelled one by one. */
  copied(): Promise<number> {
    const type = rootLabel(SLOT).split(":")[2];
    const copy = `cp -a ${STORE}/images/${this.#image}/root ${COPY} && chcon -R -t ${type} -l ${levelOf(SLOT)} ${COPY}`;
    return this.#timed(copy, `rm -r ${COPY}`);
  }

  async remove(): Promise<void> {
    await this.#lab.ssh(`rm -r ${STORE}/images/${this.#image}`, { timeout: 600 });
  }

  /** By the clock of the host: the way there does not count. */
  async #timed(work: string, removal: string): Promise<number> {
    const script = `sync; began=$(date +%s%N); { ${work}; } >&2 || exit; echo $((($(date +%s%N) - began) / 1000)); ${removal}`;
    const { stdout } = await this.#lab.ssh(script, { timeout: 1800 });
    return Number(stdout.split("\n")[0]) / 1000;
  }
}

/** Of a small and a large one. */
export function cloneSection(measured: readonly Clones[]): Section {
  const [small, large] = [measured[0]!, measured.at(-1)!];
  return {
    id: "clone",
    title: "Clone and label a root",
    figures: [
      ...measured.map(({ megabytes, mounted, copied }) => ({
        what: `clone and label, root of ${megabytes} MB`,
        against: "cp -a and chcon -R",
        place: "lab host" as const,
        unit: "× faster",
        goal: { least: 50 },
        samples: ratios(copied, mounted),
      })),
      {
        what: `the same, ${large.megabytes} MB`,
        against: `${small.megabytes} MB`,
        place: "lab host",
        unit: "×",
        goal: { most: 1.2 },
        samples: [median(large.mounted) / median(small.mounted)],
      },
    ],
    table: {
      head: ["root", "ours", "cp -a and chcon -R"],
      rows: measured.map(({ megabytes, mounted, copied }) => [`${megabytes} MB`, seconds(mounted), seconds(copied)]),
    },
  };
}

function commands(steps: readonly Step[]): string {
  return steps
    .map(({ argv, stdin }) =>
      stdin === undefined ? quoteArgv(argv) : `printf %s ${quote(stdin)} | ${quoteArgv(argv)}`,
    )
    .join(" && ");
}
