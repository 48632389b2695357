import { until } from "../../lab/wait.ts";
import { LabLife } from "../support/lab-life.ts";

const life = new LabLife("lab-long-life");

life.event("killed at steps of an update, the next run goes on", life.one, async () => {
  const edited = { ...life.web, hostname: "killed", memory: "640MiB" };
  await life.stack.configure(life.config({ web: edited }));
  for (const step of ["Setting the host name killed", "Redefining the domain"]) await life.killedAt(step, "up");
  // What a killed run has under way may get as far as this step. Another change, and there is more to wait for.
  const again = { web: { ...edited, memory: "704MiB" } };
  await life.stack.configure(life.config(again));
  await life.killedAt("Waiting for 10.213.0.2", "up");
  expect((await life.stack.up()).ok).toBe(true);
  await life.stack.converged();
  expect((await life.login("hostname")).stdout).toBe("killed");
  return again;
});

life.event(
  "ten minutes after the boot nothing has drifted, whatever interfaces its root has made inside",
  life.any,
  async (lab) => {
    const init = "$(cat /proc/$(cat /run/libvirt/lxc/web.pid)/task/*/children)";
    await lab.ssh(
      `nsenter -t ${init} -n sh -c 'ip address add 10.9.9.9/32 dev lo; ip link add inner type veth peer name other; ip address add 10.9.8.1/24 dev inner'`,
    );
    await until("ten minutes of uptime", 900, async () => {
      const { stdout } = await lab.ssh("cat /proc/uptime");
      return Number(stdout.split(" ")[0]) >= 600;
    });
    await life.stack.converged();
  },
);
