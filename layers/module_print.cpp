// PyTorch's repr of a tree of modules.
#include <ostream>
#include <string>

#include "norma/core/memory.h"
#include "norma/core/text.h"
#include "norma/layers/module.h"
#include "norma/layers/module_list.h"

namespace norma::nn {

namespace {

/// With `start` after every line break.
std::string continued(const std::string& lines, const std::string& start) {
  std::string out;
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += start;
  }
  return out;
}

}  // namespace

std::string Module::str() const {
  return with_memory(0, [&] {
    std::string out;
    print(out, 0);
    return out;
  });
}

void Module::print(std::string& out, std::size_t depth) const {
  if (const auto other = replacement()) return other->print(out, depth);
  const std::string margin(2 * depth, ' '), inner = margin + "  ", extra = extra_repr();
  const bool one_line = child_list().empty() && extra.find('\n') == std::string::npos;
  out += type_name() + "(";
  if (!extra.empty()) out += one_line ? extra : "\n" + inner + continued(extra, inner);
  const NamedModules& children = child_list();
  for (std::size_t i = 0; i < children.size();) {
    std::size_t end = i + 1;  // behind those that are alike: a list's "(0-1): 2 x Linear(…)"
    while (dynamic_cast<const ModuleList*>(this) && end < children.size() &&
           children[end].second->str() == children[i].second->str()) {
      ++end;
    }
    const std::string last = end - i > 1 ? "-" + children[end - 1].first : "";
    out += "\n" + inner + "(" + children[i].first + last + "): ";
    if (end - i > 1) out += text(end - i, " x ");
    children[i].second->print(out, depth + 1);
    i = end;
  }
  out += one_line ? ")" : "\n" + margin + ")";
}

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << module.str(); }

}  // namespace norma::nn
