// A save that fails leaves the old file as it was, and no other behind.
#include "norma/io/atomic_file.h"

#include <fcntl.h>
#include <grp.h>
#include <norma/norma.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "norma/tests/io/support.h"

using namespace norma;

namespace {

/// Runs `action` in a process of its own; it ends there. Returns its number.
pid_t start(const std::function<void()>& action) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      action();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  return child;
}

/// What `waitpid` says once it has ended.
int end_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

struct stat info_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info;
}

void replace(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

/// Called before a file is locked; whether the lock is to be had.
std::function<bool(int file)> before_lock;

/// What saving at `path` complains about, as a user that is not root.
std::string refused_to_nobody(const std::string& path) {
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;  // who may write anywhere
  if (root) REQUIRE(::seteuid(kNobody) == 0);
  const std::string message = error_of([&] { replace(path, "new"); });
  if (root) REQUIRE(::seteuid(0) == 0);
  return message;
}

}  // namespace

extern "C" int flock(int file, int operation) noexcept {
  if (before_lock && !before_lock(file)) return errno = EBADF, -1;
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

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

TEST_CASE("What a killed save left is removed by the next one in its folder") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  replace(path, "old");
  for (const char* name : {"net.safetensors", "other"}) {
    const pid_t child = start([&] {
      AtomicFile file(scratch / name);
      file.write("half of a new fi", 16);
      ::kill(::getpid(), SIGKILL);
    });
    CHECK(WIFSIGNALED(end_of(child)));
    CHECK(read_bytes(path) == "old");
  }
  CHECK(scratch.list() != "net.safetensors");
  replace(path, "new");
  CHECK(read_bytes(path) == "new");
  CHECK(scratch.list() == "net.safetensors");
}

TEST_CASE("A file of another save with the same name is never taken for its own") {
  const TempFolder scratch;
  std::string taken;
  // Another machine takes the new file for a leftover, and makes its own of that name.
  before_lock = [&](int file) {
    const std::string name = std::filesystem::read_symlink(text("/proc/self/fd/", file));
    if (taken.empty() && has(name, ".norma-save-")) {
      taken = name;
      std::filesystem::remove(name);
      write_bytes(name, "half of another");
    }
    return true;
  };
  replace(scratch / "file", "whole");
  before_lock = nullptr;
  REQUIRE(!taken.empty());
  CHECK(read_bytes(scratch / "file") == "whole");
  CHECK(read_bytes(taken) == "half of another");
}

TEST_CASE("Leftovers go where only what is open for writing can be locked, as on NFS") {
  const TempFolder scratch;
  write_bytes(scratch / ".norma-save-1-1.tmp", "half");
  before_lock = [](int file) { return (::fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY; };
  replace(scratch / "file", "whole");
  before_lock = nullptr;
  CHECK(scratch.list() == "file");
}

TEST_CASE("Saves killed at any moment leave the old file or the new one") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  const NamedTensors old_state{{"x", ones({100000})}}, new_state{{"x", zeros({100000})}};
  save_safetensors(old_state, path);
  const std::string old_bytes = read_bytes(path);
  save_safetensors(new_state, path);
  const std::string new_bytes = read_bytes(path);
  int left = 0;
  for (int i = 0; i < 60; ++i) {
    const pid_t child = start([&] {
      for (;;) {
        save_safetensors(old_state, path);
        save_safetensors(new_state, path);
      }
    });
    std::this_thread::sleep_for(std::chrono::microseconds(2000 + 237 * i));
    ::kill(child, SIGKILL);
    REQUIRE(WIFSIGNALED(end_of(child)));
    const std::string found = read_bytes(path);
    CHECK((found == old_bytes || found == new_bytes));
    left += scratch.list() != "net.safetensors";
  }
  CHECK(left > 0);
  save_safetensors(new_state, path);
  CHECK(scratch.list() == "net.safetensors");
}

TEST_CASE("The files of saves that still run are left alone") {
  const TempFolder scratch;
  const std::string path = scratch / "file";
  AtomicFile here(path);  // of this process
  here.write("here", 4);
  int begun[2], go_on[2];
  REQUIRE(::pipe(begun) == 0);
  REQUIRE(::pipe(go_on) == 0);
  char byte = 0;
  const pid_t child = start([&] {  // and of another
    AtomicFile there(path);
    there.write("there", 5);
    if (::write(begun[1], "x", 1) != 1 || ::read(go_on[0], &byte, 1) != 1) ::_exit(2);
    there.commit();
  });
  REQUIRE(::read(begun[0], &byte, 1) == 1);
  std::thread([&] { replace(path, "thread"); }).join();
  replace(scratch / "other", "x");
  CHECK(read_bytes(path) == "thread");
  here.commit();
  CHECK(read_bytes(path) == "here");
  REQUIRE(::write(go_on[1], "x", 1) == 1);
  CHECK(end_of(child) == 0);
  CHECK(read_bytes(path) == "there");
  CHECK(scratch.list() == "file other");
  for (int end : {begun[0], begun[1], go_on[0], go_on[1]}) ::close(end);
}

