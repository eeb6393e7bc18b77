#!/usr/bin/python3
"""A pipe handler: counts the words of the payload. Python starts once per slot, not once per job.

    sheaf-worker words --pipe -- python3 examples/words.py &
    sheaf run words "the quick brown fox"
"""
import base64
import json
import sys


def answer(**members):
    print(json.dumps(members), flush=True)


for line in sys.stdin:
    job = json.loads(line)
    try:
        payload = job["payload"] if "payload" in job else base64.b64decode(job["payload_base64"]).decode()
        words = payload.split()
        answer(id=job["id"], progress=50, text=f"{len(words)} words")
        counts = {word: words.count(word) for word in sorted(set(words))}
        answer(id=job["id"], ok=True, result=json.dumps(counts))
    except UnicodeDecodeError:
        answer(id=job["id"], error="the payload is no text", exit=2)
