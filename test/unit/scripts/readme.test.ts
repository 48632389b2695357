import { readFileSync } from "node:fs";
import { join } from "node:path";
import { baseRecipe } from "../../../lab/recipe.ts";
import { checkout } from "../../../scripts/setup/paths.ts";

test("the command that makes an archive is the one that makes the lab's", () => {
  const readme = readFileSync(join(checkout, "README.md"), "utf8");
  expect(readme).toContain(`\n${baseRecipe.command.join(" ")} images/base.tar\n`);
});
