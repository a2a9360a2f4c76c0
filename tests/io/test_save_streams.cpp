// Saving into streams and memory, and what is not worth saving.
#include <norma/norma.h>

#include <fstream>
#include <sstream>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Takes so many characters and no more.
class NarrowBuffer : public std::streambuf {
 public:
  explicit NarrowBuffer(std::size_t room) : room_(room) {}

 protected:
  std::streamsize xsputn(const char*, std::streamsize count) override {
    const std::size_t taken = std::min(room_, static_cast<std::size_t>(count));
    room_ -= taken;
    return static_cast<std::streamsize>(taken);
  }
  int_type overflow(int_type) override { return traits_type::eof(); }

 private:
  std::size_t room_;
};

// Its author forgot register_module.
struct Forgetful : nn::Module {
  nn::Linear fc{2, 3};
  Tensor forward(const Tensor& x) override { return fc(x); }
};

}  // namespace

TEST_CASE("A module is saved as the same bytes into a file, a stream and memory") {
  const TempFolder scratch;
  const nn::Sequential net(nn::Linear(3, 5), nn::BatchNorm1d(5), nn::Linear(5, 2));
  save(net, scratch / "net.safetensors");
  const std::string expected = read_bytes(scratch / "net.safetensors");
  std::ostringstream stream;
  save(net, stream);
  CHECK(stream.str() == expected);
  stream << "more";  // the stream goes on behind it
  CHECK(stream.str() == expected + "more");
  std::vector<std::byte> bytes(7, std::byte{1});
  save(net, bytes);
  CHECK(text_of(bytes) == expected);

  std::ofstream file(scratch / "streamed", std::ios::binary);
  save(net, file);
  CHECK(read_bytes(scratch / "streamed") == expected);  // flushed
}

TEST_CASE("Tensors and a checkpoint, too") {
  const TempFolder scratch;
  const NamedTensors tensors{{"a", arange(3)}, {"empty", zeros({0})}, {"b", ones({2, 2}).t()}};
  save_safetensors(tensors, scratch / "t", {{"note", "x"}});
  std::ostringstream stream;
  save_safetensors(tensors, stream, {{"note", "x"}});
  CHECK(stream.str() == read_bytes(scratch / "t"));
  std::vector<std::byte> bytes;
  save_safetensors(tensors, bytes, {{"note", "x"}});
  CHECK(text_of(bytes) == read_bytes(scratch / "t"));

  const nn::Sequential net(nn::Linear(3, 5));
  const CheckpointParts parts{.module = &net, .epoch = 3};
  save_checkpoint(scratch / "run", parts);
  std::ostringstream second;
  save_checkpoint(second, parts);
  CHECK(second.str() == read_bytes(scratch / "run"));
  save_checkpoint(bytes, parts);
  CHECK(text_of(bytes) == read_bytes(scratch / "run"));
}

TEST_CASE("A checkpoint comes back from memory and from a stream") {
  const nn::Sequential net(nn::Linear(3, 5), nn::BatchNorm1d(5));
  std::vector<std::byte> bytes;
  save_checkpoint(bytes, {.module = &net, .epoch = 3});
  std::stringstream stream;
  stream << "a line before it\n";
  save_checkpoint(stream, {.module = &net, .epoch = 4});
  nn::Sequential first(nn::Linear(3, 5), nn::BatchNorm1d(5)), second = first.clone();
  CHECK(load_checkpoint(bytes, {.module = &first}).epoch == 3);
  CHECK(same(first.state_dict(), net.state_dict()));
  std::string line;
  std::getline(stream, line);
  CHECK(load_checkpoint(stream, {.module = &second}).epoch == 4);
  CHECK(same(second.state_dict(), net.state_dict()));

  save(net, bytes);
  CHECK(has(error_of([&] { load_checkpoint(bytes, {}); }),
            "[load_checkpoint] bytes in memory: expected a checkpoint, got other tensors"));
  bytes.resize(20);
  CHECK(has(error_of([&] { load_checkpoint(bytes, {}); }), "[safetensors] bytes in memory: "));
  std::ifstream closed("no such file");
  CHECK(has(error_of([&] { load_checkpoint(closed, {}); }), "[load_checkpoint] expected a stream"));
}

