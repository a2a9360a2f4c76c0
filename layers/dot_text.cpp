#include "norma/layers/dot_text.h"

#include "norma/core/text.h"

namespace norma::autograd {

std::string dot_quoted(const std::vector<std::string>& lines) {
  std::string out = "\"";
  for (const std::string& line : lines) {
    if (out.size() > 1) out += "\\n";
    // Valid UTF-8 in which quotes and backslashes are escaped as Graphviz wants it.
    const std::string quoted = in_quotes(line);
    for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
      const char c = quoted[i];
      out += c == '&' ? "&amp;" : std::string(1, c);  // else "&lt;" would be read as "<"
      if (c != '\\') continue;
      const char next = quoted[++i];
      if (next != '"' && next != '\\') out += '\\';  // "\n" in a name is to be read as such
      out += next;
    }
  }
  return out + "\"";
}

std::string framed(const Frames& frames, const std::unordered_map<int, std::string>& statements) {
  const std::vector<Frames::Frame>& all = frames.all();
  std::vector<std::vector<int>> inside(all.size() + 1);  // the last: of none
  std::vector<bool> is_used(all.size());
  for (std::size_t i = all.size(); i-- > 0;) {  // those inside come later
    if (statements.count(static_cast<int>(i)) > 0) is_used[i] = true;
    if (!is_used[i]) continue;
    const int around = all[i].around;
    if (around != Frames::kNone) is_used[static_cast<std::size_t>(around)] = true;
    inside[around == Frames::kNone ? all.size() : static_cast<std::size_t>(around)].push_back(
        static_cast<int>(i));
  }
  std::string out;
  std::vector<int> next = inside.back();
  constexpr int kClose = -1;
  while (!next.empty()) {
    const int frame = next.back();
    next.pop_back();
    if (frame == kClose) {
      out += "  }\n";
      continue;
    }
    const auto i = static_cast<std::size_t>(frame);
    out += text("  subgraph cluster_", frame, " {\n  label=", dot_quoted({all[i].label}), ";\n");
    if (const auto own = statements.find(frame); own != statements.end()) out += own->second;
    next.push_back(kClose);
    next.insert(next.end(), inside[i].begin(), inside[i].end());
  }
  const auto outside = statements.find(Frames::kNone);
  return outside == statements.end() ? out : out + outside->second;
}

}  // namespace norma::autograd
