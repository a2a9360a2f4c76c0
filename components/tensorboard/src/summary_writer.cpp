#include "norma/tensorboard/summary_writer.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>

#include "contents.h"
#include "event_file.h"
#include "norma/core/utf8.h"

namespace norma::tensorboard {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string default_folder() {
  const std::time_t time = std::time(nullptr);
  std::tm parts{};
  char date[32], host[256] = "localhost";
  std::strftime(date, sizeof date, "%b%d_%H-%M-%S", ::localtime_r(&time, &parts));
  static_cast<void>(::gethostname(host, sizeof host - 1));
  return text("runs/", date, "_", host);
}

std::unique_ptr<EventFile> opened(const char* op, const std::string& folder,
                                  const std::string& suffix) {
  auto file = std::make_unique<EventFile>(op, folder, suffix);
  Event first;
  first.set_wall_time(now());
  first.set_file_version("brain.Event:2");
  file->append(op, first.SerializeAsString());
  return file;
}

void check_text(const char* op, const char* what, const std::string& text) {
  if (!is_utf8(text)) fail(op, "expected ", what, " in UTF-8, got ", in_quotes(text));
}

void add(const char* op, EventFile& file, Summary::Value value, std::optional<int64_t> step,
         std::optional<double> walltime) {
  Event event;
  event.set_wall_time(walltime ? *walltime : now());
  if (step) event.set_step(*step);
  *event.mutable_summary()->add_value() = std::move(value);
  file.append(op, event.SerializeAsString());
}

}  // namespace

struct SummaryWriter::State {
  std::string folder, suffix;
  std::unique_ptr<EventFile> file;
  std::map<std::string, std::unique_ptr<EventFile>> curves;  // of add_scalars, by folder

  EventFile& open(const char* op, const std::string& tag) const {
    if (!file) fail(op, "expected an open writer, got one that was closed");
    if (tag.empty()) fail(op, "expected a tag, got an empty one");
    check_text(op, "a tag", tag);
    return *file;
  }

  /// An event of a value, of which `fill(value)` writes what there is besides its tag.
  template <class Fill>
  void write(const char* op, const std::string& tag, std::optional<int64_t> step,
             std::optional<double> walltime, const Fill& fill) const {
    with_memory(0, [&] {
      EventFile& to = open(op, tag);
      Summary::Value value;
      value.set_tag(tag);
      fill(value);
      add(op, to, std::move(value), step, walltime);
    });
  }
};

SummaryWriter::SummaryWriter(const std::string& log_dir, const std::string& filename_suffix) {
  const char* const op = "SummaryWriter";
  if (log_dir.find('\0') != std::string::npos)
    fail(op, in_quotes(log_dir), ": expected a path without zero bytes");
  if (filename_suffix.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
    fail(op, "expected a suffix of a file's name, got ", in_quotes(filename_suffix));
  with_memory(0, [&] {
    state_ = std::make_unique<State>();
    state_->folder = log_dir.empty() ? default_folder() : log_dir;
    state_->suffix = filename_suffix;
    state_->file = opened(op, state_->folder, filename_suffix);
  });
}

SummaryWriter::~SummaryWriter() = default;

void SummaryWriter::add_scalar(const std::string& tag, const HistoryNumber& value,
                               std::optional<int64_t> global_step, std::optional<double> walltime) {
  const char* const op = "SummaryWriter::add_scalar";
  state_->write(op, tag, global_step, walltime, [&](Summary::Value& summary) {
    summary.set_simple_value(static_cast<float>(value.value()));
  });
}

void SummaryWriter::add_scalars(const std::string& main_tag,
                                std::initializer_list<NamedNumber> values,
                                std::optional<int64_t> global_step,
                                std::optional<double> walltime) {
  with_memory(0, [&] {
    const char* const op = "SummaryWriter::add_scalars";
    static_cast<void>(state_->open(op, main_tag));
    for (const NamedNumber& value : values) check_text(op, "names", value.name);
    const double time = walltime ? *walltime : now();
    std::string start = state_->folder + "/" + main_tag + "_";
    std::replace(start.begin() + static_cast<std::ptrdiff_t>(state_->folder.size()) + 1,
                 start.end(), '/', '_');
    for (const NamedNumber& value : values) {
      std::unique_ptr<EventFile>& file = state_->curves[start + value.name];
      if (!file) file = opened(op, start + value.name, state_->suffix);
      Summary::Value summary;
      summary.set_tag(main_tag);
      summary.set_simple_value(static_cast<float>(value.number.value()));
      add(op, *file, std::move(summary), global_step, time);
    }
  });
}

void SummaryWriter::add_histogram(const std::string& tag, const Tensor& values,
                                  std::optional<int64_t> global_step,
                                  std::optional<double> walltime) {
  const char* const op = "SummaryWriter::add_histogram";
  state_->write(op, tag, global_step, walltime, [&](Summary::Value& summary) {
    *summary.mutable_histo() = histogram_of(op, values);
  });
}

void SummaryWriter::add_image(const std::string& tag, const Tensor& image,
                              std::optional<int64_t> global_step, std::optional<double> walltime,
                              const std::string& dataformats) {
  const char* const op = "SummaryWriter::add_image";
  state_->write(op, tag, global_step, walltime, [&](Summary::Value& summary) {
    *summary.mutable_image() = image_of(op, image, dataformats);
  });
}

void SummaryWriter::add_images(const std::string& tag, const Tensor& images,
                               std::optional<int64_t> global_step, std::optional<double> walltime,
                               const std::string& dataformats) {
  const char* const op = "SummaryWriter::add_images";
  state_->write(op, tag, global_step, walltime, [&](Summary::Value& summary) {
    *summary.mutable_image() = image_of(op, images, dataformats);
  });
}

void SummaryWriter::add_text(const std::string& tag, const std::string& text,
                             std::optional<int64_t> global_step, std::optional<double> walltime) {
  const char* const op = "SummaryWriter::add_text";
  state_->write(op, tag, global_step, walltime, [&](Summary::Value& summary) {
    check_text(op, "text", text);
    summary.set_tag(tag + "/text_summary");
    summary.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
    TextTensor& tensor = *summary.mutable_tensor();
    tensor.set_dtype(7);
    tensor.add_string_val(text);
    tensor.mutable_tensor_shape()->add_dim()->set_size(1);
  });
}

void SummaryWriter::flush() {
  const char* const op = "SummaryWriter::flush";
  if (state_->file) state_->file->flush(op);
  for (const auto& curve : state_->curves) curve.second->flush(op);
}

void SummaryWriter::close() {
  state_->file.reset();
  state_->curves.clear();
}

const std::string& SummaryWriter::log_dir() const { return state_->folder; }

}  // namespace norma::tensorboard
