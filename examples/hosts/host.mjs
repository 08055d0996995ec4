// flowscore in a JavaScript program: payloads on standard input, a line each, events on standard output.
//
//   npx @bytecodealliance/jco transpile target/flowscore.wasm --out-dir examples/hosts/flowscore
//   node examples/hosts/host.mjs < examples/payloads.txt > events.ndjson
//
// The first command makes a module of the component, which imports nothing and runs in a browser as well. What is called here is
// described in wit/scoring.wit. State over a restart: `snapshot` and `restore` there.
import { stdin, stdout, stderr, argv } from "node:process";
import { createInterface } from "node:readline";

// The module may lie elsewhere; the text of a configuration may follow.
const [module = "./flowscore/flowscore.js", config = ""] = argv.slice(2);
const { scoring } = await import(module);

// Payloads handed over in one call: only a question of speed.
const BATCH = 512;
// Throws what is wrong with the configuration: `payload` has where, what is there, and what is allowed.
const scorer = scoring.Scorer.create(config);

function write(scored) {
  stdout.write(scored.events);
  // A call gives some 16 MiB at most; what has more to give is asked again.
  while (scored.more) {
    scored = scorer.proceed();
    stdout.write(scored.events);
  }
}

function score(payloads) {
  while (payloads.length > 0) {
    const scored = scorer.transform(payloads);
    payloads = payloads.slice(scored.taken);
    write(scored);
  }
}

const encoder = new TextEncoder();
let batch = [];
let line = 0;
for await (const text of createInterface({ input: stdin, crlfDelay: Infinity })) {
  batch.push({ data: encoder.encode(text), id: `stdin:${++line}` });
  if (batch.length === BATCH) {
    score(batch);
    batch = [];
  }
}
score(batch);
// What is open is closed, at the end of a finite input.
write(scorer.finish());
const { records, payloads, anomalies } = scorer.totals();
stderr.write(`${records} records in ${payloads} payloads, ${anomalies} anomalies\n`);
