#include "norma/tests/data/gzip.h"
#include "norma/tests/data/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace data = norma::data;

namespace {

std::string big_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::string idx(int type, const std::vector<uint32_t>& sizes, const std::string& payload) {
  std::string bytes = big_endian(static_cast<uint64_t>(type), 3);
  bytes += static_cast<char>(sizes.size());
  for (const uint32_t size : sizes) bytes += big_endian(size, 4);
  return bytes + payload;
}

std::string images(uint32_t n, uint32_t rows = 2, uint32_t cols = 3) {
  std::string pixels;
  for (uint32_t i = 0; i < n * rows * cols; ++i) pixels.push_back(static_cast<char>(200 + i));
  return idx(8, {n, rows, cols}, pixels);
}

std::string labels(const std::string& values) {
  return idx(8, {static_cast<uint32_t>(values.size())}, values);
}

}  // namespace

TEST_CASE("read_idx knows every element type, big-endian, plain or compressed") {
  const TempFolder scratch;
  struct Row {
    int type;
    std::string payload;
    Tensor expected;
  };
  const auto words = [](std::initializer_list<uint64_t> values, int bytes) {
    std::string text;
    for (const uint64_t value : values) text += big_endian(value, bytes);
    return text;
  };
  const Row rows[] = {
      {0x08, "\x01\x80\xff", norma::tensor(std::vector<uint8_t>{1, 128, 255})},
      {0x09, "\x01\x80\xff", norma::tensor({1, -128, -1})},
      {0x0b, words({0x0102, 0x8000, 0xffff}, 2), norma::tensor({258, -32768, -1})},
      {0x0c, words({0x01020304, 0x80000000, 0xffffffff}, 4),
       norma::tensor({16909060, -2147483648LL, -1})},
      {0x0d, words({0x3fc00000, 0xc0490fdb, 0x00000001}, 4),
       norma::tensor({1.5, -3.14159274101257324, 1.401298464324817e-45})},
      {0x0e, words({0x3ff8000000000000, 0xc00921fb54442d18, 0x0000000000000001}, 8),
       norma::tensor(std::vector<double>{1.5, -3.141592653589793, 4.9406564584124654e-324})},
  };
  for (const Row& row : rows) {
    const std::string file = idx(row.type, {3}, row.payload);
    for (const std::string& bytes : {file, gzip(file)}) {
      const Tensor got = data::read_idx(scratch.write("file", bytes));
      INFO("type " << row.type);
      CHECK(got.dtype() == row.expected.dtype());
      CHECK(norma::equal(got, row.expected));
    }
  }
}

