import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../scripts/setup/paths.ts";

/** Documents name the tests that prove what they say: `lab/container "its title"`. Each of these is there. */

const documents = ["README.md", ...readdirSync(join(checkout, "docs")).map((file) => `docs/${file}`)].filter((file) =>
  file.endsWith(".md"),
);
const text = (file: string) => readFileSync(join(checkout, file), "utf8");

/** Where the tests of a file are written: in it, or in what it calls with other options. */
function sourceOf(file: string): string {
  const own = text(file);
  const shared = [...own.matchAll(/from "\.\.\/support\/([\w-]+-tests)\.ts"/g)].map(([, name]) => name);
  return [own, ...shared.map((name) => text(`test/support/${name}.ts`))].join("\n");
}

test.each(documents)("each test that %s names is there", (document) => {
  const missing: string[] = [];
  for (const [, name, quoted] of text(document).matchAll(
    /(?<![\w/.-])((?:unit|engine|lab|lab-sweep|sweep|policy)\/[\w/-]+)((?:,? (?:and )?"[^"]+")*)/g,
  )) {
    const file = `test/${name}.test.ts`;
    const titles = [...quoted!.matchAll(/"([^"]+)"/g)].map(([, title]) => title!.replace(/ ?…$/, ""));
    if (!existsSync(join(checkout, file))) missing.push(`${name}: there is no such file`);
    else
      missing.push(...titles.filter((title) => !sourceOf(file).includes(title)).map((title) => `${name} "${title}"`));
  }
  expect(missing).toEqual([]);
});
