#include "norma/tests/data/gzip.h"
#include "norma/tests/data/helpers.h"

using norma::Shape;
using norma::Tensor;
namespace data = norma::data;

namespace {

// Records whose pixels tell the record, the channel and the place.
std::string records(int count, int first_label = 0) {
  std::string bytes;
  for (int n = 0; n < count; ++n) {
    bytes.push_back(static_cast<char>((first_label + n) % 10));
    for (int i = 0; i < 3072; ++i)
      bytes.push_back(static_cast<char>((7 * n + 31 * (i / 1024) + i) % 251));
  }
  return bytes;
}

}  // namespace

TEST_CASE("cifar10 joins the training files that exist, plain or compressed") {
  const TempFolder scratch;
  scratch.write("data_batch_4.bin", records(2, 6));
  CHECK(data::cifar10(scratch.path()).size() == 2);
  scratch.write("data_batch_1.bin.gz", gzip(records(3, 1)));
  const data::Dataset train = data::cifar10(scratch.path());
  CHECK(train.inputs.sizes() == Shape({5, 3, 32, 32}));
  CHECK(train.inputs.dtype() == norma::kUInt8);
  CHECK(norma::equal(train.targets, norma::tensor({1, 2, 3, 6, 7})));
  const auto* pixels = train.inputs.data_ptr<uint8_t>();
  bool same = true;
  for (int n = 0; n < 5; ++n) {
    for (int i = 0; i < 3072; ++i) {
      same = same && pixels[n * 3072 + i] == (7 * (n < 3 ? n : n - 3) + 31 * (i / 1024) + i) % 251;
    }
  }
  CHECK(same);
}

TEST_CASE("cifar10 takes a reduced test set where the whole one is absent") {
  const TempFolder scratch;
  scratch.write("test_batch_notes.bin", "no data");
  scratch.write("test_batch_.bin", "no data");
  scratch.write("test_batch_5.txt", "no data");
  scratch.write("test_batch_3.bin.gz", gzip(records(3, 4)));
  CHECK(norma::equal(data::cifar10(scratch.path(), false).targets, norma::tensor({4, 5, 6})));
  scratch.write("test_batch_10.bin", records(10, 5));
  CHECK(data::cifar10(scratch.path(), false).size() == 10);
  scratch.write("test_batch.bin", records(1, 9));
  CHECK(norma::equal(data::cifar10(scratch.path(), false).targets, norma::tensor({9})));
}

TEST_CASE("cifar10 refuses what is no whole number of records, and names the file") {
  const TempFolder scratch;
  const std::string path = scratch / "data_batch_2.bin";
  const auto message_for = [&](const std::string& bytes) {
    scratch.write("data_batch_2.bin", bytes);
    return error_of([&] { data::cifar10(scratch.path()); });
  };
  for (const std::size_t length : {0u, 1u, 3072u, 3074u, 6145u}) {
    const std::string expected =
        "[cifar10] expected whole records of 3073 bytes (30730000 bytes for the original file), "
        "got " +
        std::to_string(length) + " bytes in \"" + path +
        "\"; the file is cut short, or is no CIFAR-10 binary file";
    CHECK(message_for(records(3).substr(0, length)) == expected);
    CHECK(message_for(gzip(records(3).substr(0, length))) == expected);
  }
  std::string wrong = records(3);
  wrong[2 * 3073] = 10;
  CHECK(message_for(wrong) == "[cifar10] expected labels from 0 to 9, got 10 in record 2 in \"" +
                                  path + "\"; it is no CIFAR-10 binary file, or damaged");
  CHECK(has(message_for(gzip(records(3)).substr(0, 100)), "ends too early in \"" + path + "\""));
  CHECK(has(message_for(std::string(30'730'001, '\0')),
            "expected at most 30730000 bytes, got 30730001 in \"" + path + "\""));
  CHECK(has(message_for(gzip(std::string(31'000'000, '\0'), 1)),
            "expected at most 30730000 bytes, got more in \"" + path + "\""));
  CHECK(message_for(std::string(30'730'000, '\0')) == "no error");

  scratch.write("test_batch_4.bin", records(3));
  CHECK(error_of([&] { data::cifar10(scratch.path(), false); }) ==
        "[cifar10] expected 12292 bytes for 4 records as in the name, got 9219 bytes in \"" +
            scratch / "test_batch_4.bin" + "\"");
}

TEST_CASE("cifar10 without files says which it looked for, and where") {
  const TempFolder scratch;
  CHECK(error_of([&] { data::cifar10(scratch.path()); }) ==
        "[cifar10] expected data_batch_1.bin, …, data_batch_5.bin (at least one, plain or .gz), "
        "got none of them in \"" +
            scratch.path() + "\"; unpack the binary version of CIFAR-10 there");
  CHECK(has(error_of([&] { data::cifar10(scratch / "absent", false); }),
            "expected test_batch.bin (or test_batch_1000.bin and the like, plain or .gz), got none "
            "of them in \"" +
                scratch / "absent" + "\""));
}

