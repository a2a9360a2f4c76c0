#include "norma/playground/settings.h"

#include "norma/norma.h"

#include <initializer_list>
#include <string_view>

#include "norma/core/read_number.h"

namespace playground {

namespace {

using Names = std::initializer_list<std::string_view>;

std::string one_of(const std::string& key, const std::string& value, Names names) {
  std::string list;
  for (const std::string_view name : names) {
    if (name == value) return value;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  norma::fail("playground", "expected ", key, " to be one of ", list, ", got '", value, "'");
}

template <class T>
T number(const std::string& key, const std::string& value, T least, T most) {
  T result{};
  const char* end = value.data() + value.size();
  const auto [stop, error] = norma::read_number(value.data(), end, result);
  if (error != std::errc() || stop != end || !(result >= least && result <= most)) {
    norma::fail("playground", "expected ", key, " between ", least, " and ", most, ", got '", value,
                "'");
  }
  return result;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<int64_t> widths_of(const std::string& value) {
  std::vector<int64_t> widths;
  for (const std::string& width : split(value, ',')) {
    widths.push_back(number<int64_t>("widths", width, 1, 128));
  }
  if (widths.size() > 6) {
    norma::fail("playground", "expected at most 6 hidden layers, got ", widths.size());
  }
  return widths;
}

void set(Settings& settings, const std::string& key, const std::string& value) {
  const auto yes_or_no = [&] { return one_of(key, value, {"yes", "no"}); };
  const auto mode = [&] { return one_of(key, value, {"train", "eval"}); };
  if (key == "data") {
    settings.data = one_of(key, value, {"spirals", "moons", "rings", "checkerboard", "points"});
  } else if (key == "noise") {
    settings.noise = number(key, value, 0.0, 1.0);
  } else if (key == "seed") {
    settings.seed = number<int64_t>(key, value, 0, 9999);
  } else if (key == "points") {
    settings.points = value;
  } else if (key == "widths") {
    settings.widths = widths_of(value);
  } else if (key == "activation") {
    settings.activation =
        one_of(key, value, {"relu", "leaky_relu", "gelu", "tanh", "sigmoid", "none"});
  } else if (key == "norm") {
    settings.norm = one_of(key, value, {"batch", "layer", "none"});
  } else if (key == "axis") {
    settings.axis = one_of(key, value, {"right", "wrong"});
  } else if (key == "dropout") {
    settings.dropout = number(key, value, 0.0, 0.95);
  } else if (key == "place") {
    settings.place = one_of(key, value, {"after", "before"});
  } else if (key == "init") {
    settings.init = number(key, value, 0.0, 100.0);
  } else if (key == "batch") {
    settings.batch = number<int64_t>(key, value, 1, 500);
  } else if (key == "rate") {
    settings.rate = number(key, value, 0.0, 1000.0);
  } else if (key == "momentum") {
    settings.momentum = number(key, value, 0.0, 1.0);
  } else if (key == "clear") {
    settings.clear = yes_or_no();
  } else if (key == "shuffle") {
    settings.shuffle = yes_or_no();
  } else if (key == "training") {
    settings.training = mode();
  } else if (key == "evaluation") {
    settings.evaluation = mode();
  } else {
    norma::fail("playground", "expected a setting of the playground, got '", key, "'");
  }
}

}  // namespace

Settings Settings::parse(const std::string& text) {
  Settings settings;
  for (const std::string& part : split(text, '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) {
      norma::fail("playground", "expected key=value, got '", part, "'");
    }
    set(settings, part.substr(0, equals), part.substr(equals + 1));
  }
  return settings;
}

bool Settings::same_data(const Settings& other) const {
  return data == other.data && noise == other.noise && seed == other.seed;
}

bool Settings::same_network(const Settings& other) const {
  return widths == other.widths && activation == other.activation && norm == other.norm &&
         axis == other.axis && dropout == other.dropout && place == other.place &&
         init == other.init && seed == other.seed;
}

}  // namespace playground
