/** A piece of server software as Debian has it, how it is started in a container, and what is asked of it there. */
export interface Server {
  name: string;
  /** What it is asked, in words: they end the sentence "it …". */
  does: string;
  packages: readonly string[];
  /** Root's commands, once; nothing of it runs before. */
  start?: string;
  /** A command that ends well once there is an answer, and prints it; until then it is given again. */
  request: string;
  answer: RegExp;
  /** Root's commands, afterwards. */
  stop?: string;
}

/** Who has the password `word` and a session of its own in the container. */
export const USER = "mo";

/** Runs a command as that user, with the folder that systemd has made for its session. */
export const asUser = (command: string) =>
  `runuser -u ${USER} -- env -u DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR=/run/user/$(id -u ${USER}) ${command}`;

/** What starts units, and stops them. */
export const units = (...names: string[]) => ({
  start: `systemctl start ${names.join(" ")}`,
  stop: `systemctl stop ${names.join(" ")}`,
});

/** What runs a command that serves as a transient unit, and stops it. */
export const serving = (name: string, command: string) => ({
  start: `systemd-run -q -p SuccessExitStatus=143 --unit=${name} ${command}`,
  stop: `systemctl stop ${name}`,
});