TEST_CASE("the CIFAR-10 files") {
  const std::string dir = real_data("cifar10");
  if (dir.empty()) return;
  // Labels and sums as read with Python's gzip and numpy from data_batch_1 and the first 1,000
  // records of test_batch.
  const Tensor first = norma::tensor({6, 9, 9, 4, 1, 1, 2, 7, 8, 3});
  const data::Dataset train = data::cifar10(dir), test = data::cifar10(dir, false);
  CHECK(train.size() >= 10'000);
  CHECK(norma::equal(train.targets.narrow(0, 0, 10), first));
  const auto sums = [](const Tensor& images) { return images.to(norma::kInt64).sum({0, 2, 3}); };
  CHECK(norma::equal(sums(train.inputs.narrow(0, 0, 10'000)),
                     norma::tensor({1'288'517'123, 1'262'189'222, 1'167'674'233})));
  CHECK(test.size() >= 1'000);
  CHECK(norma::equal(test.targets.narrow(0, 0, 10), norma::tensor({3, 8, 8, 0, 6, 6, 1, 6, 3, 1})));
  CHECK(norma::equal(sums(test.inputs.narrow(0, 0, 1'000)),
                     norma::tensor({129'709'978, 127'077'761, 117'772'592})));
}

namespace {

// Records of CIFAR-100: coarse and fine label, and pixels as above.
std::string records100(int count) {
  std::string bytes;
  for (int n = 0; n < count; ++n) {
    bytes.push_back(static_cast<char>(n % 20));
    bytes.push_back(static_cast<char>(99 - n % 100));
    bytes += records(n + 1).substr(static_cast<std::size_t>(n) * 3073 + 1);
  }
  return bytes;
}

}  // namespace

TEST_CASE("cifar100 gives the fine labels or the coarse ones") {
  const TempFolder scratch;
  scratch.write("train.bin", records100(25));
  scratch.write("test.bin.gz", gzip(records100(3)));
  const data::Dataset train = data::cifar100(scratch.path());
  CHECK(train.inputs.sizes() == Shape({25, 3, 32, 32}));
  CHECK(train.inputs.dtype() == norma::kUInt8);
  CHECK(norma::equal(train.targets, norma::arange(99, 74, -1)));
  const auto* pixels = train.inputs.data_ptr<uint8_t>();
  bool same = true;
  for (int n = 0; n < 25; ++n) {
    for (int i = 0; i < 3072; ++i) {
      same = same && pixels[n * 3072 + i] == (7 * n + 31 * (i / 1024) + i) % 251;
    }
  }
  CHECK(same);
  const data::Dataset coarse =
      data::cifar100(scratch.path(), /*train=*/true, data::Cifar100Labels::Coarse);
  CHECK(norma::equal(coarse.targets.narrow(0, 0, 20), norma::arange(20)));
  CHECK(norma::equal(coarse.inputs, train.inputs));
  CHECK(norma::equal(data::cifar100(scratch.path(), false).targets, norma::tensor({99, 98, 97})));
}

TEST_CASE("cifar100 refuses what is no whole number of records, and wrong labels") {
  const TempFolder scratch;
  const auto message_for = [&](const std::string& bytes) {
    scratch.write("train.bin", bytes);
    std::string message = error_of([&] { data::cifar100(scratch.path()); });
    CHECK(has(message, " in \"" + scratch / "train.bin" + "\""));
    return message;
  };
  for (const std::size_t length : {0u, 1u, 3073u, 3075u, 6147u}) {
    CHECK(has(message_for(records100(3).substr(0, length)),
              "[cifar100] expected whole records of 3074 bytes (153700000 bytes for the original "
              "file), got " +
                  std::to_string(length) + " bytes"));
  }
  std::string wrong = records100(3);
  wrong[3074] = 20;
  CHECK(has(message_for(wrong), "expected coarse labels from 0 to 19, got 20 in record 1"));
  wrong = records100(3);
  wrong[2 * 3074 + 1] = 100;
  CHECK(has(message_for(wrong), "expected fine labels from 0 to 99, got 100 in record 2"));
  scratch.write("test.bin", std::string(30'740'001, '\0'));
  CHECK(has(error_of([&] { data::cifar100(scratch.path(), false); }),
            "expected at most 30740000 bytes, got 30740001"));
}

TEST_CASE("folders of another kind, and files, are named with the way out") {
  const auto cifar10_in = [](const std::string& name) {
    const TempFolder scratch;
    scratch.write(name, "x");
    return error_of([&] { data::cifar10(scratch.path()); });
  };
  CHECK(has(cifar10_in("data_batch_1"), "the Python version of CIFAR-10: download the binary"));
  CHECK(has(cifar10_in("cifar-10-binary.tar.gz"), "; unpack cifar-10-binary.tar.gz"));
  CHECK(has(cifar10_in("cifar-10-batches-bin"), "; give the folder cifar-10-batches-bin in it"));
  CHECK(has(cifar10_in("train.bin"), "; cifar100() reads CIFAR-100"));
  CHECK(has(cifar10_in("notes"), "; unpack the binary version of CIFAR-10 there"));
  const auto cifar100_in = [](const std::string& name) {
    const TempFolder scratch;
    scratch.write(name, "x");
    return error_of([&] { data::cifar100(scratch.path()); });
  };
  CHECK(has(cifar100_in("train"), "the Python version of CIFAR-100"));
  CHECK(has(cifar100_in("data_batch_1.bin"), "; cifar10() reads CIFAR-10"));
  CHECK(has(error_of([] { data::cifar100("no/such"); }),
            "got none in \"no/such\"; there is no such"));
  const TempFolder scratch;
  const std::string file = scratch.write("f", "x");
  CHECK(has(error_of([&] { data::cifar10(file); }), "that is a file: give the folder it is in"));
  scratch.write("data_batch_1.bin", "version https://git-lfs.github.com/spec/v1\n");
  CHECK(has(error_of([&] { data::cifar10(scratch.path()); }),
            "expected a CIFAR-10 binary file, got a Git LFS pointer in \""));
  scratch.write("data_batch_1.bin", "\x80\x03}q");
  CHECK(has(error_of([&] { data::cifar10(scratch.path()); }), "got a Python pickle in \""));
}