TEST_CASE("Only what a save can have left is removed") {
  const TempFolder scratch;
  write_bytes(scratch / "precious", "x");
  std::filesystem::create_directory(scratch / ".norma-save-folder.tmp");
  std::filesystem::create_symlink("precious", scratch / ".norma-save-link.tmp");
  REQUIRE(::mkfifo((scratch / ".norma-save-pipe.tmp").c_str(), 0600) == 0);
  for (const char* name : {".norma-save-notes", "net.tmp", "norma-save-1-1.tmp"})
    write_bytes(scratch / name, "x");
  const std::string before = scratch.list();
  write_bytes(scratch / ".norma-save-1-1.tmp", "half");
  replace(scratch / "precious", "y");
  CHECK(scratch.list() == before);
  CHECK(read_bytes(scratch / "precious") == "y");
}

TEST_CASE("Threads and processes save at one path at once") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  const auto save_often = [&](double value) {
    for (int i = 0; i < 20; ++i) save_safetensors({{"x", full({5000}, value)}}, path);
  };
  save_often(1);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) children.push_back(start([&] { save_often(i); }));
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, i] { failed += error_of([&] { save_often(i); }) != "no error"; });
  for (int i = 0; i < 50; ++i) {
    const Tensor x = load_safetensors(path).tensors.at(0).second;
    CHECK(equal(x, full({5000}, x[0].item<double>())));
  }
  for (std::thread& thread : threads) thread.join();
  for (const pid_t child : children) CHECK(end_of(child) == 0);
  CHECK(failed == 0);
  CHECK(scratch.list() == "net.safetensors");
}

TEST_CASE("AtomicFile keeps mode, owner and group") {
  const TempFolder scratch;
  const std::string path = scratch / "file";
  write_bytes(path, "old");
  for (const mode_t mode : {0640u, 0600u, 0666u, 0755u, 0200u, 04711u}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    replace(path, "new");
    CHECK((info_of(path).st_mode & 07777) == mode);
  }
  if (::geteuid() != 0) return;
  REQUIRE(::chown(path.c_str(), 1234, 5678) == 0);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  replace(path, "newer");
  CHECK(read_bytes(path) == "newer");
  CHECK(info_of(path).st_uid == 1234);
  CHECK(info_of(path).st_gid == 5678);
  CHECK((info_of(path).st_mode & 07777) == 0640);
  // One who may not give files away: the new file is his, and no group has more rights than before.
  REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
  REQUIRE(::chmod(path.c_str(), 06664) == 0);
  const pid_t child = start([&] {
    if (::setgid(4321) != 0 || ::setuid(4321) != 0) ::_exit(2);
    REQUIRE(::access(path.c_str(), W_OK) != 0);
    ::_exit(error_of([&] { replace(path, "x"); }).find("read-only") != std::string::npos ? 0 : 3);
  });
  CHECK(end_of(child) == 0);
  REQUIRE(::chmod(path.c_str(), 06666) == 0);
  const pid_t other = start([&] {
    if (::setgid(4321) != 0 || ::setuid(4321) != 0) ::_exit(2);
    replace(path, "theirs");
  });
  CHECK(end_of(other) == 0);
  CHECK(read_bytes(path) == "theirs");
  CHECK(info_of(path).st_uid == 4321);
  CHECK((info_of(path).st_mode & 07777) == 0666);
}

