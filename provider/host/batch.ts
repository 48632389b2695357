/**
 * A batch is one POSIX sh script for one round trip: it takes the host's lock, looks, compares, acts and looks again.
 * This file is the only place that quotes for a shell, and it knows both ends of the protocol.
 *
 * Each command writes into files and is reported as a frame on stdout, so that its output never meets the protocol:
 *   `@ NAME EXIT OUT-BYTES ERR-BYTES LF`, the bytes of its stdout, those of its stderr.
 * Progress goes to stderr, as lines that start with the record separator.
 */

/** A look at the host that changes nothing. */
export interface Read {
  /** Reads with the same key are the same command, whoever asks. */
  key: string;
  argv: string[];
  /** Exit codes that are an answer; any other fails the observation. Default: 0. */
  ok?: number[];
  /** Exit codes that mean: it cannot be told now, and another resource mends that. A refresh leaves the state as it is. */
  untold?: number[];
  /** Changes by itself (processes, leases): not compared when the lock is held. */
  volatile?: boolean;
}

/** One command of a plan. A plan is data: it can be shown, tested and compared before anything runs. */
export interface Step {
  /** What it does, in the words of a progress line: "mounts the root". */
  why: string;
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
}

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
}

const STEP_TIMEOUT = 120;
const READ_TIMEOUT = 120;
const LOCK_TIMEOUT = 3600;
const OUTPUT_LIMIT = 16 * 1024 * 1024;
/** The exit code of a look that was cut off: it must not pass for a whole one. */
const TOO_LONG = 141;

/** The exit code of a batch that waited for the host's lock in vain, and did nothing (EX_TEMPFAIL, sysexits.h). */
export const NEVER_FREE = 75;

/** Quotes one word for sh. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes a command for sh. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quote).join(" ");
}

/** The seconds that a step may take. */
export function timeoutOf(step: Step): number {
  return step.timeout ?? STEP_TIMEOUT;
}

/**
 * The script of a batch. All of it stands in one function that its last line calls:
 * a script that arrives cut off is a syntax error, and nothing of it runs.
 */
export function script({ reads, steps = [], lock }: Batch): string {
  const act = steps.flatMap((step, i) => [
    `say ${quote(step.why)}`,
    command(step, `step${i}`),
    `emit step${i}`,
    `case $(cat "$T/step${i}.code") in ${(step.ok ?? [0]).join("|")}) ;; *) return;; esac`,
  ]);
  const check = lock && [
    "observe",
    `if [ "$(digest)" != ${lock.expect} ]; then echo "@ stale 0 0 0"; report; return; fi`,
  ];
  return [
    FUNCTIONS,
    "observe() {",
    ...reads.map((r, i) => `run read${i} timeout -k 5 ${READ_TIMEOUT} ${quoteArgv(r.argv)} </dev/null`),
    ":; }",
    `digest() { for i in ${stable(reads)}; do cat "$T/read$i.code" "$T/read$i.out"; done | sha256sum | cut -c 1-64; }`,
    `report() { ${reads.map((_, i) => `emit read${i}; `).join("")}echo "@ digest-$(digest) 0 0 0"; }`,
    "act() {",
    ...act,
    ":; }",
    "main() {",
    SET_UP,
    ...(lock ? [takeLock(lock.holder)] : []),
    ...(check ?? []),
    "act",
    "observe",
    "report",
    "}",
    "main",
    "",
  ].join("\n");
}

const SET_UP = `
LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
umask 077
mkdir -p /run/svirt-lxc || exit 70
T=$(mktemp -d /run/svirt-lxc/batch.$$.XXXXXX) || exit 70
trap 'rm -rf "$T"' EXIT`;

const FUNCTIONS = `
run() {
  name=$1; shift
  "$@" >"$T/$name.out" 2>"$T/$name.err"
  code=$?
  if [ "$(stat -c %s "$T/$name.out")" -gt ${OUTPUT_LIMIT} ]; then
    truncate -s ${OUTPUT_LIMIT} "$T/$name.out"
    case $name in read*) code=${TOO_LONG}; echo "its output is longer than ${OUTPUT_LIMIT} bytes" >>"$T/$name.err";; esac
  fi
  truncate -s '<${OUTPUT_LIMIT}' "$T/$name.err"
  echo $code >"$T/$name.code"
}
emit() {
  echo "@ $1 $(cat "$T/$1.code") $(stat -c %s "$T/$1.out") $(stat -c %s "$T/$1.err")"
  cat "$T/$1.out" "$T/$1.err"
}
say() { printf '\\036%s\\n' "$1" >&2; }
`;

// The descriptor is left open in the steps: work that outlives a killed batch still holds the host.
function takeLock(holder: string): string {
  return `
exec 9>>/run/svirt-lxc/lock
if ! flock -n 9; then
  say "waits for $(cat /run/svirt-lxc/holder 2>/dev/null || echo another run)"
  flock -w ${LOCK_TIMEOUT} 9 || { echo "the host was still in use after ${LOCK_TIMEOUT} s" >&2; exit ${NEVER_FREE}; }
fi
printf '%s\\n' ${quote(holder)} >/run/svirt-lxc/holder
# What killed batches left.
for d in /run/svirt-lxc/batch.*; do
  pid=\${d#*/batch.}
  kill -0 "\${pid%%.*}" 2>/dev/null || rm -rf "$d"
done
rm -rf /run/svirt-lxc/key.* /run/svirt-lxc-credential.*`;
}

function command(step: Step, name: string): string {
  const run = `run ${name} timeout -k 5 ${timeoutOf(step)} ${quoteArgv(step.argv)}`;
  if (step.upload !== undefined) return run; // the rest of the batch's own standard input
  // printf is built into sh: what it writes is in no process's arguments.
  return step.stdin === undefined ? `${run} </dev/null` : `printf %s ${quote(step.stdin)} | ${run}`;
}

function stable(reads: Read[]): string {
  return reads.flatMap((r, i) => (r.volatile ? [] : [i])).join(" ");
}

/** Reads what a batch printed. Throws if it is cut off: then nothing is known. */
export function parse(output: Buffer, { reads }: Batch): Report {
  const results = new Map<string, Outcome>();
  const outcomes: Outcome[] = [];
  let stale = false;
  let digest: string | undefined;
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(10, at);
    const header = /^@ (\S+) (\d+) (\d+) (\d+)$/.exec(output.toString("utf8", at, end));
    if (end < 0 || !header) throw new Error(`not a report: ${output.toString("utf8", at, at + 200)}`);
    const [, name = "", exit, out, err] = header;
    const outEnd = end + 1 + Number(out);
    at = outEnd + Number(err);
    if (at > output.length) throw new Error("the report was cut off");
    const outcome = {
      exit: Number(exit),
      stdout: output.toString("utf8", end + 1, outEnd),
      stderr: output.toString("utf8", outEnd, at),
    };
    if (name === "stale") stale = true;
    else if (name.startsWith("digest-")) digest = name.slice("digest-".length);
    else if (name.startsWith("step")) outcomes.push(outcome);
    else results.set(reads[Number(name.slice("read".length))]!.key, outcome);
  }
  if (digest === undefined) throw new Error("the report was cut off");
  return { observation: { results, digest }, outcomes, stale };
}
