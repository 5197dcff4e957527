"""Asks the function that looks when windows open: a JSON list of (window, instant) in, a JSON list of instants out."""

import json
import sys

sys.path.insert(0, sys.argv[1])

import observe  # noqa: E402

json.dump([observe.opens(window, at) for window, at in json.load(sys.stdin)], sys.stdout)
