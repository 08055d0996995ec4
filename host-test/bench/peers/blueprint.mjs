// Payloads of a CloudWatch Logs subscription, decoded as AWS's Lambda blueprint and its users' code do: base64, gunzip, JSON, and each
// message split at blanks. One payload in base64 a line in, one flow record as JSON a line out.

import { createInterface } from "node:readline";
import { gunzipSync } from "node:zlib";

const FIELDS = ["version", "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
  "start", "end", "action", "log_status"];
const NUMBERS = new Set(["version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"]);

let text = "";
for await (const line of createInterface({ input: process.stdin })) {
  const document = JSON.parse(gunzipSync(Buffer.from(line, "base64")).toString());
  if (document.messageType !== "DATA_MESSAGE") continue;
  for (const { message } of document.logEvents) {
    const record = {};
    message.split(" ").forEach((value, at) => {
      record[FIELDS[at]] = value === "-" ? null : NUMBERS.has(FIELDS[at]) ? Number(value) : value;
    });
    text += JSON.stringify(record) + "\n";
  }
  if (text.length > 1 << 20) {
    process.stdout.write(text);
    text = "";
  }
}
process.stdout.write(text);