TEST_CASE("Another group does not inherit the rights of the old one") {
  if (::geteuid() != 0) return;
  const TempFolder scratch;
  const std::string path = scratch / "file";
  write_bytes(path, "old");
  REQUIRE(::chown(path.c_str(), 4321, 5678) == 0);
  REQUIRE(::chmod(path.c_str(), 0664) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
  const pid_t child = start([&] {
    if (::setgroups(0, nullptr) != 0 || ::setgid(4321) != 0 || ::setuid(4321) != 0) ::_exit(2);
    replace(path, "new");
  });
  CHECK(end_of(child) == 0);
  CHECK(read_bytes(path) == "new");
  CHECK(info_of(path).st_gid == 4321);
  CHECK((info_of(path).st_mode & 07777) == 0644);
}

TEST_CASE("A new file has the mode that the umask leaves") {
  const TempFolder scratch;
  const mode_t before = ::umask(027);
  replace(scratch / "file", "x");
  ::umask(before);
  CHECK((info_of(scratch / "file").st_mode & 07777) == 0640);
}

TEST_CASE("AtomicFile follows links") {
  const TempFolder scratch;
  const auto link = [&](const std::string& content, const std::string& name) {
    std::filesystem::create_symlink(content, scratch / name);
  };
  std::filesystem::create_directories(scratch / "deep/er");
  write_bytes(scratch / "real", "old");
  link("real", "link");
  link("../link", "deep/chain");          // beside the link, not beside the process
  link(scratch / "deep/chain", "whole");  // an absolute one
  replace(scratch / "whole", "new");
  CHECK(read_bytes(scratch / "real") == "new");
  link("deep/er/not yet", "dangling");
  link("dangling", "twice");
  replace(scratch / "twice", "made");
  CHECK(read_bytes(scratch / "deep/er/not yet") == "made");
  for (const char* name : {"link", "deep/chain", "whole", "dangling", "twice"})
    CHECK(std::filesystem::is_symlink(scratch / name));

  link("nowhere/file", "lost");
  CHECK(error_of([&] { replace(scratch / "lost", "x"); }) ==
        "[save] " + scratch / "lost" +
            ": cannot open the folder \"nowhere\": No such file or directory; make it first");
  link("round", "about");
  link("about", "round");
  CHECK(
      has(error_of([&] { replace(scratch / "round", "x"); }), "Too many levels of symbolic links"));
  link("/dev/null", "device");
  CHECK(has(error_of([&] { replace(scratch / "device", "x"); }), "got a device"));
  link("deep/", "folder");
  CHECK(has(error_of([&] { replace(scratch / "folder", "x"); }), "got a folder"));
  CHECK(scratch.list() == "about dangling deep device folder link lost real round twice whole");
}

TEST_CASE("Names as long as the system allows") {
  const TempFolder scratch;
  const std::string name(255, 'n');
  for (const char* bytes : {"old", "new"}) {
    replace(scratch / name, bytes);
    CHECK(read_bytes(scratch / name) == bytes);
  }
  CHECK(scratch.list() == name);
  CHECK(has(error_of([&] { replace(scratch / (name + "n"), "x"); }), ": File name too long"));
  // A path that the name of a temporary file would make too long.
  std::string folder = scratch.path();
  while (folder.size() + 201 < 4085) folder += "/" + std::string(200, 'd');
  folder += "/" + std::string(4093 - folder.size() - 1, 'e');
  std::filesystem::create_directories(folder);
  replace(folder + "/f", "deep");
  CHECK(read_bytes(folder + "/f") == "deep");
}

TEST_CASE("A path without a folder lies where the process was when the save began") {
  const TempFolder scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  AtomicFile file("here");
  std::filesystem::current_path(before);
  file.write("x", 1);
  file.commit();
  CHECK(read_bytes(scratch / "here") == "x");
}

TEST_CASE("A read-only file is not replaced") {
  const TempFolder scratch;
  const std::string path = scratch / "net.safetensors";
  save_safetensors({{"x", ones({4})}}, path);
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  std::filesystem::create_symlink("net.safetensors", scratch / "link");
  for (const std::string& name : {path, scratch / "link"})
    CHECK(error_of([&] { save_safetensors({}, name); }) ==
          "[save] " + name +
              ": cannot replace a file that is read-only: Permission denied; allow it with chmod "
              "u+w, or save under another name");
  if (::geteuid() == 0) {  // somebody else's
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
    CHECK(has(refused_to_nobody(path), "read-only: Permission denied"));
  }
  CHECK(load_safetensors(path).tensors.size() == 1);
  CHECK(scratch.list() == "link net.safetensors");
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
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = error_of([&] {
    save_safetensors({{"x", ones({1000, 1000})}}, path);
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(message == "[save] " + path + ": cannot write: File too large");
  CHECK(read_bytes(path) == old);
  CHECK(scratch.list() == "net.safetensors");
}

TEST_CASE("Places where no file can be") {
  const TempFolder scratch;
  const auto refused = [&](const std::string& path) {
    return error_of([&] { save_safetensors({}, path); });
  };
  CHECK(refused("") == "[save] expected the path of a file, got an empty one");
  using namespace std::string_literals;
  CHECK(refused(scratch / "a"s + "\0b"s) ==
        "[save] \"" + scratch / "a\\x00b" + "\": expected a path without zero bytes");
  const std::string lost = scratch / "no/net.safetensors";
  CHECK(refused(lost) == "[save] " + lost + ": cannot open the folder \"" + scratch / "no" +
                             "\": No such file or directory; make it first");
  CHECK(has(refused(scratch / "no/"), "cannot open the folder"));
  write_bytes(scratch / "file", "x");
  for (const char* name : {"file/net.safetensors", "file/"})
    CHECK(has(refused(scratch / name),
              "cannot open the folder \"" + scratch / "file" + "\": Not a directory"));
  for (const std::string& folder : {scratch.path(), scratch.path() + "/", scratch / ".", "/"s})
    CHECK(refused(folder) ==
          "[save] " + folder + ": expected a regular file or none, got a folder");
  for (const std::string device : {"/dev/null", "/dev/full"})
    CHECK(refused(device) ==
          "[save] " + device + ": expected a regular file or none, got a device, pipe or socket");
  CHECK(scratch.list() == "file");

  const std::string path = scratch.write("net.safetensors", "old");
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0555) == 0);
  CHECK(refused_to_nobody(path) ==
        "[save] " + path + ": cannot create a file in its folder: Permission denied");
  CHECK(read_bytes(path) == "old");
  CHECK(scratch.list() == "file net.safetensors");
}