TEST_CASE("A stream that fails") {
  const nn::Linear net(100, 100);
  std::vector<std::byte> bytes;
  save(net, bytes);
  const std::size_t head = bytes.size() - 10100 * 4;
  const auto refused = [&](std::ostream& stream) { return error_of([&] { save(net, stream); }); };
  const auto message = [&](std::size_t written) {
    return text("[save] expected a stream that takes ", bytes.size(),
                " bytes, got one that failed after ", written);
  };
  for (const bool throws : {false, true}) {
    for (const std::size_t room : {std::size_t{0}, std::size_t{5}, head, bytes.size() - 1}) {
      NarrowBuffer buffer(room);
      std::ostream stream(&buffer);
      if (throws) stream.exceptions(std::ios::badbit | std::ios::failbit);
      // The bias lies before the weight.
      CHECK(refused(stream) == message(room < head               ? 0
                                       : room < bytes.size() - 1 ? head
                                                                 : head + 400));
    }
    NarrowBuffer enough(bytes.size());
    std::ostream stream(&enough);
    if (throws) stream.exceptions(std::ios::badbit | std::ios::failbit);
    CHECK(refused(stream) == "no error");
  }
  std::ofstream closed;
  CHECK(refused(closed) == message(0));
  if (std::ofstream full("/dev/full", std::ios::binary); full)
    CHECK(has(refused(full), "got one that failed after"));
}

TEST_CASE("A stream whose buffer throws what is its own") {
  struct Throwing : std::streambuf {
    std::streamsize xsputn(const char*, std::streamsize) override { return fail(); }
    std::streamsize xsgetn(char*, std::streamsize) override { return fail(); }
    static std::streamsize fail() { throw std::runtime_error("no connection"); }
  } buffer;
  nn::Linear net(2, 2);
  for (const bool throws : {false, true}) {
    std::ostream out(&buffer);
    std::istream in(&buffer);
    if (throws) out.exceptions(std::ios::badbit), in.exceptions(std::ios::badbit);
    CHECK(has(error_of([&] { save(net, out); }), "got one that failed after 0"));
    CHECK(error_of([&] { load(net, in); }) ==
          "[load] expected a stream that can be read, got one that failed after 0 bytes: "
          "no connection");
  }
}

TEST_CASE("What fails leaves the bytes in memory as they were") {
  std::vector<std::byte> bytes(3, std::byte{7});
  const std::string before = text_of(bytes);
  CHECK(has(error_of([&] { save(Forgetful(), bytes); }), "without any"));
  CHECK(has(error_of([&] {
              save_safetensors({{"x", Tensor()}}, bytes);
            }),
            "memory: expected a tensor for \"x\", got an undefined one"));
  CHECK(text_of(bytes) == before);
}

TEST_CASE("A module without parameters and buffers is not saved") {
  const TempFolder scratch;
  const std::string path = scratch.write("net.safetensors", "old");
  const std::string reason =
      "expected a module with parameters or buffers, got a Forgetful without any; what its "
      "constructor does not register is not saved: register_module(\"fc\", fc), "
      "register_parameter(…), register_buffer(…)";
  const Forgetful net;
  CHECK(error_of([&] { save(net, path); }) == "[save] " + path + ": " + reason);
  CHECK(error_of([&] { save_checkpoint(path, {.module = &net}); }) ==
        "[save_checkpoint] " + path + ": " + reason);
  std::ostringstream stream;
  CHECK(error_of([&] { save(net, stream); }) == "[save] " + reason);
  CHECK(error_of([&] { save_checkpoint(stream, {.module = &net}); }) ==
        "[save_checkpoint] " + reason);
  CHECK(stream.str().empty());
  CHECK(has(error_of([&] { save(nn::Sequential(nn::ReLU(), nn::Flatten()), path); }),
            "got a Sequential without any"));
  CHECK(read_bytes(path) == "old");
  save(nn::BatchNorm1d(3, {.affine = false}), path);  // buffers alone
  CHECK(load_safetensors(path).tensors.size() == 3);
}
