#include "norma/core/error.h"

namespace norma {

Error::Error(std::string op, std::string message)
    : std::runtime_error(""), op_(std::move(op)), message_(std::move(message)) {
  compose();
}

void Error::add_module(const std::string& name, const std::string& type) {
  if (type_.empty()) type_ = type;
  if (!name.empty()) path_ = path_.empty() ? name : name + "." + path_;
  compose();
}

void Error::compose() {
  what_ = "[" + op_ + "] " + message_;
  if (path_.empty() && type_.empty()) return;
  const bool vowel = std::string_view("AEIOaeio").find(type_[0]) != std::string_view::npos;
  const std::string kind = (vowel ? ", an " : ", a ") + type_;
  what_ += " (in " + (path_.empty() ? type_ : path_ + kind) + ")";
}

void detail::raise(std::string_view op, std::string message) {
  throw Error(std::string(op), std::move(message));
}

}  // namespace norma
