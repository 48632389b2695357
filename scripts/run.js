// node scripts/run.js NAME [arguments]: runs scripts/NAME.ts. Plain and old JavaScript, since any Node must get this far:
// it installs the npm packages, among them a Node that runs TypeScript, and hands over to the first that is fit.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const scripts = dirname(fileURLToPath(import.meta.url));
const root = dirname(scripts);
const modules = join(root, "node_modules");

installPackages();
handOver(fitNode(), process.argv.slice(2));

function installPackages() {
  const lock = join(root, "package-lock.json");
  const stamp = join(modules, ".svirt-lxc-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === readFileSync(lock, "utf8")) return;
  console.error("· npm packages …");
  const begin = Date.now();
  const args = ["install", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
  const result = spawnSync("npm", args, { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  if (result.status !== 0) {
    fail(`npm install failed:\n${result.error ? result.error.message : result.stdout + result.stderr}`);
  }
  copyFileSync(lock, stamp);
  console.error(`✓ npm packages (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
}

function fitNode() {
  const candidates = [process.execPath, join(modules, "node", "bin", "node"), join(modules, ".bin", "node")];
  const fit = candidates.find((path) => {
    const { stdout, status } = spawnSync(path, ["--version"], { encoding: "utf8" });
    if (status !== 0) return false;
    const [major, minor] = stdout.slice(1).split(".").map(Number);
    return major >= 24 || (major === 22 && minor >= 18);
  });
  return (
    fit ||
    fail(
      `Node 22 (from 22.18 on) or 24 and later is needed, this is ${process.version}, and node_modules has none either.`,
    )
  );
}

function handOver(node, [name, ...args]) {
  // First on PATH for children too: Pulumi looks for `node` there. Last, what users of Debian do not have: mke2fs, setfiles.
  const path = [dirname(node), join(modules, ".bin"), process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter);
  const child = spawn(node, [join(scripts, `${name}.ts`), ...args], {
    stdio: "inherit",
    env: { ...process.env, PATH: path },
  });
  process.on("SIGINT", () => {}); // a terminal sends it to the child as well, which decides
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
