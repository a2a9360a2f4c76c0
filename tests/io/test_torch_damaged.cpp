// Files of torch.save with a byte that is wrong, anywhere: an error or the right tensors.
#include <norma/norma.h>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"

using namespace norma;

namespace {

const std::string kFolder = NORMA_IO_TESTS "torch_files/";

// A new file each time: writing over one may wait for the disk.
void write_new(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);
  write_bytes(path, bytes);
}

}  // namespace

TEST_CASE("Every prefix and every changed byte of a good file is refused or read, never worse") {
  const TempFolder scratch;
  const std::string path = scratch / "file.pt";
  for (const char* name : {"newer.pt", "zip64.pt", "tied.pt"}) {
    CAPTURE(name);
    const std::string good = read_bytes(kFolder + name);
    const NamedTensors want = load_torch(kFolder + name).tensors;
    for (std::size_t size = 0; size < good.size(); ++size) {
      write_new(path, good.substr(0, size));
      CHECK(has(error_of([&] { load_torch(path); }), path));
    }
    int refused = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const int flip : {1, 0x80, 0xff}) {
        std::string bytes = good;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        write_new(path, bytes);
        NamedTensors got;
        if (error_of([&] { got = load_torch(path).tensors; }) != "no error")
          ++refused;
        else
          CHECK(same(got, want));
      }
    }
    CHECK(refused > 1000);
  }
}

TEST_CASE("Every changed byte of a pickle, rightly packed, is refused or read, never worse") {
  const TempFolder scratch;
  const std::string path = scratch / "file.pt";
  const std::string hooks = p_global("collections", "OrderedDict") + ")R";
  const std::string good = "\x80\x02" + hooks + "q" + le(7, 1) + "(" + p_string("w") +
                           p_tensor(p_storage(), 1, "K\x02K\x02\x86", "K\x02K\x01\x86") + "r" +
                           le(9, 4) + p_string("again") + "j" + le(9, 4) + p_string("n") + "M" +
                           le(300, 2) + p_string("l") + "](J" + le(5, 4) + "N\x88" + "eu}" +
                           p_string("_metadata") + "h" + le(7, 1) + "sb.";
  write_bytes(path, torch_file_of(good));
  CHECK(load_torch(path).tensors.size() == 2);
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (std::size_t value = i % 5; value < 256; value += 5) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(value);
      write_new(path, torch_file_of(bytes));
      const std::string message = error_of([&] {
        for (const auto& [name, tensor] : load_torch(path).tensors)
          if (tensor.numel() < 1000) tensor.sum();
      });
      if (message != "no error") ++refused;
    }
  }
  CHECK(refused > 5000);
}
