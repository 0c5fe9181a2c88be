#!/usr/bin/env bash
# Measures how right the simulator is on this machine, and writes docs/validation.md. Run it on a quiet machine, from the
# repository's root, with `pasta` on the PATH:
#
#   bash tools/measure_fidelity.sh ANSWERS.jsonl [FOLDER]
#   STEP=torch bash tools/measure_fidelity.sh ANSWERS.jsonl [FOLDER]
#
# ANSWERS are plain answers (fields `instruction` and `output`). All decodes are measured in turns, and a calibration
# between them, so that a machine which is slower now and then hits prediction and measurement alike. Measurements are
# kept in FOLDER (out/fidelity/STEP), and a step whose result is there is left out. Remove FOLDER to begin anew.
#
# Which answers: of those that `pasta annotate` gives at least one branch, the first 200 whose text has at most 300
# tokens. Longer ones would take hours; of answers without branches the speed-up is 1 and says nothing.
set -euo pipefail

answers=${1:?"usage: bash tools/measure_fidelity.sh ANSWERS.jsonl [FOLDER]"}
step=${STEP:-native}
folder=${2:-out/fidelity/$step}
documents=${DOCUMENTS:-200}
most_tokens=${MOST_TOKENS:-300}
repetitions=${REPETITIONS:-2}
results=benchmarks/results
case $step in native) kind=native ;; torch) kind=cpu ;; *) echo "STEP is native or torch, not $step" >&2; exit 2 ;; esac
engine=(--step "$kind")  # threads: OMP_NUM_THREADS, else one a core
mkdir -p "$folder"

if [ ! -s "$folder/annotated.jsonl" ]; then
  pasta annotate "$answers" --field output --output "$folder/annotated.jsonl"
fi
pasta compare "$folder/annotated.jsonl" --parallel-only --most-tokens "$most_tokens" --limit "$documents" "${engine[@]}" \
  --together "$documents" --repetitions "$repetitions" --seconds 120 --measurements "$folder/forced.jsonl" \
  --save-profile "$folder/profile.toml" --html "$folder/forced.html" --plots "$folder/plots" --format json \
  > "$folder/forced.json" || [ $? -eq 1 ]
if [ ! -s "$folder/free.json" ]; then
  pasta compare "$answers" --free --teach --max-tokens 96 --limit 20 --repetitions 2 "${engine[@]}" \
    --measurements "$folder/free.jsonl" --format json > "$folder/free.json" || [ $? -eq 1 ]
fi
if [ ! -s "$folder/ablations.json" ]; then
  pasta compare --ablations --hardware "$folder/profile.toml" "${engine[@]}" --repetitions 2 \
    --measurements "$folder/ablation.jsonl" --format json > "$folder/ablations.json"
fi
for name in forced free ablations; do
  cp "$folder/$name.json" "$results/fidelity_${step}_$name.json"
done
python -m tools.validation_page
pasta compare --measurements "$folder/forced.jsonl" --hardware "$folder/profile.toml"
