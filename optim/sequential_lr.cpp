#include "norma/optim/sequential_lr.h"

#include <algorithm>

#include "norma/core/memory.h"

namespace norma::optim {

// --- SequentialLR ---

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers,
                           std::vector<int64_t> milestones) try
    : LRScheduler(optimizer, "SequentialLR"), milestones_(milestones.begin(), milestones.end()) {
  if (schedulers.empty())
    fail("SequentialLR", "expects at least one scheduler, but got no scheduler");
  add_parts(std::move(schedulers));
  if (!std::is_sorted(milestones.begin(), milestones.end()))
    fail("SequentialLR", "expected milestones in rising order, got ", Shape(milestones));
  field("milestones", milestones_, /*whole=*/true);
  start();
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

void SequentialLR::check_size(std::string_view name, std::size_t size) const {
  if (name == "milestones" && size + 1 != parts().size())
    fail("SequentialLR", "expects number of schedulers provided to be one more than the number of ",
         "milestone points, but got number of schedulers ", parts().size(),
         " and the number of milestones to be equal to ", size);
}

std::size_t SequentialLR::reached() const {
  const auto e = static_cast<double>(last_epoch_);
  const auto next = std::upper_bound(milestones_.begin(), milestones_.end(), e);
  return static_cast<std::size_t>(next - milestones_.begin());
}

void SequentialLR::apply() { LRScheduler::restart(*parts()[reached()], Start::First); }

void SequentialLR::step() {
  with_memory(0, [&] {
    ++last_epoch_;
    const std::size_t i = reached();
    if (i > 0 && milestones_[i - 1] == static_cast<double>(last_epoch_)) {
      LRScheduler::restart(*parts()[i], Start::Milestone);
    } else {
      parts()[i]->step();
    }
    note_step();
  });
}

// --- ChainedScheduler ---

namespace {

LRScheduler& first_of(const std::vector<LRScheduler*>& schedulers) {
  if (schedulers.empty())
    fail("ChainedScheduler", "expects at least one scheduler to be chained, but got no scheduler");
  if (schedulers[0] == nullptr)
    fail("ChainedScheduler", "expected schedulers, got a null pointer at index 0");
  return *schedulers[0];
}

}  // namespace

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler*> schedulers) try
    : LRScheduler(optimizer_of(first_of(schedulers)), "ChainedScheduler") {
  add_parts(std::move(schedulers));
  note_rates();
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

void ChainedScheduler::step() {
  with_memory(0, [&] {
    ++last_epoch_;
    for (LRScheduler* part : parts()) part->step();
    note_step();
  });
}

void ChainedScheduler::restart(Start where) {
  last_epoch_ = 0;
  for (std::size_t i = 0; i < parts().size(); ++i)
    LRScheduler::restart(*parts()[i], i == 0 ? where : Start::InChain);
}

}  // namespace norma::optim
