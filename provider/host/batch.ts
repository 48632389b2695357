/**
 * A batch is one POSIX sh script for one round trip: it takes the host's lock, looks, compares, acts and looks again.
 * This file is the only place that quotes for a shell, and it knows both ends of the protocol.
 *
 * Each command writes into files, so that its output never meets the protocol. At the end they are reported on stdout, all by
 * the same few processes, since on a slow host it is processes that take the time. First an index, a line each:
 *   `@ NAME EXIT OUT-BYTES ERR-BYTES`, then `@ machine ID`, `@ boot ID` and `@ digest SHA256`
 * and behind it, in the same order, the bytes of each one's stdout and stderr, of either no more than OUTPUT_LIMIT.
 * Progress goes to stderr, as lines that start with the record separator; one that starts with the group separator says whose.
 */

/** A look at the host that changes nothing. */
export interface Read {
  /** Reads with the same key are the same command, whoever asks. */
  key: string;
  argv: string[];
  /** What it is asked of, its last arguments; "*": all that there is. Those who ask of several with one key ask once. */
  of?: readonly string[];
  /** Exit codes that are an answer; any other fails the observation. Default: 0. */
  ok?: number[];
  /** Exit codes that mean: it cannot be told now, and another resource mends that. A refresh leaves the state as it is. */
  unavailableExitCodes?: number[];
  /** Changes by itself (processes, leases): not compared when the lock is held. */
  volatile?: boolean;
}

/** One command of a plan. A plan is data: it can be shown, tested and compared before anything runs. */
export interface Step {
  /** What kind of step it is: stable, kebab-case. */
  id: string;
  /** What it acts on, where a plan may have several of one kind: a slot, an address, units. */
  subject?: string;
  /** What it does, in the words of a progress line: "Mounting the root". */
  title: string;
  argv: string[];
  /** Text for standard input: the way of secrets, which must never be in argv. */
  stdin?: string;
  /** A file of the workstation, streamed into standard input. Only for a step before the lock. */
  upload?: string;
  /** Seconds until it is ended, by SIGTERM and then SIGKILL. Default: 120. */
  timeout?: number;
  /** Exit codes that count as done. Default: 0. */
  ok?: number[];
  /** Long work outside of the host's lock: before the locked steps, or after them. Default: under the lock. */
  phase?: "before" | "after";
  /** The batch goes over a connection of its own, by a new login. Only for a step outside of the lock. */
  connection?: "new";
  /** The records of the store that it writes or, without a text, removes, with all below them; paths are relative to the store. */
  records?: readonly { path: string; text?: string }[];
  /** Whose step it is, in a batch of several resources: progress names it. */
  resource?: string;
  /** It may say how far it is, as say() does, by its third descriptor. Nothing that outlives it may have that one. */
  progress?: boolean;
  /** What it prints where it fails is a report, of which an error quotes all. Default: the last lines of its output. */
  report?: boolean;
  /** It has the host restart soon. What follows is planned anew when the host is back. Only for the last step under the lock. */
  restart?: Restart;
  /** What to do where it fails; in general: mend the cause, and run the same command again. */
  remedy?: string;
  /** The same for known causes: the first counts whose regular expression (for multiple lines) matches what the step printed. */
  remedies?: readonly (readonly [cause: string, remedy: string])[];
}

/** How a host that restarts is waited for. */
export interface Restart {
  /** Ends with 0 as soon as the host has booted; until then, it prints why not. */
  ready: string[];
  /** Seconds until it is given up. Nothing is done to the host then. */
  timeout: number;
}

/** What a step is called: to programs, and to people. */
export type StepName = Pick<Step, "id" | "subject" | "title">;

/** What a command left behind. */
export interface Outcome {
  exit: number;
  stdout: string;
  stderr: string;
}

/** One look at a host. */
export interface Observation {
  results: Results;
  /** Of everything in it that does not change by itself. */
  digest: string;
}

export type Results = ReadonlyMap<string, Outcome>;

export interface Batch {
  reads: Read[];
  /** The machine-id(5) that the host must have. Another machine is not looked at, and nothing is done there. */
  machine?: string;
  steps?: Step[];
  lock?: {
    /** Who takes it; a batch that waits says for whom. */
    holder: string;
    /** The digest of the observation that the steps were planned from. */
    expect: string;
  };
}

/** What a batch reported. */
export interface Report {
  /** The observation at the end. */
  observation: Observation;
  /** Outcomes of the steps that ran, in order; the last one may have failed. */
  outcomes: Outcome[];
  /** The host was not as the plan expected it: nothing was done. */
  stale: boolean;
  /** The machine-id(5) of the host, if it has one. */
  machine?: string;
  /** The id of the boot that the host is in (random(4)). */
  boot?: string;
}

