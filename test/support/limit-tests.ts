import { until } from "../../lab/wait.ts";
import { Documented, expectDocumented, table } from "./generated.ts";
import { labTest, ownDenials, sharedLab } from "./lab.ts";
import type { LabPair } from "./lab-pair.ts";
import { says as hostSays } from "./lab-selinux.ts";
import { LIST_VISIBLE, REASONS } from "./visible.ts";
import { Witness } from "./witness.ts";

/**
 * What a container may use up, tried from inside by its root, while its neighbour and the host have to go on. `whole`: and how
 * limits change, what is started again, and what it sees of its host.
 */
export function limitTests(pair: LabPair, { whole }: { whole: boolean }): void {
  const SLICE = "/sys/fs/cgroup/machine.slice/machine-svirt\\x2dlxc.slice/machine-svirt\\x2dlxc-web.slice";
  const AS_USER = "setpriv --reuid=1000 --regid=1000 --clear-groups";

  let witness: Witness;
  let denied: string[];
  const documented = new Documented("docs/limits.md", "attacks", [
    "A container …",
    "limited by",
    "gets",
    "its neighbour and the host notice",
  ]);

  beforeAll(async () => {
    const lab = await sharedLab();
    denied = await ownDenials(lab);
    await pair.have({ tasks: 300 });
    witness = new Witness(lab, { db: (await pair.stack.outputs()).containers.db.address, host: "127.0.0.1" });
  }, 20 * 60_000);

  afterAll(() => witness?.end());

  const { inside } = pair;
  /** What a script prints that root of the container runs, with the exit code of what it ends with. */
  const attacker = async (script: string) => (await inside("web", `{ ${script}\n} 2>&1; echo "exit $?"`)).stdout;
  const says = async (command: string) => hostSays(await sharedLab(), command);
  const loggedIn = () =>
    inside("web", "true").then(
      () => true,
      () => false,
    );
  const started = async () => (await inside("web", "stat -c %Y /proc/1")).stdout;
  /** The limits of web, by what the kernel says of its slice. */
  const inForce = () => says(`cd '${SLICE}' && cat memory.max memory.swap.max pids.max cpu.max cpu.weight io.weight`);
  const OTHERS = { memory: "512MiB", tasks: 400, cpus: 0.5, cpuWeight: 50, ioWeight: 50 };
  const CHANGED = ["603979776", "0", "400", "50000 100000", "50", "default 50"].join("\n");

  /** A row of the table: an attack, what holds it, and what the container gets; the neighbour and the host have to go on. */
  function attack(what: string, limit: string, gets: string, work: () => Promise<void>): void {
    labTest(`${what}: ${gets}`, async () => {
      await witness.silent();
      await work();
      expect(await witness.silent()).toEqual([]);
      documented.note(what, limit, gets, "nothing");
    });
  }

  attack("raises its own limits", "control group namespace", "permission denied", async () => {
    const files = ["memory.max", "memory.swap.max", "pids.max", "cpu.max"];
    for (const file of files)
      expect(await attacker(`echo max >/sys/fs/cgroup/${file}`)).toMatch(
        /(Permission denied|Operation not permitted|No such file).*\nexit [12]$/s,
      );
  });

  attack(
    "freezes itself, and libvirt's controller with it",
    "control group namespace",
    "permission denied",
    async () => {
      expect(await attacker("echo 1 >/sys/fs/cgroup/cgroup.freeze")).toMatch(
        /Permission denied|Operation not permitted/,
      );
    },
  );

  attack("looks at the host's control groups", "control group namespace", "its own only", async () => {
    expect(await attacker("cat /proc/1/cgroup; find /sys/fs/cgroup -name '*machine*'")).toBe("0::/init.scope\nexit 0");
    const anew =
      "mkdir -p /mnt/g && mount -t cgroup2 none /mnt/g && ls -d /mnt/g/init.scope /mnt/g/machine.slice; umount /mnt/g";
    expect(await attacker(anew)).toMatch(/^ls: .*machine.slice.*\n\/mnt\/g\/init.scope\nexit 0$/);
  });

  attack("takes twice its memory", "memory", "the process is killed", async () => {
    expect(await attacker(`perl -e '$x = "a" x (512 << 20); print length $x'`)).toMatch(/exit 137$/);
    expect(Number(await says(`cat '${SLICE}/memory.swap.current'`))).toBe(0);
  });

  attack("fills /tmp, as an ordinary user", "memory: a quarter of it", "no space left", async () => {
    const before = await started();
    expect(await attacker(`${AS_USER} dd if=/dev/zero of=/tmp/x bs=1M; rm /tmp/x`)).toMatch(/No space left on device/);
    expect(await attacker(`${AS_USER} dd if=/dev/zero of=/dev/shm/x bs=1M; rm /dev/shm/x`)).toMatch(
      /No space left on device/,
    );
    expect(await attacker("dd if=/dev/zero of=/run/x bs=1M; rm /run/x")).toMatch(/No space left on device/);
    expect(await started()).toBe(before);
  });

  attack(
    "mounts a larger tmpfs and fills it, as an ordinary user",
    "memory, restart",
    "processes are killed; with its init, it is started again",
    async () => {
      const fill = "mount -t tmpfs -o size=4G none /mnt && exec dd if=/dev/zero of=/mnt/x bs=1M";
      const ended = await attacker(`${AS_USER} unshare -Urm sh -c '${fill}'`).catch((error) => `${error}`);
      expect(ended).toMatch(/exit (137|247)|Connection .*closed|exit code 255/);
      await until("an answer of the container", 300, loggedIn);
      expect(await says("cat /proc/$(cat /run/libvirt/lxc/web.pid)/oom_score_adj")).toBe("-1000");
    },
  );

  attack("forks without an end", "tasks", "no more processes", async () => {
    const loop = "while (1) { my $p = fork; last unless defined $p; if (!$p) { sleep 10; exit } $n++ } print $n";
    const [, forked = ""] = /^(\d+)/.exec(await attacker(`perl -e '${loop}'`)) ?? [];
    expect(Number(forked)).toBeGreaterThan(100);
    expect(Number(forked)).toBeLessThan(300);
    expect(Number(await says(`cat '${SLICE}/pids.current'`))).toBeLessThanOrEqual(300);
    await until("the end of its processes", 300, async () => Number(await says(`cat '${SLICE}/pids.current'`)) < 100);
  });

  attack("keeps every processor busy", "an equal share of the processors", "its share", async () => {
    await attacker("for i in 1 2 3 4; do timeout 10 sh -c 'while :; do :; done' & done; wait");
  });

  attack(
    "floods the audit log with denials",
    "what is rotated away is kept",
    "the first of each kind are kept",
    async () => {
      const lab = await sharedLab();
      const conf = "/etc/audit/auditd.conf";
      // Smaller files than auditd's own, so that it takes less.
      await lab.ssh(
        `cp -p ${conf} /root/auditd.conf; sed -i 's/^max_log_file = .*/max_log_file = 1/' ${conf}; pkill -HUP -x auditd`,
      );
      try {
        await lab.ssh("auditctl -m svirt-lxc-before-the-flood");
        // bpf(2), which the policy refuses, until both files are of the flood alone.
        const flood = attacker(
          "touch /root/flood; timeout 600 perl -e 'syscall(321, 0, 0, 0) while -e \"/root/flood\"'",
        );
        const isGone = async () => (await says("grep -l before-the-flood /var/log/audit/* | wc -l")) === "0";
        await until("the loss of what auditd had before", 600, isGone).finally(() => attacker("rm -f /root/flood"));
        await flood;
        const isKept = async () => (await says("grep -c before-the-flood /var/log/svirt-lxc/audit.log")) === "1";
        await until("what is kept", 300, isKept).catch(async (error) => {
          const of = "ls -l --full-time /var/log/audit /var/log/svirt-lxc; auditctl -s; journalctl -u svirt-lxc-audit";
          throw new Error(await says(of), { cause: error });
        });
        // Twenty of each of the two containers' denials of a kind, of each file; the rest of the log is whatever others had there.
        const [kept = 0, files = 0] = (
          await says(`cd /var/log/svirt-lxc; grep -c 'denied.*comm="perl".*tclass=bpf' audit.log; grep -c . seen`)
        )
          .split("\n")
          .map(Number);
        expect(kept).toBeGreaterThan(0);
        expect(kept).toBeLessThanOrEqual(2 * 20 * files);
      } finally {
        // Moved, it would keep the label of a file of root's, and auditd would not start at the next boot.
        await lab.ssh(`cat /root/auditd.conf >${conf}; rm /root/auditd.conf; pkill -HUP -x auditd`);
      }
    },
  );

  labTest("what was found is what is documented", async () => documented.expect());

  if (whole)
    labTest("what it sees of its host is known, and so is why", async () => {
      const seen = (await inside("web", LIST_VISIBLE)).stdout.split("\n").slice(0, -1);
      expect(seen.filter((file) => !REASONS.has(file))).toEqual([]);
      const reasons = [...new Set(seen.map((file) => REASONS.get(file)!))].sort();
      const filesOf = (reason: string) =>
        seen.filter((file) => REASONS.get(file) === reason).map((file) => `\`${file}\``);
      const rows = reasons.map((reason) => [filesOf(reason).join(", "), reason]);
      expectDocumented("docs/limits.md", "visible", table(["of /proc", "why"], rows));
      // Of /sys, besides its control groups, it reads what every user of the host may, and nothing that is root's alone there.
      const readable = `perl -ne 'chomp; open my $file, "<", $_ or next; sysread $file, my $byte, 1 and print "$_\\n"'`;
      const files = "find /sys -path /sys/fs/cgroup -prune -o -type f ! -perm -o=r -print 2>/dev/null";
      expect((await inside("web", `${files} | ${readable}`)).stdout).toBe("");
      expect((await inside("web", "head -c 1 /sys/devices/system/cpu/online")).stdout).toBe("0");
    });

  if (whole)
    labTest("limits change while it runs, and what somebody else set is named and put back", async (lab) => {
      const before = await started();
      expect(Object.keys(await pair.have(OTHERS))).toEqual(["LxcDomain web"]);
      expect(await inForce()).toBe(CHANGED);
      expect(
        (
          await inside("web", "free -m | sed -n 's/^Mem: *\\([0-9]*\\).*/\\1/p'; df -m --output=size /tmp | tail -n 1")
        ).stdout.replaceAll(" ", ""),
      ).toBe("512\n128");
      expect(await started()).toBe(before);
      await pair.stack.converged();

      await lab.ssh("systemctl set-property --runtime 'machine-svirt\\x2dlxc-web.slice' TasksMax=1000");
      expect((await pair.stack.preview("--refresh")).operations["LxcDomain web"]?.properties).toEqual(["tasks"]);
      expect((await pair.stack.up()).ok).toBe(true);
      expect(await says(`cat '${SLICE}/pids.max'`)).toBe("400");
      await pair.stack.converged();
    });

  if (whole)
    labTest(
      "a container whose controller is killed is started again; one that powers itself off stays off",
      async (lab) => {
        const controller = async () => says("cat /run/libvirt/lxc/web.pid");
        const killed = await controller();
        await until(
          "the controller's protection",
          300,
          async () => (await says(`cat /proc/${killed}/oom_score_adj`)) === "-1000",
        );
        await lab.ssh(`kill -9 ${killed}`);
        await until("another start", 300, async () => !["", killed].includes(await controller()));
        await until("a login", 300, loggedIn);
        await pair.stack.converged();

        await inside("web", "systemctl poweroff").catch(() => {});
        await until("its end", 300, async () => (await says("virsh -q -c lxc:/// domstate web")) === "shut off");
        await until("the look at it", 300, async () => (await says("ls /run/svirt-lxc-watch")) === "db");
        expect(await says("virsh -q -c lxc:/// domstate web")).toBe("shut off");
      },
    );

  if (whole)
    labTest("after a reboot of the host they are in force", async (lab) => {
      await witness.end();
      await pair.have(OTHERS);
      await lab.reboot();
      await until("a login", 300, loggedIn);
      expect(await inForce()).toBe(CHANGED);
      await pair.stack.converged();
    });

  if (whole)
    labTest(
      "nothing was denied to libvirt's controller or the mounter, and to the container only what it asked for here",
      async (lab) => {
        const found = (await ownDenials(lab)).filter((line) => !denied.includes(line));
        expect(found.filter((line) => !/comm="(perl|find|head)"/.test(line))).toEqual([]);
      },
    );
}
