"""Runs the transforms of Vector configurations with Vector's own language engine, in the place of a Vector.

    vector.py CONFIGURATION...      events as lines of JSON on standard input, which each configuration gets as those of its sources

Writes a line of JSON for each event that comes out of a transform: {"file": …, "transform": …, "event": …}. A program that does not
compile or fails ends it with exit code 1. `reduce` lets events pass: what it sums is Vector's matter.
"""
import json
import os
import sys

import yaml
from vrl_python import VRLRuntime

runtime = VRLRuntime()
events = [json.loads(line) for line in sys.stdin]


def holds(condition, event):
    return runtime.execute(condition, event).runtime_result is True


def outputs(name, transform, events):
    """What comes out of a transform, by the name that others know it by."""
    kind = transform["type"]
    if kind == "remap":
        return {name: [runtime.execute(transform["source"], event).processed_event for event in events]}
    if kind == "filter":
        return {name: [event for event in events if holds(transform["condition"], event)]}
    if kind == "route":
        return {f"{name}.{route}": [event for event in events if holds(condition, event)] for route, condition in transform["route"].items()}
    if kind == "dedupe":
        seen, new = set(), []
        for event in events:
            key = json.dumps([event.get(field) for field in transform["fields"]["match"]])
            if key not in seen:
                seen.add(key)
                new.append(event)
        return {name: new}
    assert kind == "reduce", kind
    return {name: events}


for path in sys.argv[1:]:
    with open(path) as file:
        configuration = yaml.safe_load(file)
    known = {source: events for source in configuration["sources"]}
    waiting = dict(configuration.get("transforms", {}))
    while waiting:
        name = next(name for name, transform in waiting.items() if all(known.get(input) is not None for input in transform["inputs"]))
        transform = waiting.pop(name)
        given = [json.loads(json.dumps(event)) for input in transform["inputs"] for event in known[input]]
        for output, made in outputs(name, transform, given).items():
            known[output] = made
            for event in made:
                print(json.dumps({"file": os.path.basename(path), "transform": output, "event": event}))
    for sink in configuration["sinks"].values():
        assert all(input in known for input in sink["inputs"]), sink
