#!/usr/bin/env bash
# Runs the tests of the native step under the address sanitizer and the thread sanitizer of the system's compiler:
#
#   bash tools/sanitize_native.sh [address] [thread]
#
# Python itself is not built with them, so their library is loaded before it; leaks of Python's are not asked about.
set -euo pipefail

compiler=${CXX:-c++}
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT

for sanitizer in ${@:-address thread}; do
  short=${sanitizer:0:1}san
  echo "== $sanitizer sanitizer"
  XDG_CACHE_HOME=$cache PASTA_NATIVE_FLAGS="-g -fsanitize=$sanitizer -fno-omit-frame-pointer" \
    ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS="halt_on_error=1 exitcode=66 report_bugs=1 ignore_noninstrumented_modules=1" \
    LD_PRELOAD=$("$compiler" -print-file-name="lib$short.so") \
    python -m pytest -q -p no:cacheprovider tests/engine/test_native.py -k "not compiler and not library and not cache"
done
