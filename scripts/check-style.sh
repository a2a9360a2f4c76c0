#!/usr/bin/env bash
# Checks what a compiler does not: format, width of comments, lengths of files, the direction of
# includes, words that do not belong into the repository. Prints every complaint; fails if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
complaints=0
complain() {
  printf '%s\n' "$@"
  complaints=$((complaints + $#))
}

mapfile -t code < <(git ls-files '*.h' '*.cpp')
mapfile -t text < <(git ls-files '*.h' '*.cpp' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' '*.json' '*.md' '.ci/*')
if [ ${#text[@]} -eq 0 ]; then
  echo "git lists no files here"
  exit 1
fi

# --- Format, by .clang-format
if command -v clang-format-14 >/dev/null; then
  for file in "${code[@]}"; do
    clang-format-14 --dry-run --Werror "$file" >/dev/null 2>&1 ||
      complain "$file: not as clang-format-14 -i would leave it"
  done
else
  echo "clang-format-14 is not installed: the format was not checked"
fi

# --- Width of comments, which clang-format leaves alone, and comparisons. Both read lines FILE:LINE:TEXT and print those at fault.
wide_comments() {
  LC_ALL=C.UTF-8 grep -E '^[^:]*:[0-9]+:.{101}' | grep -E '^[^:]*:[0-9]+:(.*[ ;({])?//'
}
negated_equalities() {
  local operand='([^()&|]|\([^()]*\))*'
  grep -E "!\\($operand == $operand\\)"
}
while read -r line; do
  complain "$line: a comment of more than 100 characters"
done < <(grep -nH '//' "${code[@]}" | wide_comments | cut -d: -f1,2)
while read -r line; do
  complain "$line: write a != b for !(a == b)"
done < <(grep -nH ' == ' "${code[@]}" | negated_equalities | cut -d: -f1,2)
x97=$(printf 'x%.0s' {1..97})
planted=$(printf 'a.h:%s\n' "1:// $x97" "2:/// $x97" "3:  f();  // $x97" "4:  f(\"$x97\");" "5:// é${x97:1}" | wide_comments)
[ "$(cut -d: -f2 <<<"$planted" | paste -sd ' ')" = "2 3" ] ||
  complain "scripts/check-style.sh: of planted comments, 2 and 3 are too wide, found: $planted"
planted=$(printf 'a.h:%s\n' '1:!(a.f(x) == b)' '2:!(a == b && c)' '3:!f(a == b)' '4:x && !(a == B{1})' | negated_equalities)
[ "$(cut -d: -f2 <<<"$planted" | paste -sd ' ')" = "1 4" ] ||
  complain "scripts/check-style.sh: of planted comparisons, 1 and 4 are negated, found: $planted"

# --- Lengths: any file below 500 lines, a layer's header and source together below 250
for file in "${text[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || complain "$file: $lines lines, at most 500"
done
for header in layers/*.h; do
  source=${header%.h}.cpp
  # No layers: the base class of all, and what folds a whole model.
  [ -f "$source" ] && [[ $header != layers/@(module|fuse_conv_bn).h ]] || continue
  lines=$(cat "$header" "$source" | wc -l)
  [ "$lines" -le 250 ] || complain "$header with its source: $lines lines, at most 250"
done

# --- Includes: a folder uses those before it in this list, never those after
above=()
for folder in core autograd layers optim io data testing; do
  above+=("$folder")
  allowed=$(IFS='|' && echo "${above[*]}")
  while read -r line; do
    complain "$line: ${folder}/ may include only norma/($allowed)/"
  done < <(grep -rnE '#include "norma/' "$folder" --include='*.h' --include='*.cpp' |
    grep -vE "#include \"norma/($allowed)/" | cut -d: -f1,2)
done
while read -r line; do
  complain "$line: core/ stands below core/kernels/ and may not include it"
done < <(grep -nE '#include "norma/core/kernels/' core/*.h core/*.cpp | cut -d: -f1,2)

# --- No circle between files, header and source of one name being one; a class's hidden half, NAME_impl.h or NAME_state.h, belongs
# to it. Reads lines FILE:#include "norma/…" and prints each circle.
circles() {
  sed -nE 's,^([^:]*)\.(h|cpp):#include "norma/(.*)\.h".*,\1 \3,p' | sed -E 's/_(impl|state)( |$)/\2/g' |
    tsort 2>&1 >/dev/null | awk '/input contains a loop/ { if (row) print row; row = ""; next }
      { row = row (row ? " - " : "") $2 } END { if (row) print row }'
}
while read -r circle; do
  complain "$circle: these files include each other"
done < <(grep -H '#include "norma/' "${code[@]}" | circles)
planted=$(printf '%s:#include "norma/%s"\n' core/b.h core/a.h core/a.cpp core/c.h core/c_impl.h core/b.h core/a.cpp core/a.h | circles)
[ "$(wc -w <<<"$planted")" -eq 5 ] || complain "scripts/check-style.sh: a planted circle of three files was not found"

# --- Functions whose last bits depend on the processor are called through core/elementary.h
while read -r line; do
  complain "$line: call it as elementary::…, whose bits can be made to depend on nothing"
done < <(grep -rnE 'std::(exp|exp2|expm1|log|log1p|log2|log10|sinh|cosh|tanh|erf|erfc|pow|sin|cos|tan|cbrt|hypot)\(' \
  core autograd layers optim io data testing --include='*.h' --include='*.cpp' | grep -vE '^core/(elementary\.|kernels/plain/)' | cut -d: -f1,2)

# --- What tests/support/ gives to all tests is defined there alone. Not oracle.h: its functions have the names of operations, in a
# namespace of their own.
helpers=$(sed -nE 's/^(inline|struct|class) ([^(]*[ *&])?(\w+)(\(.*| \{)$/\3/p' $(printf '%s\n' tests/support/*.h | grep -v '/oracle\.h$') | paste -sd '|')
second_definitions() {
  grep -E ":[0-9]+:( *(template <.*> *)?((inline|static) )*[A-Za-z_:<>]+[ &*]+($helpers)\([^)]*(\) (const )?\{|,$)| *(struct|class) ($helpers) )"
}
while read -r line; do
  complain "$line: a helper of this name is in tests/support/"
done < <(printf '%s\n' "${code[@]}" | grep '^tests/' | grep -v '^tests/support/' |
  xargs grep -nHE "\b($helpers)\b" | second_definitions | cut -d: -f1,2)
planted=$(printf 'a.h:%s\n' '1:std::string error_of(F&& f) {' '2:  return has(a, b);' '3:class TempFolder {' '4:std::vector<double> to_vector(const Tensor& x,' |
  second_definitions)
[ "$(cut -d: -f2 <<<"$planted" | paste -sd ' ')" = "1 3 4" ] ||
  complain "scripts/check-style.sh: of planted helpers, 1, 3 and 4 are doubled, found: $planted"

while read -r line; do
  complain "$line: tests are included as norma/tests/…"
done < <(grep -nH '#include "tests/' "${code[@]}" | cut -d: -f1,2)

# --- Every test is run
for file in $(git ls-files 'tests/*/test_*.cpp'); do
  grep -q 'norma_add_tests()' <(sed -E 's/#.*//' "$(dirname "$file")/CMakeLists.txt") || complain "$file: no ctest entry runs it"
done

# --- Words: unfinished work, paths of one machine, hosts of packages. The brackets keep this script from finding itself.
words='pypi\.or[g]|debian\.or[g]|ubuntu\.co[m]|crates\.i[o]|golang\.or[g]'
words+='|TO[D]O|FIX[M]E|XX[X]|HAC[K]|not implemente[d]|(^|[^A-Za-z0-9_.])/(wor[k]|roo[t]|hom[e]|far[m])/'
while read -r line; do
  complain "$line"
done < <(git grep -nIE "$words" -- "${text[@]}")

# --- Licences
cmp -s LICENSE LICENSES/MIT.txt || complain "LICENSES/MIT.txt: not the text of LICENSE"
for reuse in build/reuse/bin/reuse reuse; do
  # Before version 4 it did not know REUSE.toml.
  grep -qE 'version ([4-9]|[1-9][0-9])' <("$reuse" --version 2>/dev/null) || continue
  "$reuse" lint --quiet || complain "$("$reuse" lint --lines)"
  break
done

# --- Scripts can be started
for file in .ci/run $(git ls-files 'scripts/*.sh' | grep -v '/lib-'); do
  [ -x "$file" ] || complain "$file: has no run bit"
done

[ "$complaints" -eq 0 ] && echo "style: ${#text[@]} files, nothing to complain about"
exit $((complaints > 0))
