import { asUser, type Server, USER, units } from "./server.ts";

/** What a system of its own has besides. */
export const SYSTEM: readonly Server[] = [
  {
    name: "cron",
    does: "runs a user's job",
    packages: ["cron"],
    start: `echo '* * * * * echo ran >/tmp/of-cron' | crontab -u ${USER} - && systemctl start cron`,
    request: "cat /tmp/of-cron",
    answer: /^ran$/,
    stop: `systemctl stop cron; crontab -u ${USER} -r`,
  },
  {
    name: "rsyslog",
    does: "writes a message",
    packages: ["rsyslog"],
    start: "systemctl start rsyslog && logger of-rsyslog",
    request: "grep of-rsyslog /var/log/syslog",
    answer: /of-rsyslog$/,
    stop: "systemctl stop rsyslog syslog.socket",
  },
  {
    name: "polkit",
    does: "lets root do what it keeps from a user",
    packages: ["polkitd"],
    request: `pkcheck --action-id org.freedesktop.hostname1.set-hostname --process $$ && ! ${asUser("hostnamectl hostname other")}`,
    answer: /authentication required/,
  },
  {
    name: "prometheus-node-exporter",
    does: "measures processors, memory and network",
    packages: ["prometheus-node-exporter"],
    ...units("prometheus-node-exporter"),
    request: `curl -sSf http://127.0.0.1:9100/metrics | grep -E 'success{collector="(cpu|meminfo|netdev|netclass|vmstat)"}'`,
    answer: /^(\S+"} 1\n?){5}$/,
  },
  {
    name: "systemd of a user",
    does: "runs a command as a unit",
    packages: ["dbus-user-session"],
    start: `loginctl enable-linger ${USER}`,
    request: asUser("systemd-run --user -q --wait -P echo of-a-user"),
    answer: /^of-a-user$/,
    stop: `loginctl disable-linger ${USER}`,
  },
  {
    name: "sudo",
    does: "lets a user do as root what it may",
    packages: ["sudo"],
    start: `echo '${USER} ALL=(root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/${USER}`,
    request: asUser("sudo -n id -u"),
    answer: /^0$/,
  },
];
