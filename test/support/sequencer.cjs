const { default: Sequencer } = require("@jest/test-sequencer");

/** Tests of a lab host on which nothing of ours is. */
const BARE =
  /\/(lab\/(configuration|connection|container|neighbours)|lab-sweep\/(container|enforcing|neighbours|network|recipe|selinux))\.test\.ts$/;

/** Runs these first: the others share a host that is prepared once (lab-keeper.ts). Otherwise, the order is jest's. */
module.exports = class extends Sequencer {
  sort(tests) {
    const isFirst = ({ path }) => BARE.test(path);
    const sorted = super.sort(tests);
    return [...sorted.filter(isFirst), ...sorted.filter((test) => !isFirst(test))];
  }
};
