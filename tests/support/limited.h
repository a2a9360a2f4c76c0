// Work in a child process with little memory.
#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <typeinfo>

/// How much address space this process uses now.
inline rlim_t address_space() {
  unsigned long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// Allows this process so many bytes more than it has. Without effect under sanitizers, whose
/// shadow memory is address space.
inline void limit_memory(rlim_t more) {
#ifdef NORMA_SANITIZE
  static_cast<void>(more);
#else
  const rlim_t most = address_space() + more;
  const rlimit limit{most, most};
  setrlimit(RLIMIT_AS, &limit);
#endif
}

/// What `body` returns in a child process that may take `more` bytes and 60 seconds; how the child
/// ended where it ended otherwise.
template <class Body>
std::string child_says(rlim_t more, Body body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    for (const int fatal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(fatal, SIG_DFL);
    alarm(60);
    limit_memory(more);
    std::string said;
    try {
      said = body();
    } catch (const std::exception& error) {
      said = std::string(typeid(error).name()) + ": " + error.what();
    }
    const ssize_t written = write(ends[1], said.data(), said.size());
    _exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  char buffer[512];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) said += " (signal " + std::to_string(WTERMSIG(status)) + ")";
  return said;
}