TEST_CASE("read_idx keeps the order of dimensions; empty and long files") {
  const TempFolder scratch;
  const Tensor cube = data::read_idx(scratch.write("cube", idx(9, {2, 3, 4}, [] {
                                                     std::string text;
                                                     for (char i = 0; i < 24; ++i)
                                                       text.push_back(i);
                                                     return text;
                                                   }())));
  CHECK(norma::equal(cube, norma::arange(24).reshape({2, 3, 4})));
  CHECK(data::read_idx(scratch.write("none", idx(8, {0, 28, 28}, ""))).sizes() ==
        Shape({0, 28, 28}));
  CHECK(data::read_idx(scratch.write("eight", idx(8, {1, 1, 1, 1, 1, 1, 1, 1}, "a"))).dim() == 8);
  // Longer than the reader's buffers.
  std::string payload;
  for (uint64_t i = 0; i < 70'001; ++i) payload += big_endian(i * 30'000, 4);
  const std::string bytes = idx(0x0c, {70'001}, payload);
  const Tensor expected = norma::arange(0, 70'001 * 30'000LL, 30'000);
  CHECK(norma::equal(data::read_idx(scratch.write("long", bytes)), expected));
  CHECK(norma::equal(data::read_idx(scratch.write("long", gzip(bytes))), expected));
}

TEST_CASE("read_idx refuses a file of any other length, and names it") {
  const TempFolder scratch;
  const std::string whole = idx(0x0b, {2, 3}, "abcdefghijkl");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    for (const bool packed : {false, true}) {
      const std::string part = whole.substr(0, length);
      const std::string path = scratch.write("cut", packed ? gzip(part) : part);
      const std::string message = error_of([&] { data::read_idx(path); });
      CHECK(has(message, "[read_idx] expected "));
      CHECK(has(message, " in \"" + path + "\""));
    }
  }
  const auto message_for = [&](const std::string& bytes) {
    const std::string path = scratch.write("f", bytes);
    std::string message = error_of([&] { data::read_idx(path); });
    const std::size_t at = message.find("\"" + path + "\"");
    if (at != std::string::npos) message.replace(at, path.size() + 2, "PATH");
    return message;
  };
  CHECK(message_for(whole) == "no error");
  CHECK(message_for(whole.substr(0, 23)) ==
        "[read_idx] expected 24 bytes for int16 [2, 3], got 23 in PATH; the file is cut short, or "
        "the header is wrong");
  CHECK(message_for(gzip(whole.substr(0, 23))) ==
        "[read_idx] expected 24 bytes for int16 [2, 3], got 23 in PATH; the file is cut short, or "
        "the header is wrong");
  CHECK(message_for(whole + "!") ==
        "[read_idx] expected 24 bytes for int16 [2, 3], got 25 in PATH; there are bytes after the "
        "data");
  CHECK(message_for(gzip(whole + "!")) ==
        "[read_idx] expected 24 bytes for int16 [2, 3], got more in PATH; there are bytes after "
        "the data");
  CHECK(message_for(gzip(whole).substr(0, 30)) ==
        "[read_idx] expected complete gzip data, got a file that ends too early in PATH; copy or "
        "download it again");
  CHECK(message_for("") == "[read_idx] expected an IDX header of 4 bytes, got fewer in PATH");
  CHECK(message_for(whole.substr(0, 11)) ==
        "[read_idx] expected 2 sizes in the header, got fewer in PATH");
}

TEST_CASE("read_idx refuses headers that make no sense, before it sets memory aside") {
  const TempFolder scratch;
  const auto message_for = [&](const std::string& bytes) {
    return error_of([&] { data::read_idx(scratch.write("f", bytes)); });
  };
  CHECK(has(message_for("\x89PNG"),
            "expected an IDX file, which begins with two zero bytes, got 0x89 0x50"));
  CHECK(has(message_for(idx(0x0a, {1}, "a")),
            "expected the IDX element type 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e, got 0x0a"));
  CHECK(has(message_for(idx(8, {}, "a")), "expected 1 to 12 dimensions, got 0"));
  CHECK(has(message_for(idx(8, std::vector<uint32_t>(13, 1), "a")),
            "expected 1 to 12 dimensions, got 13"));

  const int64_t live = norma::live_storage_bytes(), asked = norma::system_allocations();
  CHECK(has(message_for(idx(8, {0xffffffff, 0xffffffff, 0xffffffff}, "a")),
            "expected a size that fits in memory, got a header that promises uint8 [4294967295, "
            "4294967295, 4294967295]"));
  CHECK(has(message_for(idx(9, {0xffffffff, 0x40000000}, "a")), "expected a size that fits"));
  // A size of 0 beside others whose product no stride holds.
  CHECK(has(message_for(idx(8, {0, 0xffffffff, 0xffffffff}, "")), "expected a size that fits"));
  CHECK(has(message_for(idx(14, {0xffffffff, 0xffffffff, 0}, "")), "expected a size that fits"));
  CHECK(has(message_for(idx(8, {4'000'000'000}, "a")),
            "expected 4000000008 bytes for uint8 [4000000000], got 9"));
  const std::string packed = gzip(idx(8, {4'000'000'000}, "a"));
  CHECK(has(message_for(packed), "expected 4000000008 bytes for uint8 [4000000000], got at most " +
                                     std::to_string(1032 * packed.size())));
  CHECK(norma::live_storage_bytes() == live);
  CHECK(norma::system_allocations() == asked);
}

TEST_CASE("mnist finds its files under each of their names") {
  const std::string image_names[] = {"-images-idx3-ubyte", "-images.idx3-ubyte",
                                     "-images-idx3-ubyte.gz", "-images.idx3-ubyte.gz"};
  const std::string label_names[] = {"-labels-idx1-ubyte", "-labels.idx1-ubyte",
                                     "-labels-idx1-ubyte.gz", "-labels.idx1-ubyte.gz"};
  for (const std::string& image_name : image_names) {
    for (const std::string& label_name : label_names) {
      const TempFolder scratch;
      const auto packed = [](const std::string& name, const std::string& bytes) {
        return name.ends_with(".gz") ? gzip(bytes) : bytes;
      };
      scratch.write("train" + image_name, packed(image_name, images(3)));
      scratch.write("train" + label_name, packed(label_name, labels({9, 0, 5})));
      scratch.write("t10k" + image_name, packed(image_name, images(1)));
      scratch.write("t10k" + label_name, packed(label_name, labels({7})));
      const data::Dataset train = data::mnist(scratch.path());
      CHECK(train.inputs.sizes() == Shape({3, 1, 2, 3}));
      CHECK(train.inputs.dtype() == norma::kUInt8);
      CHECK(norma::equal(train.inputs.flatten().to(norma::kInt64), norma::arange(200, 218)));
      CHECK(norma::equal(train.targets, norma::tensor({9, 0, 5})));
      CHECK(train.targets.dtype() == norma::kInt64);
      CHECK(norma::equal(data::mnist(scratch.path(), false).targets, norma::tensor({7})));
    }
  }
}

TEST_CASE("mnist refuses files that do not fit together, and names them") {
  const TempFolder scratch;
  const auto message = [&] { return error_of([&] { data::mnist(scratch.path()); }); };
  const std::string image_path = scratch / "train-images-idx3-ubyte";
  const std::string label_path = scratch / "train-labels-idx1-ubyte";
  CHECK(message() ==
        "[mnist] expected the file train-images-idx3-ubyte (or train-images.idx3-ubyte, plain or "
        ".gz), got none of them in \"" +
            scratch.path() + "\"; download MNIST there, or use synthetic_digits()");
  scratch.write("train-images-idx3-ubyte", images(3));
  CHECK(has(message(), "expected the file train-labels-idx1-ubyte"));

  scratch.write("train-labels-idx1-ubyte", labels({1, 2}));
  CHECK(message() == "[mnist] expected one label per image, got 3 images in \"" + image_path +
                         "\" and 2 labels in \"" + label_path + "\"");
  scratch.write("train-labels-idx1-ubyte", labels({1, 2, 10}));
  CHECK(message() == "[mnist] expected labels from 0 to 9, got 10 for image 2 in \"" + label_path +
                         "\"; read other label sets with read_idx");
  scratch.write("train-labels-idx1-ubyte", images(3));
  CHECK(message() ==
        "[mnist] expected labels, uint8 [N], got uint8 [3, 2, 3] in \"" + label_path + "\"");
  scratch.write("train-labels-idx1-ubyte", labels({1, 2, 3}).substr(0, 10));
  CHECK(has(message(), "[mnist] expected 11 bytes for uint8 [3], got 10 in \"" + label_path));
  scratch.write("train-labels-idx1-ubyte", labels({1, 2, 3}));
  scratch.write("train-images-idx3-ubyte", idx(9, {3, 1, 1}, "abc"));
  CHECK(message() == "[mnist] expected images, uint8 [N, rows, cols], got int64 [3, 1, 1] in \"" +
                         image_path + "\"");
}

TEST_CASE("emnist reads every split, and sets the images upright") {
  struct Row {
    const char* split;
    std::string labels;
    std::size_t classes;
    int least, most;
  };
  const Row rows[] = {{"byclass", std::string("\x00\x3d", 2), 62, 0, 61},
                      {"bymerge", std::string("\x00\x2e", 2), 47, 0, 46},
                      {"balanced", std::string("\x00\x2e", 2), 47, 0, 46},
                      {"letters", "\x01\x1a", 27, 1, 26},
                      {"digits", std::string("\x00\x09", 2), 10, 0, 9},
                      {"mnist", std::string("\x00\x09", 2), 10, 0, 9}};
  for (const Row& row : rows) {
    INFO(row.split);
    const TempFolder scratch;
    const std::string stem = std::string("emnist-") + row.split;
    scratch.write(stem + "-train-images-idx3-ubyte.gz", gzip(images(2)));
    scratch.write(stem + "-train-labels-idx1-ubyte.gz", gzip(labels(row.labels)));
    scratch.write(stem + "-test-images-idx3-ubyte", images(1));
    scratch.write(stem + "-test-labels-idx1-ubyte", labels("\x05"));
    const data::Dataset train = data::emnist(scratch.path(), row.split);
    CHECK(train.inputs.sizes() == Shape({2, 1, 3, 2}));
    // 200 201 202 / 203 204 205 in the file
    CHECK(norma::equal(train.inputs[0][0].to(norma::kInt64),
                       norma::tensor({{200, 203}, {201, 204}, {202, 205}})));
    CHECK(norma::equal(train.targets, norma::tensor({row.least, row.most})));
    CHECK(norma::equal(data::emnist(scratch.path(), row.split, false).targets, norma::tensor({5})));
    const std::vector<std::string> names = data::emnist_classes(row.split);
    CHECK(names.size() == row.classes);
    CHECK(names.size() == static_cast<std::size_t>(row.most) + 1);
    scratch.write(stem + "-train-labels-idx1-ubyte.gz",
                  gzip(labels({static_cast<char>(row.least), static_cast<char>(row.most + 1)})));
    CHECK(has(error_of([&] { data::emnist(scratch.path(), row.split); }),
              "[emnist] expected labels from " + std::to_string(row.least) + " to " +
                  std::to_string(row.most) + ", got " + std::to_string(row.most + 1) +
                  " for image 1 in \""));
  }
  CHECK(data::emnist_classes("letters")[1] == "a");
  CHECK(data::emnist_classes("byclass")[61] == "z");
  CHECK(data::emnist_classes("balanced")[46] == "t");
  CHECK(error_of([] { data::emnist(".", "letter"); }) ==
        "[emnist] expected the split byclass, bymerge, balanced, letters, digits or mnist, got "
        "\"letter\"");
}

TEST_CASE("folders of another kind, and files, are named with the way out") {
  const auto mnist_in = [](const std::string& name, const std::string& bytes = "x") {
    const TempFolder scratch;
    scratch.write(name, bytes);
    return error_of([&] { data::mnist(scratch.path()); });
  };
  CHECK(has(mnist_in("emnist-letters-train-images-idx3-ubyte.gz"), "files of EMNIST: emnist("));
  CHECK(has(mnist_in("mnist.npz"), "holds NumPy arrays"));
  CHECK(has(mnist_in("mnist_train.csv"), "read_csv() reads"));
  CHECK(has(mnist_in("train-labels-idx1-ubyte"), "expected the file train-images-idx3-ubyte"));
  const std::string name = "train-images-idx3-ubyte";
  const auto mnist_of = [&](const std::string& bytes) {
    const TempFolder scratch;
    scratch.write("train-labels-idx1-ubyte", bytes);
    scratch.write(name, bytes);
    return error_of([&] { data::mnist(scratch.path()); });
  };
  CHECK(has(mnist_of("version https://git-lfs.github.com/spec/v1\noid"),
            "[mnist] expected an IDX file, got a Git LFS pointer in \""));
  CHECK(has(mnist_of("<!DOCTYPE html><html>"), "got an HTML page in \""));
  CHECK(has(mnist_of("<?xml version=\"1.0\"?><Error>"), "got an XML document in \""));
  CHECK(has(mnist_of("\x93NUMPY\x01"), "got a NumPy array (.npy) in \""));
  CHECK(has(mnist_of("PK\x03\x04"), "got a ZIP archive in \""));
  CHECK(has(mnist_of(gzip("PK\x03\x04")), "got a ZIP archive in \""));
  CHECK(has(mnist_of(gzip(gzip("x"))), "got gzip data in \""));
  const TempFolder scratch;
  CHECK(has(error_of([&] { data::emnist(scratch.path(), "mnist"); }), "; download EMNIST there"));
  scratch.write("emnist-digits-train-images-idx3-ubyte", "x");
  CHECK(has(error_of([&] { data::emnist(scratch.path(), "mnist"); }), "other splits of EMNIST"));
}

TEST_CASE("the MNIST files") {
  const std::string dir = real_data("mnist");
  if (dir.empty()) return;
  const data::Dataset train = data::mnist(dir), test = data::mnist(dir, false);
  CHECK(train.inputs.sizes() == Shape({60000, 1, 28, 28}));
  CHECK(test.inputs.sizes() == Shape({10000, 1, 28, 28}));
  // Sums and labels as read with Python's gzip and numpy.
  CHECK(test.inputs.to(norma::kInt64).sum().item<int64_t>() == 264'923'200);
  CHECK(
      norma::equal(train.targets.narrow(0, 0, 10), norma::tensor({5, 0, 4, 1, 9, 2, 1, 3, 1, 4})));
  CHECK(norma::equal(test.targets.narrow(0, 0, 10), norma::tensor({7, 2, 1, 0, 4, 1, 4, 9, 5, 9})));
  const int64_t counts[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  for (int64_t digit = 0; digit < 10; ++digit) {
    CHECK(train.targets.eq(digit).sum().item<int64_t>() == counts[digit]);
  }
  const Tensor pixels = data::convert_image_dtype(train.inputs);
  CHECK(pixels.mean().item<double>() == Approx(0.1307).margin(1e-4));
  CHECK(pixels.std().item<double>() == Approx(0.3081).margin(1e-4));
}
