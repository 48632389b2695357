/** What gets through from a container of ours, by the attack's id, and why that is left so. */
export const STATED: Readonly<Record<string, string>> = {
  "own-limit-unshared":
    "It changes what its programs read as their memory, and is bound by its slice all the same, which is outside of the control groups that it sees",
  "own-freeze-unshared": "It stops itself only: libvirt answers, and ends it when asked to",
};
