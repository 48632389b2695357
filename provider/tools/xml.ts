import { XMLBuilder, XMLParser } from "fast-xml-parser";

/** An element: attributes are "@name", text is "#text", children are elements or lists of them. */
export interface Xml {
  [name: string]: Xml | Xml[] | string | undefined;
}

const OPTIONS = { ignoreAttributes: false, attributeNamePrefix: "@", suppressEmptyNode: true, format: true };
// A container may be called "true".
const builder = new XMLBuilder({ ...OPTIONS, suppressBooleanAttributes: false });
const parser = new XMLParser({ ...OPTIONS, parseTagValue: false, parseAttributeValue: false });

export function toXml(document: Xml): string {
  return builder.build(document);
}

export function fromXml(text: string): Xml {
  return parser.parse(text);
}

/** One element of what two say; of what is in both, the children are merged, and lists joined. */
export function mergeXml(a: Xml, b: Xml): Xml {
  const merged = { ...a };
  for (const [key, child] of Object.entries(b)) {
    const before = merged[key];
    if (Array.isArray(before) && Array.isArray(child)) merged[key] = [...before, ...child];
    else merged[key] = isElement(before) && isElement(child) ? mergeXml(before, child) : child;
  }
  return merged;
}

function isElement(child: Xml[string]): child is Xml {
  return typeof child === "object" && !Array.isArray(child);
}

/** The elements of that name below a path: none, one, or many. */
export function elements(from: Xml | undefined, ...path: string[]): Xml[] {
  let found: Xml[] = from ? [from] : [];
  for (const name of path) {
    found = found.flatMap((e) => {
      const child = e[name];
      if (child === undefined) return [];
      return (Array.isArray(child) ? child : [child]).map((c) => (typeof c === "object" ? c : { "#text": c }));
    });
  }
  return found;
}

/** An attribute, or with "#text" the text, of the first element below a path. */
export function value(from: Xml | undefined, ...path: string[]): string | undefined {
  const attribute = path.at(-1)!;
  const found = elements(from, ...path.slice(0, -1))[0]?.[attribute];
  return typeof found === "string" ? found : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text that XML text stands for, with the five entities that libvirt writes. */
export function decodeEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? "");
}
