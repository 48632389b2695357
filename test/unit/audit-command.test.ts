import { auditCommand } from "../../provider/audit-command.ts";

test("a connection that is a secret in the state is no connection to this machine", async () => {
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };
  const resources = [
    { type: "pulumi-nodejs:dynamic/svirt-lxc:LxcDomain", inputs: { name: "web", connection: secret } },
  ];
  const exportStack = async () => JSON.stringify({ deployment: { resources } });
  await expect(auditCommand(["prod"], { command: "audit", exportStack })).rejects.toThrow(
    /connection of web as a secret.*pulumi\.unsecret/,
  );
});
