const { default: Sequencer } = require("@jest/test-sequencer");

/** By what a test asks of the lab's host, which those before it have left: a keeper's stack (lab-keeper.ts) goes with the host. */
const RANKS = [
  // nothing of ours is on it
  /\/(lab\/(configuration|connection|container)|lab-sweep\/(container|enforcing|network|recipe|selinux))\.test\.ts$/,
  // nothing but our policy is
  /\/neighbours\.test\.ts$/,
];

/** Within a rank, the order is jest's. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rankOf = ({ path }) => {
      const rank = RANKS.findIndex((pattern) => pattern.test(path));
      return rank === -1 ? RANKS.length : rank;
    };
    return super.sort(tests).sort((a, b) => rankOf(a) - rankOf(b));
  }
};
