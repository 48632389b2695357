import { asUser, type Server } from "./server.ts";

/** What an administrator looks with. */
export const TOOLS: readonly Server[] = [
  {
    name: "ping",
    does: "reaches the gateway, run by a user",
    packages: ["iputils-ping"],
    request: asUser("ping -q -c 1 $(ip -4 route show default | cut -d ' ' -f 3)"),
    answer: / 1 received/,
  },
  {
    name: "strace",
    does: "follows a program",
    packages: ["strace"],
    request: "strace -f sh -c true",
    answer: /exited with 0/,
  },
  {
    name: "gdb",
    does: "stops a program that runs",
    packages: ["gdb"],
    start: "systemd-run -q --unit=debugged tail -f /dev/null",
    request: "gdb -q -batch -ex 'info registers rip' -p $(systemctl show -P MainPID debugged)",
    answer: /^rip .*0x/m,
    stop: "systemctl stop debugged",
  },
  {
    name: "tcpdump",
    does: "sees a ping",
    packages: ["tcpdump", "iputils-ping"],
    start:
      "systemd-run -q --unit=captured -p SuccessExitStatus=SIGTERM sh -c 'exec tcpdump -l -n -i any icmp >/tmp/captured'",
    request: "ping -q -c 1 127.0.0.1 >/dev/null && grep 'echo reply' /tmp/captured",
    answer: /echo reply/,
    stop: "systemctl stop captured",
  },
  {
    name: "nftables",
    does: "loads rules, and lists them",
    packages: ["nftables"],
    start: "systemctl start nftables && nft add table inet of-nft",
    request: "nft list ruleset",
    answer: /table inet of-nft/,
    stop: "systemctl stop nftables",
  },
  {
    name: "ethtool",
    does: "says what drives an interface",
    packages: ["ethtool"],
    request: "ethtool -i eth0",
    answer: /^driver: veth/,
  },
  { name: "lscpu", does: "counts processors", packages: [], request: "lscpu", answer: /^CPU\(s\): +\d+/m },
  { name: "lsblk", does: "lists disks", packages: [], request: "lsblk", answer: /disk/ },
  { name: "lsns", does: "lists namespaces", packages: [], request: "lsns", answer: / net .*init/ },
  {
    name: "ss",
    does: "lists sockets, with whose they are",
    packages: ["iproute2"],
    request: "ss -tlnp",
    answer: /:22 .*sshd/,
  },
  {
    name: "sysctl",
    does: "prints the kernel's settings",
    packages: ["procps"],
    request: "sysctl -a",
    answer: /^vm\.overcommit_memory = \d$/m,
  },
  {
    name: "top",
    does: "shows processes and memory",
    packages: ["procps"],
    request: "top -b -n 1",
    answer: /^ +1 root .*systemd$/m,
  },
];
