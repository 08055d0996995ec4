"""flowscore in a Python program: payloads on standard input, a line each, events on standard output.

    pip install wasmtime          # 50 and newer
    python examples/hosts/host.py target/flowscore.wasm < examples/payloads.txt > events.ndjson

The component imports nothing, so an empty linker is enough: it cannot open a file or a socket. What is called here is described in
wit/scoring.wit. State over a restart: `snapshot` and `restore` there.
"""
import sys
from types import SimpleNamespace

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker

SCORING = "flowscore:transform/scoring@0.2.0"
# Payloads handed over in one call: only a question of speed.
BATCH = 512


class Flowscore:
    """A scorer by the text of a configuration; the empty text means the defaults."""

    def __init__(self, path: str, config: str = ""):
        engine = Engine()
        self.store = Store(engine)
        self.instance = Linker(engine).instantiate(self.store, Component.from_file(engine, path))
        self.interface = self.instance.get_export_index(self.store, SCORING)
        self.scorer = self.call("[static]scorer.create", config)
        # A result that is an error comes as a value: where, what is there, and what is allowed.
        if hasattr(self.scorer, "allowed"):
            raise ValueError(f"{self.scorer.path}: {self.scorer.value} is not possible: {self.scorer.allowed}")

    def call(self, name: str, *arguments):
        index = self.instance.get_export_index(self.store, name, self.interface)
        return self.instance.get_func(self.store, index)(self.store, *arguments)

    def transform(self, payloads: list[bytes], ids: list[str]):
        """The events of payloads, as bytes: lines of JSON."""
        payloads = [SimpleNamespace(data=data, id=id) for data, id in zip(payloads, ids)]
        while payloads:
            scored = self.call("[method]scorer.transform", self.scorer, payloads)
            payloads = payloads[scored.taken :]
            yield from self.rest(scored)

    def finish(self):
        """What is open is closed, at the end of a finite input."""
        yield from self.rest(self.call("[method]scorer.finish", self.scorer))

    def rest(self, scored):
        yield bytes(scored.events)
        # A call gives some 16 MiB at most; what has more to give is asked again.
        while scored.more:
            scored = self.call("[method]scorer.proceed", self.scorer)
            yield bytes(scored.events)

    def totals(self):
        return self.call("[method]scorer.totals", self.scorer)


def main():
    flowscore = Flowscore(*sys.argv[1:])
    lines = [line.rstrip(b"\r\n") for line in sys.stdin.buffer]
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        ids = [f"stdin:{start + number + 1}" for number in range(len(batch))]
        for events in flowscore.transform(batch, ids):
            sys.stdout.buffer.write(events)
    for events in flowscore.finish():
        sys.stdout.buffer.write(events)
    totals = flowscore.totals()
    print(f"{totals.records} records in {totals.payloads} payloads, {totals.anomalies} anomalies", file=sys.stderr)


main()
