#include "picture.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "norma/autograd/grad_mode.h"
#include "norma/core/utf8.h"
#include "norma/io/atomic_file.h"
#include "norma/io/file_path.h"

namespace norma::plot {

namespace {

/// The last four characters, in small letters.
std::string ending_of(const std::string& path) {
  std::string ending = path.substr(path.size() - std::min<std::size_t>(path.size(), 4));
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending;
}

std::string number(double value) { return std::isfinite(value) ? shortest(value) : "NaN"; }

/// What a reader sees of a text: controls by their escapes, � for what is no UTF-8.
std::string visible(const std::string& text, int most) {
  std::string out;
  int shown = 0;
  for (std::size_t at = 0, length = 1; at < text.size(); at += length) {
    if (++shown > most) return out + "…";
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7F) {
      const std::string escaped = in_quotes({&text[at], 1});
      out += escaped.substr(1, escaped.size() - 2);
      length = 1;
      continue;
    }
    length = 1;
    while (length < 4 && !is_utf8({&text[at], std::min(length, text.size() - at)})) ++length;
    const std::string character = text.substr(at, length);
    // XML has no place for the last two of the plane.
    const bool has_place = character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF";
    if (!is_utf8(character)) length = 1;
    out += is_utf8(character) && has_place ? character : "\xEF\xBF\xBD";
  }
  return out;
}

std::string commands_of(const Picture& picture) {
  const bool svg = is_svg(picture);
  std::string out = text("set terminal ", svg ? "svg" : "pngcairo", " size ", picture.width, ",",
                         picture.height, " noenhanced font ", svg ? "\"sans-serif,12" : "\"sans,10",
                         "\" background \"#ffffff\"\n"
                         "set encoding utf8\n"
                         "set border 3 lc rgb \"#555555\"\n"
                         "set tics nomirror out scale 0.6\n"
                         "set grid lc rgb \"#e0e0e0\" lt 1\n"
                         "set style fill solid noborder\n");
  for (std::size_t i = 0; i < picture.blocks.size(); ++i) {
    out += text("$data", i, " << END\n");
    const std::vector<double>& numbers = picture.blocks[i].numbers;
    for (std::size_t j = 0; j < numbers.size(); ++j)
      out += number(numbers[j]) + ((j + 1) % picture.blocks[i].columns == 0 ? '\n' : ' ');
    out += "END\n";
  }
  return out + picture.script;
}

std::string csv_of(const Picture& picture) {
  std::string out = "name";
  for (const std::string& column : picture.columns) out += "," + column;
  for (const Block& block : picture.blocks) {
    if (block.is_scenery) continue;
    std::string name = "\"";
    for (const char c : block.name) name += c == '"' ? "\"\"" : std::string(1, c);
    name += '"';
    for (std::size_t j = 0; j < block.numbers.size(); ++j) {
      const std::size_t column = j % block.columns;
      if (column == 0) out += "\n" + name;
      if (column < picture.columns.size()) out += "," + number(block.numbers[j]);
    }
  }
  return out + "\n";
}

void write_file(const char* op, const std::string& path, const std::string& bytes) {
  AtomicFile file(path, op);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

/// What draws an image blurs its pixels unless it knows a style that not all know. So cells stand
/// in its place, where there are some. Texts have no "<".
void sharpen(std::string& svg, const std::string& cells) {
  const std::string image = "<image ", sharp = "style='image-rendering:pixelated' ";
  for (std::size_t at = 0; (at = svg.find(image, at)) != std::string::npos;) {
    const std::size_t place = at + image.size(), pixels = svg.find("xlink:href=", at),
                      end = svg.find("/>", at);
    if (cells.empty() || pixels == std::string::npos || end == std::string::npos) {
      svg.insert(place, sharp);
      at = place;
      continue;
    }
    const std::string limits = svg.substr(place, pixels - place);
    svg.replace(at, end + 2 - at, "<svg " + limits + cells + "</svg>");
    at += limits.size() + cells.size();
  }
}

int number_of(const platform::File& file) { return static_cast<int>(file.get()); }

std::string contents_of(const platform::File& file) {
  struct stat status {};
  if (::fstat(number_of(file), &status) != 0) return "";
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::pread(number_of(file), bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return "";
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

/// In one line, and no longer than a message should be.
std::string shortened(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 600)) {
    const bool space = c == '\n' || c == ' ' || c == '\t' || c == '\r';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

struct Outcome {
  std::string problem;  // "" for none
  std::string output;
};

Outcome run_gnuplot(const std::string& commands) {
  // Files in memory, not pipes: nobody waits for anybody. In this order, so that no dup2 below
  // overwrites what the next one copies, even where the program has closed 0, 1 or 2.
  const platform::File in(::memfd_create("script", MFD_CLOEXEC)),
      out(::memfd_create("picture", MFD_CLOEXEC)), err(::memfd_create("errors", MFD_CLOEXEC));
  if (!in.is_open() || !out.is_open() || !err.is_open())
    return {text("cannot make a file in memory: ", std::strerror(errno)), ""};
  if (const int error = write_all(in, commands.data(), commands.size(), 0))
    return {text("cannot write to a file in memory: ", std::strerror(error)), ""};

  posix_spawn_file_actions_t actions;
  if (const int error = ::posix_spawn_file_actions_init(&actions))
    return {text("cannot start gnuplot: ", std::strerror(error)), ""};
  int started = ::posix_spawn_file_actions_adddup2(&actions, number_of(in), 0);
  if (started == 0) started = ::posix_spawn_file_actions_adddup2(&actions, number_of(out), 1);
  if (started == 0) started = ::posix_spawn_file_actions_adddup2(&actions, number_of(err), 2);
  // -d: without the user's start-up files. A script that is a file ends at its first error.
  char name[] = "gnuplot", no_defaults[] = "-d", script[] = "/dev/stdin";
  char* const arguments[] = {name, no_defaults, script, nullptr};
  pid_t child = 0;
  if (started == 0) started = ::posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (started == ENOENT)
    return {
        "expected the program gnuplot, found none in PATH; on Debian or Ubuntu: apt-get install "
        "gnuplot-nox",
        ""};
  if (started != 0) return {text("cannot start gnuplot: ", std::strerror(started)), ""};

  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno == ECHILD) break;  // the program ignores SIGCHLD: it is done, nobody knows how
    if (errno != EINTR) return {text("cannot wait for gnuplot: ", std::strerror(errno)), ""};
  }
  const std::string said = shortened(contents_of(err));
  const std::string what = said.empty() ? "" : ": " + said;
  if (WIFSIGNALED(status))
    return {text("gnuplot was ended by signal ", WTERMSIG(status), what), ""};
  if (WEXITSTATUS(status) != 0)
    return {text("gnuplot ended with status ", WEXITSTATUS(status), what), ""};
  Outcome outcome{"", contents_of(out)};
  if (outcome.output.empty()) outcome.problem = "gnuplot drew nothing" + what;
  return outcome;
}

}  // namespace

bool is_svg(const Picture& picture) { return ending_of(picture.path) == ".svg"; }

void check_picture(const Picture& picture) {
  check_path(picture.op, picture.path);
  if (!is_svg(picture) && ending_of(picture.path) != ".png")
    fail(picture.op, "expected a path that ends in .svg or .png, got ", quoted_path(picture.path));
  for (const int size : {picture.width, picture.height})
    if (size < 100 || size > 10000)
      fail(picture.op, "expected a width and height of 100 to 10000 pixels, got ", picture.width,
           " x ", picture.height);
}

void draw(const Picture& picture) {
  check_picture(picture);
  AtomicFile file(picture.path, picture.op);
  Outcome outcome = run_gnuplot(commands_of(picture));
  if (!outcome.problem.empty()) {
    const std::string csv = picture.path + ".csv";
    std::string kept = "the numbers are in " + shown_path(csv);
    try {
      Picture whole = picture;
      if (whole.complete) whole.complete(whole);
      write_file(picture.op, csv, csv_of(whole));
    } catch (const Error& error) {
      kept = text("the numbers are nowhere: ", error.what());
    }
    fail(picture.op, outcome.problem, "; ", kept);
  }
  if (is_svg(picture)) sharpen(outcome.output, picture.cells);
  file.write(outcome.output.data(), outcome.output.size());
  file.commit();
}

std::string quoted(const std::string& text, int most) {
  std::string out = "\"";
  for (const char c : visible(text, most)) {
    const auto byte = static_cast<unsigned char>(c);
    // Not digits: gnuplot would take them for those of an octal number before.
    const bool plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == ' ';
    if (plain) {
      out += c;
    } else {
      for (const int shift : {6, 3, 0}) {
        if (shift == 6) out += '\\';
        out += static_cast<char>('0' + (byte >> shift & 7));
      }
    }
  }
  return out + '"';
}

std::string setting(const char* name, const std::string& text) {
  return text.empty() ? "" : norma::text("set ", name, " ", quoted(text), "\n");
}

std::string font(const Picture& picture, double pixels) {
  // A PNG's sizes are points, of which 72 are 96 pixels.
  return text("font \",", rounded(is_svg(picture) ? pixels : 0.75 * pixels, 3), "\"");
}

Colour mixed(Colour first, Colour second, double share) {
  const auto channel = [&](uint8_t a, uint8_t b) {
    return static_cast<uint8_t>(std::lround(a + share * (b - a)));
  };
  return {channel(first.red, second.red), channel(first.green, second.green),
          channel(first.blue, second.blue)};
}

std::string quoted(Colour colour) {
  std::string out = "\"#";
  for (const int channel : {colour.red, colour.green, colour.blue})
    for (const int digit : {channel >> 4, channel & 15}) out += "0123456789abcdef"[digit];
  return out + '"';
}

std::vector<double> doubles_of(const Tensor& values) {
  const NoGradGuard no_grad;
  const Tensor flat = values.detach().to(kFloat64).contiguous();
  const double* data = flat.data_ptr<double>();
  return {data, data + flat.numel()};
}

std::vector<int64_t> classes_of(const char* op, const char* what, const Tensor& values,
                                int64_t classes) {
  if (!values.defined()) fail(op, "expected ", what, ", got an undefined tensor");
  const NoGradGuard no_grad;
  Tensor one = values.detach();
  if (one.dim() == 2 && is_floating(one.dtype()) && (classes < 1 || one.size(1) == classes) &&
      one.size(1) > 0)
    one = one.argmax(1);
  if (one.dim() != 1 || one.dtype() == kBool || is_floating(one.dtype()))
    fail(op, "expected ", what, " as whole numbers [N] or scores [N, ",
         classes > 0 ? text(classes) : std::string("C"), "], got ", dtype_name(values.dtype()), " ",
         values.sizes());
  one = one.to(kInt64).contiguous();
  const int64_t* data = one.data_ptr<int64_t>();
  for (int64_t i = 0; i < one.numel(); ++i)
    if (data[i] < 0 || (classes > 0 && data[i] >= classes))
      fail(op, "expected ", what, " from 0",
           classes > 0 ? text(" to ", classes - 1) : std::string(" on"), ", got ", data[i], " at ",
           i);
  return {data, data + one.numel()};
}

std::vector<std::string> names_of(const char* op, const std::vector<std::string>& names,
                                  int64_t classes) {
  if (names.empty()) {
    std::vector<std::string> numbers;
    for (int64_t i = 0; i < classes; ++i) numbers.push_back(std::to_string(i));
    return numbers;
  }
  if (static_cast<int64_t>(names.size()) != classes)
    fail(op, "expected ", classes, " class_names, got ", names.size());
  return names;
}

}  // namespace norma::plot
