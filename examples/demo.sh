#!/usr/bin/env bash
# The main job on the example data: plain answers in, annotated answers, findings, measures and pictures out.
# Usage: bash examples/demo.sh [FOLDER]     (default: out/demo)
set -euo pipefail
out=${1:-out/demo}
here=$(dirname "$0")
rm -rf "$out"
mkdir -p "$out"

step() { printf '\n== %s\n' "$1"; }
show() { printf '$ %s\n' "$*"; "$@"; }

step "Annotate: plain answers to responses whose parts can be decoded at the same time"
show pasta annotate "$here/answers.jsonl" --field output --output "$out/annotated.jsonl"

step "Validate: every annotated answer, and the hand-written examples"
show pasta validate "$out/annotated.jsonl" "$here/responses"

step "Find and repair: a response with faults (findings end with exit code 1)"
cp "$here/broken/several_faults.txt" "$out/repaired.txt"
show pasta validate "$here/broken/several_faults.txt" || true
show pasta validate --fix --unsafe-fixes --quiet "$out/repaired.txt" || true
diff -u "$here/broken/several_faults.txt" "$out/repaired.txt" || true

step "Measure: how parallel the annotated answers are"
show pasta stats "$out/annotated.jsonl" --plots "$out/plots"
pasta stats "$out/annotated.jsonl" --details --format json > "$out/stats.json"

step "Draw: the dependency DAG of one of them"
show pasta dag "$out/annotated.jsonl" --record 1
show pasta dag "$out/annotated.jsonl" --record 1 --output "$out/dag.png"

step "Simulate: how fast Gemma 7B would decode them on one H100, alone and under load"
show pasta simulate "$out/annotated.jsonl" --rate 2 --rate 8 --rate 32 --requests 60 \
  --html "$out/simulation.html" --plots "$out/simulation" --chrome-trace "$out/timeline.json"

step "Decode for real: SmolLM2 executes the same DAG, its threads over one KV pool, in turn with a sequential decode"
show pasta decode "$out/annotated.jsonl" --limit 1 --sequential --threads 1 --trace "$out/decode.jsonl" --timeline "$out/decode.png"

step "Decode freely: every thread under the mask, so that each tag is valid (this model never learned the language: poor text)"
show pasta decode --prompt "What are the parts of a bicycle?" --teach --promise-by 40 --distinct-topics \
  --max-promises 3 --max-tokens 90 --require-sync --threads 1

step "Compare: predicted against measured, with a profile of this machine (quick, so rough)"
show pasta calibrate --seconds 15 --threads 1 --output "$out/profile.toml"
show pasta compare "$out/annotated.jsonl" --limit 1 --threads 1 --hardware "$out/profile.toml" \
  --html "$out/comparison.html" || true

step "Render: the plain answers again, to the letter"
show pasta render "$here/responses/list.txt" | head -n 5

printf '\nResults lie in %s:\n' "$out"
(cd "$out" && find . -type f | sort | sed 's|^\./|  |')