/** The connection led to another machine than the one that was meant, which did nothing. */
export class OtherMachine extends Error {
  /** Its machine-id. */
  readonly machine: string;

  constructor(machine: string) {
    super(`another machine answered: ${machine || "one without a machine-id"}`);
    this.machine = machine;
  }
}

// What waits inside of one of these ends before it does, and says what it waited for (test/unit/deadlines.test.ts).
const STEP_TIMEOUT = 120;
/** Seconds that a read may take. */
export const READ_TIMEOUT = 200;
const LOCK_TIMEOUT = 3600;
/** Seconds after SIGTERM until SIGKILL. */
const KILL_AFTER = 5;
/** Seconds for the connection, and for all that is neither read nor step. */
const OVERHEAD = 60;
const OUTPUT_LIMIT = 64 * 1024 * 1024;
/** The exit code of a look that was cut off: it must not pass for a whole one. */
const EXIT_TRUNCATED = 141;
/** The exit code of a batch whose connection broke; nobody sees it. */
const EXIT_DISCONNECTED = 141;

/** The exit code of a batch that waited for the host's lock in vain, and did nothing (EX_TEMPFAIL, sysexits.h). */
export const EXIT_LOCK_TIMEOUT = 75;

/** Quotes one word for sh. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes a command for sh. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quote).join(" ");
}

/** The command of a look, with what it is asked of. */
export function commandOf({ argv, of = [] }: Read): string[] {
  return [...argv, ...of];
}

/** The seconds that a step may take. */
export function timeoutOf(step: Step): number {
  return step.timeout ?? STEP_TIMEOUT;
}

/** The seconds after which a batch cannot be under way any more: each of its parts has been ended before. */
export function timeLimit({ reads, steps = [], lock }: Omit<Batch, "machine">): number {
  const looks = reads.length * (READ_TIMEOUT + KILL_AFTER);
  const acts = steps.reduce((sum, step) => sum + timeoutOf(step) + KILL_AFTER, 0);
  return OVERHEAD + (lock ? LOCK_TIMEOUT + looks : 0) + acts + looks;
}

/**
 * The script of a batch. All of it stands in one function that its last line calls:
 * a script that arrives cut off is a syntax error, and nothing of it runs.
 */
export function script({ reads, steps = [], lock, machine }: Batch): string {
  const names = reads.map((_, i) => `read${i}`).join(" ");
  const act = steps.flatMap((step, i) => [
    ...(step.resource !== steps[i - 1]?.resource ? [`of ${quote(step.resource!)}`] : []),
    `say ${quote(step.title)}`,
    command(step, `step${i}`),
    `ran="$ran step${i}"`,
    `code=; read -r code <"$T/step${i}.code"`,
    `case $code in ${(step.ok ?? [0]).join("|")}) ;; *) return;; esac`,
  ]);
  const check = lock && [
    "observe",
    `case $(digest) in ${lock.expect}*) ;; *) echo "@ stale"; report ${names}; return;; esac`,
  ];
  return [
    FUNCTIONS,
    "observe() {",
    ...reads.map(
      (r, i) => `run read${i} timeout -k ${KILL_AFTER} ${READ_TIMEOUT} ${quoteArgv(commandOf(r))} </dev/null`,
    ),
    ":; }",
    `digest() { cat /dev/null ${stable(reads)} | sha256sum; }`,
    "act() {",
    ...act,
    ":; }",
    "main() {",
    IDENTIFY,
    ...(machine === undefined ? [] : [`[ "$machine" = ${quote(machine)} ] || { echo "@ other $machine"; return; }`]),
    SET_UP,
    ...(lock ? [takeLock(lock.holder)] : []),
    ...(check ?? []),
    "ran=",
    "act",
    "observe",
    `report $ran ${names}`,
    "}",
    "main",
    "",
  ].join("\n");
}

// Read by the shell itself: it costs no process.
const IDENTIFY =
  "machine= boot=; { read -r machine </etc/machine-id; } 2>/dev/null; { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null";

const SET_UP = `
umask 077
mkdir -p /run/svirt-lxc || exit 70
T=$(mktemp -d /run/svirt-lxc/batch.$$.XXXXXX) || exit 70
trap 'rm -rf "$T"' EXIT
trap 'exit ${EXIT_DISCONNECTED}' PIPE # nobody listens any more: a shell that is ended by a signal runs no EXIT trap
# What killed batches left.
for d in /run/svirt-lxc/batch.*; do
  pid=\${d#*/batch.}
  kill -0 "\${pid%%.*}" 2>/dev/null || rm -rf "$d"
done`;

