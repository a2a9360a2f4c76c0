// C++ leaves open in which order the arguments of a call are made: Clang goes from left to right,
// GCC from right to left. Modules that were made in the wrong order draw their initial values again
// here, each from where it would have begun.
#include <algorithm>
#include <unordered_set>

#include "norma/core/draws.h"
#include "norma/core/error.h"
#include "norma/core/tensor_impl.h"
#include "norma/layers/module_state.h"

namespace norma::nn {

namespace {

/// A tensor to be drawn again, and how much further on.
struct Move {
  Tensor tensor;
  uint64_t shift;
};

}  // namespace

// One argument. It took the blocks from `begin` to `end`.
struct Module::Argument {
  Module* module;
  std::vector<const State*> states;  // made while the argument was
  bool is_certain = true;            // that these are all
  uint64_t begin = 0, end = 0;

  uint64_t size() const { return end - begin; }
  /// Whether making it took no random numbers: built-in classes keep all they draw.
  bool draws_nothing() const;
  /// Those of the tree that were made after the module of number `after`.
  void find_states(uint64_t after);
  void find_older_states();
  /// Whether the blocks are what the tensors of the states were filled with; adds these tensors.
  bool collect(const Generator& generator, uint64_t shift, std::vector<Move>& moves) const;
};

bool Module::Argument::draws_nothing() const {
  const std::vector<Module*> parts = module->modules();
  return std::none_of(parts.begin(), parts.end(), [](const Module* part) {
    const NamedTensors tensors = part->state().tensors();
    return part->state().is_users || std::any_of(tensors.begin(), tensors.end(), [](const auto& t) {
             return last_draw(t.second) != nullptr;
           });
  });
}

void Module::Argument::find_states(uint64_t after) {
  for (const Module* part : module->modules()) {
    const State& state = part->state();
    if (state.thread == State::here() && state.number > after) states.push_back(&state);
  }
}

// The argument that was made first. Modules older than the top of its tree were made for it, or had
// a name before: one whose original handle stands elsewhere may be either.
void Module::Argument::find_older_states() {
  const uint64_t top = module->state().number;
  std::vector<std::pair<const char*, std::size_t>> kept;  // the handles in the tree
  for (const Module* part : module->modules()) {
    kept.emplace_back(reinterpret_cast<const char*>(part),
                      std::max<std::size_t>(part->state().handle_size, 1));
  }
  const auto stands_in_tree = [&](const State& state) {
    const auto* at = reinterpret_cast<const char*>(state.original.load());
    return !at || std::any_of(kept.begin(), kept.end(), [&](const auto& handle) {
      return at >= handle.first && at < handle.first + handle.second;
    });
  };
  std::sort(states.begin(), states.end(),
            [](const State* a, const State* b) { return a->number > b->number; });
  uint64_t next = top - 1;
  std::erase_if(states, [&](const State* state) {
    if (state->number >= top) return false;
    if (stands_in_tree(*state)) return next = state->number - 1, false;
    if (state->number != next) return true;
    is_certain = false;
    return --next, false;
  });
}

bool Module::Argument::collect(const Generator& generator, uint64_t shift,
                               std::vector<Move>& moves) const {
  std::unordered_set<const Storage*> seen;
  uint64_t explained = 0;
  const uint64_t seed = generator.seed();
  const auto is_ours = [&](const Draw& draw) {
    return draw.generator == &generator && draw.seed == seed && draw.first >= begin &&
           draw.first < end;
  };
  for (const State* state : states) {
    for (const auto& [name, tensor] : state->tensors()) {
      const Draw* last = last_draw(tensor);
      if (!last || !seen.insert(impl_of(tensor)->storage.get()).second) continue;
      for (const Draw* draw = last; draw; draw = draw->before.get()) {
        if (is_ours(*draw)) explained += draw->count;
      }
      if (!is_ours(*last)) continue;
      if (!can_redraw(tensor)) return false;
      moves.push_back({tensor, shift});
    }
  }
  return explained == size();
}

void Module::draw_in_order(const std::vector<Module*>& arguments) {
  with_memory(0, [&] {
    // Those made from right to left. One that is older than its right neighbour had a name.
    std::vector<Argument> row;
    uint64_t last = 0;
    for (auto module = arguments.rbegin(); module != arguments.rend(); ++module) {
      const State& state = (*module)->state();
      Argument argument{*module, {}};
      if (state.thread != State::here() || state.number <= last || argument.draws_nothing())
        continue;
      argument.find_states(last);
      row.push_back(std::move(argument));
      last = state.number;
    }
    if (row.size() < 2) return;
    row[0].find_older_states();

    const Generator& generator = default_generator();
    const Generator::State now = generator.state();
    bool is_certain = row[0].is_certain;
    std::size_t drawing = 0;
    for (std::size_t i = row.size(); i-- > 0;) {
      row[i].begin = now.next;
      for (const State* state : row[i].states) {
        row[i].begin = std::min(row[i].begin, state->born.next);
        is_certain &= state->generator == &generator && state->born.seed == now.seed;
      }
      row[i].end = i + 1 < row.size() ? row[i + 1].begin : now.next;
      drawing += row[i].size() != 0;
    }
    if (is_certain && drawing < 2) return;

    std::vector<Move> moves;
    uint64_t next = row[0].begin;
    for (std::size_t i = row.size(); i-- > 0 && is_certain;) {
      const uint64_t shift = next - row[i].begin;
      next += row[i].size();
      if (shift != 0 && row[i].size() != 0) is_certain = row[i].collect(generator, shift, moves);
    }
    if (!is_certain) {
      const std::string left = row.back().module->type_name(), right = row[0].module->type_name();
      return warn(
          "Sequential", "expected modules that are made from left to right, got a ", right,
          " that was made before the ", left,
          " on its left, and initial values that cannot be drawn again in the order of the "
          "modules: C++ leaves open which argument in parentheses is made first, so another "
          "compiler may give another network; write braces, nn::Sequential{…}, or give modules "
          "names and do not move "
          "them");
    }
    for (const Move& move : moves) redraw(move.tensor, move.shift);
  });
}

}  // namespace norma::nn
