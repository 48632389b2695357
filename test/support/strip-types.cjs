// jest's transform: Node's own type stripping, so that tests run the very text that the provider runs.
const { stripTypeScriptTypes } = require("node:module");
module.exports = { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
