#include "norma/io/read_tensors.h"

namespace norma {

std::string unreadable(const InputFile& file, const Error& error) {
  std::string_view what = error.what();
  const std::string start = text('[', error.op(), "] ", shown_path(file.name()), ": ");
  if (what.starts_with(start)) what.remove_prefix(start.size());
  return text("a tensor that cannot be read: ", what);
}

std::string list_skipped(const TensorFile& contents) {
  constexpr std::size_t kMost = 3;
  std::string list;
  std::size_t count = 0;
  for (const auto& [name, what] : contents.skipped) {
    if (count++ == kMost) break;
    list += text(list.empty() ? "" : ", ", what, name.empty() ? "" : " as " + in_quotes(name));
  }
  if (contents.skipped.size() > kMost)
    list += text(" and ", contents.skipped.size() - kMost, " more");
  return list;
}

void refuse_skipped(const InputFile& file, const TensorFile& contents, const char* note) {
  if (contents.skipped.empty()) return;
  file.refuse("expected tensors that Norma can hold, got ", list_skipped(contents), note, "; ",
              kWayOut);
}

}  // namespace norma
