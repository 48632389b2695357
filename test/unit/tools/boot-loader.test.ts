import { execaSync } from "execa";
import { debian } from "../../../provider/families/debian.ts";
import { fedora } from "../../../provider/families/fedora.ts";
import { enableInBootLoader } from "../../../provider/tools/boot-loader.ts";

/** A boot loader's tool says that it has done its work also where it has not. */

const enabled = (id: "debian" | "fedora", functions: string) => {
  const script = enableInBootLoader({ debian, fedora }[id]).argv[2]!.replace(". /etc/os-release", `ID=${id} ID_LIKE=`);
  const { stdout, exitCode } = execaSync("sh", ["-c", `${functions}\n${script}`], { reject: false });
  return { stdout, exitCode };
};

test.each([
  ["Debian", "debian" as const, "selinux-activate() { :; }"],
  ["Fedora", "fedora" as const, "grubby() { case $1 in --info=ALL) echo args=ro;; esac; }"],
])("%s is told, and says so: done", (_, id, functions) => {
  const grep = id === "debian" ? "\ngrep() { :; }" : "";
  const sh = functions.replace("selinux-activate() { :; }", "alias selinux-activate=true");
  expect(enabled(id, sh + grep)).toEqual({ stdout: "", exitCode: 0 });
});

test.each([
  ["Debian", "debian" as const, "alias selinux-activate=true\ngrep() { return 1; }"],
  ["Fedora", "fedora" as const, "grubby() { case $1 in --info=ALL) echo args=ro selinux=0;; esac; }"],
])("%s is told, and stays as it was: an error", (_, id, functions) => {
  expect(enabled(id, functions)).toEqual({
    stdout: "the boot loader's configuration starts the kernel as before",
    exitCode: 1,
  });
});

test("a tool that fails is an error", () => {
  expect(enabled("debian", "alias selinux-activate=false\ngrep() { :; }").exitCode).toBe(1);
});
