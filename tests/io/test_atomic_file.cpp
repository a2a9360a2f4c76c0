// A save that fails leaves the old file as it was, and no other behind.
#include "norma/io/atomic_file.h"

#include <norma/norma.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "norma/tests/io/support.h"

using namespace norma;

TEST_CASE("AtomicFile shows the new bytes only once they are complete") {
  const TempFolder scratch;
  const std::string path = scratch / "file";
  write_bytes(path, "old");
  {
    AtomicFile file(path);
    file.write("new ", 4);
    CHECK(read_bytes(path) == "old");
    file.write("bytes", 5);
    CHECK(scratch.list() != "file");  // the temporary file lies beside
    file.commit();
    CHECK(read_bytes(path) == "new bytes");
    CHECK(scratch.list() == "file");
  }
  CHECK(read_bytes(path) == "new bytes");
}

TEST_CASE("AtomicFile without commit leaves everything as it was") {
  const TempFolder scratch;
  write_bytes(scratch / "file", "old");
  { AtomicFile(scratch / "file").write("new", 3); }
  { AtomicFile(scratch / "other").write("new", 3); }
  CHECK(read_bytes(scratch / "file") == "old");
  CHECK(scratch.list() == "file");
}

TEST_CASE("A process that dies in the middle of a save leaves the old file") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  save_safetensors({{"x", ones({4})}}, path);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    AtomicFile file(path);
    file.write("half of a new fi", 16);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(equal(load_safetensors(path).tensors.at(0).second, ones({4})));
  save_safetensors({{"x", zeros({4})}}, path);  // what the dead one left does not matter
  CHECK(equal(load_safetensors(path).tensors.at(0).second, zeros({4})));
}

TEST_CASE("AtomicFile follows links and keeps permissions") {
  const TempFolder scratch;
  write_bytes(scratch / "real", "old");
  REQUIRE(::chmod((scratch / "real").c_str(), 0640) == 0);
  REQUIRE(::symlink("real", (scratch / "link").c_str()) == 0);
  AtomicFile file(scratch / "link");
  file.write("new", 3);
  file.commit();
  CHECK(std::filesystem::is_symlink(scratch / "link"));
  CHECK(read_bytes(scratch / "real") == "new");
  struct stat info {};
  REQUIRE(::stat((scratch / "real").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
}

TEST_CASE("AtomicFile takes a path without a folder") {
  const TempFolder scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  AtomicFile file("here");
  file.write("x", 1);
  file.commit();
  std::filesystem::current_path(before);
  CHECK(read_bytes(scratch / "here") == "x");
}

TEST_CASE("A full disk: the old file stays and the error says why") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  save_safetensors({{"x", ones({4})}}, path);
  const std::string old = read_bytes(path);
  // A limit on the size of files fails in the middle of writing, as a full disk does.
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  struct rlimit small = before;
  small.rlim_cur = 100000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = error_of([&] {
    save_safetensors({{"x", ones({1000, 1000})}}, path);
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(message == "[save] " + path + ": cannot write: File too large");
  CHECK(read_bytes(path) == old);
  CHECK(scratch.list() == "net.safetensors");
}

TEST_CASE("A folder that is not there or takes no files") {
  const TempFolder scratch;
  const std::string lost = scratch / "no/net.safetensors";
  CHECK(error_of([&] { save_safetensors({}, lost); }) ==
        "[save] " + lost + ": cannot create a file in its folder: No such file or directory");
  CHECK(error_of([&] { save_safetensors({}, scratch.path()); }) ==
        "[save] " + scratch.path() + ": expected a regular file or none, got a folder");
  CHECK(has(error_of([&] { save_safetensors({}, "/dev/null"); }),
            "[save] /dev/null: expected a regular file or none, got a device"));
  const std::string full = "/dev/full";
  if (std::filesystem::exists(full))
    CHECK(has(error_of([&] { save_safetensors({}, full); }), "got a device"));
  const std::string path = scratch / "net.safetensors";
  save_safetensors({{"x", ones({4})}}, path);
  REQUIRE(::chmod(scratch.path().c_str(), 0555) == 0);
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;  // who may write anywhere
  if (root) REQUIRE(::seteuid(kNobody) == 0);
  const std::string message = error_of([&] { save_safetensors({}, path); });
  if (root) REQUIRE(::seteuid(0) == 0);
  CHECK(message == "[save] " + path + ": cannot create a file in its folder: Permission denied");
  CHECK(load_safetensors(path).tensors.size() == 1);
  CHECK(scratch.list() == "net.safetensors");
}
