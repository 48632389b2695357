import { mountsBelow } from "../../../scripts/setup/remove.ts";

const MOUNTINFO = `21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 21 0:5 / /cache/lab.tmp-1/root/proc ro,relatime - proc proc rw
41 21 0:6 / /cache/lab.tmp-1/root/dev/a\\040b rw - tmpfs tmpfs rw
42 41 0:7 / /cache/lab.tmp-1/root/dev/a\\040b/pts rw - devpts none rw
43 21 0:8 / /cache/lab.tmp-12/root/proc ro - proc proc rw
`;

test("what is mounted below a folder, the last one first, and nothing of another folder", () => {
  expect(mountsBelow("/cache/lab.tmp-1", MOUNTINFO)).toEqual([
    "/cache/lab.tmp-1/root/dev/a b/pts",
    "/cache/lab.tmp-1/root/dev/a b",
    "/cache/lab.tmp-1/root/proc",
  ]);
  expect(mountsBelow("/cache/other", MOUNTINFO)).toEqual([]);
});