const FUNCTIONS = `
run() {
  name=$1; shift
  "$@" >"$T/$name.out" 2>"$T/$name.err"
  echo $? >"$T/$name.code"
}
report() {
  files=
  for name; do files="$files $T/$name.out $T/$name.err"; done
  stat -c %s /dev/null $files >"$T/sizes"
  {
    read -r none
    for name; do
      read -r out; read -r err
      read -r code <"$T/$name.code"
      echo "@ $name $code $out $err"
    done
  } <"$T/sizes"
  echo "@ machine $machine"
  echo "@ boot $boot"
  echo "@ digest $(digest)"
  head -q -c ${OUTPUT_LIMIT} /dev/null $files
}
say() { printf '\\036%s\\n' "$1" >&2; }
of() { printf '\\035%s\\n' "$1" >&2; }
`;

// The descriptor is left open in the steps: work that outlives a killed batch still holds the host.
function takeLock(holder: string): string {
  return `
exec 9>>/run/svirt-lxc/lock
if ! flock -n 9; then
  say "Waiting for $(cat /run/svirt-lxc/holder 2>/dev/null || echo another run)"
  flock -w ${LOCK_TIMEOUT} 9 || { echo "the host was still in use after ${LOCK_TIMEOUT} s" >&2; exit ${EXIT_LOCK_TIMEOUT}; }
fi
printf '%s\\n' ${quote(holder)} >/run/svirt-lxc/holder
# What killed steps left.
rm -rf /run/svirt-lxc/key.* /run/svirt-lxc-credential.*`;
}

function command(step: Step, name: string): string {
  const run = `run ${name} timeout -k ${KILL_AFTER} ${timeoutOf(step)} ${quoteArgv(step.argv)}`;
  const noted = step.progress ? `${run} 3>&2` : run;
  if (step.upload !== undefined) return noted; // the rest of the batch's own standard input
  // printf is built into sh: what it writes is in no process's arguments.
  return step.stdin === undefined ? `${noted} </dev/null` : `printf %s ${quote(step.stdin)} | ${noted}`;
}

function stable(reads: Read[]): string {
  return reads.flatMap((r, i) => (r.volatile ? [] : [`"$T/read${i}.code" "$T/read${i}.out"`])).join(" ");
}

/** Reads what a batch printed. Throws if it is cut off: then nothing is known. */
export function parse(output: Buffer, { reads }: Batch): Report {
  const { commands, stale, machine, boot, digest, end } = parseIndex(output);
  const results = new Map<string, Outcome>();
  const outcomes: Outcome[] = [];
  let at = end;
  const take = (bytes: number) => {
    const from = at;
    at += Math.min(bytes, OUTPUT_LIMIT);
    if (at > output.length) throw new Error("the report was cut off");
    return output.toString("utf8", from, at);
  };
  for (const { name, exit, out, err } of commands) {
    const outcome = { exit, stdout: take(out), stderr: take(err) };
    const read = /^read(\d+)$/.exec(name);
    if (!read) outcomes.push(outcome);
    else results.set(reads[Number(read[1])]!.key, out > OUTPUT_LIMIT ? tooLong(outcome) : outcome);
  }
  // Something that outlived its command still wrote: then no byte is sure to be where it is looked for.
  if (at < output.length) throw new Error("not a report: it is longer than it says");
  return { observation: { results, digest }, outcomes, stale, machine, boot };
}

/** What a report starts with, and where that ends. */
function parseIndex(output: Buffer) {
  const commands: { name: string; exit: number; out: number; err: number }[] = [];
  let stale = false;
  let machine: string | undefined;
  let boot: string | undefined;
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    if (end < 0) break;
    const line = output.toString("utf8", at, end);
    at = end + 1;
    const digest = /^@ digest ([0-9a-f]{64})\b/.exec(line)?.[1];
    if (digest) return { commands, stale, machine, boot, digest, end: at };
    const other = /^@ other (.*)$/.exec(line)?.[1];
    if (other !== undefined) throw new OtherMachine(other);
    const command = /^@ ((?:read|step)\d+) (\d+) (\d+) (\d+)$/.exec(line);
    if (command) {
      const [exit, out, err] = command.slice(2).map(Number) as [number, number, number];
      commands.push({ name: command[1]!, exit, out, err });
    } else if (line === "@ stale") stale = true;
    else if (line.startsWith("@ machine ")) machine = /^[0-9a-f]{32}$/.exec(line.slice("@ machine ".length))?.[0];
    else if (line.startsWith("@ boot ")) boot = line.slice("@ boot ".length) || undefined;
    else throw new Error(`not a report: ${line.slice(0, 200)}`);
  }
  throw new Error("the report was cut off");
}

function tooLong({ stdout, stderr }: Outcome): Outcome {
  return { exit: EXIT_TRUNCATED, stdout, stderr: `${stderr}its output is longer than ${OUTPUT_LIMIT} bytes\n` };
}
