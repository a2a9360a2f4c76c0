// What happens when a rank ends: the others learn of it, and an error ends all of them.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include "operation.h"

namespace norma::distributed {

namespace {

/// Notes which ranks have left since the last look. Errors of MPI are those of what waits.
void read_news(Group& group) {
  for (;;) {
    int there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, 0, group.news, &there, &status) != MPI_SUCCESS || !there) return;
    int64_t& count = group.ended[static_cast<std::size_t>(status.MPI_SOURCE)];
    MPI_Recv(&count, 1, MPI_INT64_T, status.MPI_SOURCE, 0, group.news, MPI_STATUS_IGNORE);
  }
}

[[noreturn]] void end_all_ranks() {
  std::string message = "terminated";
  if (const std::exception_ptr error = std::current_exception()) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      message = known.what();
    } catch (...) {
      message = "an exception of another type than std::exception";
    }
  }
  int begun = 0, ended = 1, rank = 0, size = 1;
  MPI_Initialized(&begun);
  MPI_Finalized(&ended);
  if (!begun || ended) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::abort();
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  std::fprintf(stderr, "[rank %d of %d] %s\n", rank, size, message.c_str());
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

}  // namespace

Patience::Patience(const char* op, Group& group, int64_t order)
    : op_(op), group_(group), order_(order) {}

void Patience::wait_a_little() {
  if (++rounds_ <= 100) return;  // short waits do not give way
  std::this_thread::yield();
  const auto now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + std::chrono::milliseconds(5);
  read_news(group_);
  for (int rank = 0; rank < group_.size; ++rank) {
    const int64_t count = group_.ended[static_cast<std::size_t>(rank)];
    if (count >= order_) continue;
    fail(op_, "expected all ranks to take part, got rank ", rank,
         " that has left the group or ended (rank ", group_.rank, " of ", group_.size,
         "); do all ranks have as many batches?");
  }
  const std::chrono::duration<double> passed = now - begin_;
  if (passed.count() < group_.timeout) return;
  fail(op_, "expected all ranks to take part within ", group_.timeout, " s, got no result (rank ",
       group_.rank, " of ", group_.size, "); see init_process_group's timeout");
}

void leave(Group& group) {
  std::vector<MPI_Request> requests;
  for (int rank = 0; rank < group.size; ++rank) {
    requests.push_back(MPI_REQUEST_NULL);
    MPI_Isend(&group.started, 1, MPI_INT64_T, rank, 0, group.news, &requests.back());
  }
  const auto all_left = [&] {
    for (const int64_t count : group.ended) {
      if (count == INT64_MAX) return false;
    }
    return true;
  };
  for (int sent = 0; !sent || !all_left(); std::this_thread::yield()) {
    if (MPI_Testall(group.size, requests.data(), &sent, MPI_STATUSES_IGNORE) != MPI_SUCCESS) return;
    read_news(group);
  }
}

void end_all_ranks_at_uncaught_errors() { std::set_terminate(end_all_ranks); }

}  // namespace norma::distributed
