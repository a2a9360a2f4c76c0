// Beginning and end of the group, and errors of MPI.
#include "group.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "operation.h"

namespace norma::distributed {

namespace {

std::optional<Group>& current() {
  static std::optional<Group> group;
  return group;
}

bool has_ended() {
  int ended = 0;
  check(MPI_Finalized(&ended), "init_process_group", "MPI_Finalized");
  return ended != 0;
}

void begin_mpi(const char* op) {
  if (has_ended()) {
    fail(op, "expected MPI that may begin, got one that has ended in this process, for good");
  }
  int begun = 0, level = 0;
  check(MPI_Initialized(&begun), op, "MPI_Initialized");
  if (begun) {
    check(MPI_Query_thread(&level), op, "MPI_Query_thread");
  } else {
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level), op, "MPI_Init_thread");
    // Here and not at the end of the group: it cannot begin again.
    std::atexit([] {
      if (current()) leave(*current());
      current().reset();
      if (!has_ended()) MPI_Finalize();
    });
  }
  if (level < MPI_THREAD_FUNNELED) {
    fail(op, "expected an MPI that was begun with MPI_THREAD_FUNNELED or more, got ",
         "MPI_THREAD_SINGLE; Norma has threads: call MPI_Init_thread, or let "
         "init_process_group() begin it");
  }
}

}  // namespace

Group& group(const char* op) {
  if (!current()) {
    fail(op, "expected a process group, got none; call distributed::init_process_group() first");
  }
  return *current();
}

void check(int code, const char* op, const char* call) {
  if (code == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, words, &length);
  const std::optional<Group>& group = current();
  fail(op, "expected ", call, " to succeed, got ", std::string(words),
       group ? text(" (rank ", group->rank, " of ", group->size, ")") : "");
}

void init_process_group(const InitOptions& options) {
  const char* const op = "init_process_group";
  if (current()) {
    fail(op,
         "expected to be called once, got a process group that is there already; call "
         "destroy_process_group() first");
  }
  if (!(options.timeout > 0)) fail(op, "expected a timeout above 0 s, got ", options.timeout);
  begin_mpi(op);
  // Errors of waiting are not told to the communicator, but to this one.
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), op, "MPI_Comm_set_errhandler");
  Group group{.comm = MPI_COMM_NULL,
              .layers = MPI_COMM_NULL,
              .news = MPI_COMM_NULL,
              .rank = 0,
              .size = 0,
              .timeout = options.timeout,
              .ended = {}};
  for (MPI_Comm* comm : {&group.comm, &group.layers, &group.news}) {
    check(MPI_Comm_dup(MPI_COMM_WORLD, comm), op, "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN), op, "MPI_Comm_set_errhandler");
  }
  check(MPI_Comm_rank(group.comm, &group.rank), op, "MPI_Comm_rank");
  check(MPI_Comm_size(group.comm, &group.size), op, "MPI_Comm_size");
  group.ended.resize(static_cast<std::size_t>(group.size), INT64_MAX);
  current() = std::move(group);
  end_all_ranks_at_uncaught_errors();
}

bool is_initialized() { return current().has_value(); }

void destroy_process_group() {
  const char* const op = "destroy_process_group";
  Group& here = group(op);
  for (const auto& operation : here.running) operation->wait();
  here.running.clear();
  barrier();
  leave(here);
  MPI_Comm comms[] = {here.comm, here.layers, here.news};
  current().reset();
  for (MPI_Comm& comm : comms) check(MPI_Comm_free(&comm), op, "MPI_Comm_free");
}

int get_rank() { return group("get_rank").rank; }
int get_world_size() { return group("get_world_size").size; }

}  // namespace norma::distributed
