#include "norma/io/checkpoint.h"

#include <bit>
#include <optional>
#include <string_view>
#include <utility>

#include "norma/core/factory.h"
#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"
#include "norma/io/input_file.h"
#include "norma/io/read_tensors.h"
#include "norma/io/safetensors.h"
#include "norma/io/saved_state.h"

namespace norma {

namespace {

constexpr const char* kVersion = "1";
constexpr const char* kOptimizerKey = "norma.optimizer";

// "scheduler" for the first, "scheduler2" for the second …
std::string scheduler_name(std::size_t index) {
  return index == 0 ? "scheduler" : text("scheduler", index + 1);
}

bool reserved(std::string_view key) { return key == "format" || key.starts_with("norma."); }

Tensor scalar(double value) { return full({}, value, {.dtype = kFloat64}); }

Tensor integers(const std::vector<int64_t>& values) { return tensor(values); }

void put_all(NamedTensors& file, const std::string& prefix, const NamedTensors& tensors) {
  for (const auto& [name, value] : tensors) file.emplace_back(prefix + name, value);
}

void put_optimizer(NamedTensors& file, const optim::OptimizerState& state) {
  put_all(file, "optimizer.", state.tensors);
  int64_t first = 0;
  for (std::size_t g = 0; g < state.groups.size(); ++g) {
    const std::string prefix = text("optimizer.param_groups.", g, ".");
    for (const auto& [name, value] : state.groups[g])
      file.emplace_back(prefix + name, scalar(value));
    file.emplace_back(prefix + "params", arange(first, first + state.group_sizes[g]));
    first += state.group_sizes[g];
  }
}

void put_loader(NamedTensors& file, const LoaderPosition& loader) {
  for (const auto& [name, value] : {std::pair{"epoch", loader.epoch},
                                    {"batch", loader.batch},
                                    {"seed", std::bit_cast<int64_t>(loader.seed)},
                                    {"samples", loader.samples},
                                    {"batch_size", loader.batch_size}})
    file.emplace_back(text("loader.", name), full({}, value, {.dtype = kInt64}));
}

TensorFile put_together(const CheckpointParts& parts) {
  const char* op = "save_checkpoint";
  TensorFile file;
  for (const auto& [key, value] : parts.metadata) {
    if (reserved(key))
      fail(op, "expected metadata keys other than \"format\" and \"norma.…\", got ",
           in_quotes(key));
    file.metadata[key] = value;
  }
  file.metadata[kCheckpointKey] = kVersion;
  if (parts.module) put_all(file.tensors, "model.", saved_state(op, *parts.module));
  if (parts.optimizer) {
    const optim::OptimizerState state = parts.optimizer->state_dict();
    file.metadata[kOptimizerKey] = state.type;
    put_optimizer(file.tensors, state);
  }
  for (std::size_t i = 0; i < parts.scheduler.size(); ++i) {
    if (!parts.scheduler[i]) fail(op, "expected schedulers, got a null pointer among them");
    const optim::SchedulerState state = parts.scheduler[i]->state_dict();
    file.metadata["norma." + scheduler_name(i)] = state.type;
    for (const auto& [name, value] : state.values)
      file.tensors.emplace_back(text(scheduler_name(i), ".", name), scalar(value));
  }
  if (parts.generator) {
    const Generator::State state = parts.generator->state();
    file.tensors.emplace_back("generator", integers({std::bit_cast<int64_t>(state.seed),
                                                     std::bit_cast<int64_t>(state.next)}));
  }
  if (parts.loader) put_loader(file.tensors, *parts.loader);
  const int64_t epoch = parts.epoch == 0 && parts.loader ? parts.loader->epoch : parts.epoch;
  file.tensors.emplace_back("epoch", full({}, epoch, {.dtype = kInt64}));
  return file;
}

// What a checkpoint file holds; any part may be missing.
struct Contents {
  NamedTensors module, optimizer;
  std::map<std::string, std::map<std::string, double>> schedulers;  // by the names above
  std::map<std::string, int64_t> loader;
  std::optional<Generator::State> generator;
  int64_t epoch = 0;
};

double read_number(const std::string& name, const Tensor& value) {
  if (value.dtype() != kFloat64 || value.dim() != 0)
    fail("load_checkpoint", "expected one F64 number as ", in_quotes(name), ", got shape ",
         value.sizes(), " of ", value.dtype());
  return value.item<double>();
}

const int64_t* read_integers(const std::string& name, const Tensor& value, const Shape& sizes) {
  if (value.dtype() != kInt64 || value.sizes() != sizes)
    fail("load_checkpoint", "expected I64 numbers of shape ", sizes, " as ", in_quotes(name),
         ", got shape ", value.sizes(), " of ", value.dtype());
  return values_of<int64_t>(value);
}

// "scheduler2.gamma" is "scheduler2" and "gamma"; a name of anything else is "" and "".
std::pair<std::string, std::string> scheduler_and_key(const std::string& name) {
  const std::size_t digits = std::string_view("scheduler").size();
  const std::size_t dot = name.find_first_not_of("0123456789", digits);
  if (!name.starts_with("scheduler") || dot == std::string::npos || name[dot] != '.') return {};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

Contents sort_out(const TensorFile& file) {
  Contents contents;
  constexpr std::string_view kModule = "model.", kOptimizer = "optimizer.", kLoader = "loader.";
  for (const auto& [name, value] : file.tensors) {
    if (name.starts_with(kModule)) {
      contents.module.emplace_back(name.substr(kModule.size()), value);
    } else if (name.starts_with(kOptimizer)) {
      contents.optimizer.emplace_back(name.substr(kOptimizer.size()), value);
    } else if (const auto [scheduler, key] = scheduler_and_key(name); !scheduler.empty()) {
      contents.schedulers[scheduler][key] = read_number(name, value);
    } else if (name.starts_with(kLoader)) {
      contents.loader[name.substr(kLoader.size())] = *read_integers(name, value, {});
    } else if (name == "generator") {
      const int64_t* words = read_integers(name, value, {2});
      contents.generator = {std::bit_cast<uint64_t>(words[0]), std::bit_cast<uint64_t>(words[1])};
    } else if (name == "epoch") {
      contents.epoch = *read_integers(name, value, {});
    } else {
      fail("load_checkpoint", "expected entries of a checkpoint, got ", in_quotes(name));
    }
  }
  return contents;
}

LoaderPosition read_loader(const Contents& contents) {
  if (contents.loader.empty()) return {.epoch = contents.epoch};
  std::map<std::string, int64_t> rest = contents.loader;
  const auto take = [&](const char* name, bool any = false) {
    const auto found = rest.find(name);
    if (found == rest.end()) fail("load_checkpoint", "expected an entry \"loader.", name, "\"");
    const int64_t value = found->second;
    if (!any && value < 0)
      fail("load_checkpoint", "expected \"loader.", name, "\" >= 0, got ", value);
    rest.erase(found);
    return value;
  };
  LoaderPosition loader;
  loader.epoch = take("epoch");
  loader.batch = take("batch");
  loader.seed = std::bit_cast<uint64_t>(take("seed", true));
  loader.samples = take("samples");
  loader.batch_size = take("batch_size");
  if (!rest.empty())
    fail("load_checkpoint", "expected entries of a checkpoint, got ",
         in_quotes("loader." + rest.begin()->first));
  return loader;
}

optim::OptimizerState read_optimizer(const std::string& type, const NamedTensors& entries) {
  optim::OptimizerState state;
  state.type = type;
  std::map<std::string, Tensor> groups;
  constexpr std::string_view kGroups = "param_groups.";
  for (const auto& [name, value] : entries) {
    if (name.starts_with(kGroups)) {
      groups[name.substr(kGroups.size())] = value;
    } else {
      state.tensors.emplace_back(name, value);
    }
  }
  int64_t first = 0;
  for (std::size_t g = 0; !groups.empty(); ++g) {
    const std::string prefix = text(g, ".");
    auto& options = state.groups.emplace_back();
    int64_t size = -1;
    for (auto it = groups.lower_bound(prefix);
         it != groups.end() && it->first.starts_with(prefix);) {
      const std::string name = it->first.substr(prefix.size());
      const std::string full_name = "optimizer.param_groups." + it->first;
      if (name == "params") {
        size = it->second.numel();
        const int64_t* numbers = read_integers(full_name, it->second, {size});
        for (int64_t i = 0; i < size; ++i)
          if (numbers[i] != first + i)
            fail("load_checkpoint", "expected consecutive parameters in ", in_quotes(full_name));
      } else {
        options[name] = read_number(full_name, it->second);
      }
      it = groups.erase(it);
    }
    if (size < 0)
      fail("load_checkpoint", "expected an entry \"optimizer.param_groups.", prefix, "params\"");
    state.group_sizes.push_back(size);
    first += size;
  }
  return state;
}

CheckpointInfo fill(const Source& source, const CheckpointTargets& targets) {
  const TensorFile file =
      read_safetensors(InputFile("safetensors", source), [&](std::string_view name) {
        return name.starts_with("model.")       ? targets.module != nullptr
               : name.starts_with("optimizer.") ? targets.optimizer != nullptr
                                                : true;
      });
  const char* op = "load_checkpoint";
  return with_file_name(op, source.name, [&] {
    const auto version = file.metadata.find(kCheckpointKey);
    if (version == file.metadata.end())
      fail(op,
           "expected a checkpoint, got other tensors; read a module alone with "
           "load(module, path)");
    if (version->second != kVersion)
      fail(op, "expected a checkpoint of version ", kVersion, ", got version ",
           in_quotes(version->second));
    const Contents contents = sort_out(file);
    const auto require = [&](bool present, const char* part) {
      if (!present)
        fail(op, "expected a checkpoint with ", part, ", got one without; pass .", part,
             " = nullptr to leave it as it is");
    };

    optim::OptimizerState optimizer;
    std::vector<optim::SchedulerState> schedulers;
    if (targets.module) {
      require(!contents.module.empty() || targets.module->state_dict().empty(), "module");
      targets.module->check_state_dict(contents.module);
    }
    if (targets.optimizer) {
      const auto type = file.metadata.find(kOptimizerKey);
      require(type != file.metadata.end(), "optimizer");
      optimizer = read_optimizer(type->second, contents.optimizer);
      targets.optimizer->check_state_dict(optimizer);
    }
    if (!targets.scheduler.empty()) {
      require(contents.schedulers.contains("scheduler"), "scheduler");
      if (targets.scheduler.size() != contents.schedulers.size())
        fail(op, "expected as many schedulers as are given, ", targets.scheduler.size(), ", got ",
             contents.schedulers.size());
    }
    for (std::size_t i = 0; i < targets.scheduler.size(); ++i) {
      if (!targets.scheduler[i]) fail(op, "expected schedulers, got a null pointer among them");
      const std::string name = scheduler_name(i);
      const auto type = file.metadata.find("norma." + name);
      if (type == file.metadata.end() || !contents.schedulers.contains(name))
        fail(op, "expected the type and the values of ", in_quotes(name),
             ", got one without the other");
      schedulers.push_back({type->second, contents.schedulers.at(name)});
      targets.scheduler[i]->check_state_dict(schedulers.back());
    }
    if (targets.generator) require(contents.generator.has_value(), "generator");
    CheckpointInfo info;
    info.epoch = contents.epoch;
    info.loader = read_loader(contents);

    if (targets.module) targets.module->load_state_dict(contents.module);
    if (targets.optimizer) targets.optimizer->load_state_dict(optimizer);
    for (std::size_t i = 0; i < schedulers.size(); ++i)
      targets.scheduler[i]->load_state_dict(schedulers[i]);
    if (targets.generator) targets.generator->set_state(*contents.generator);

    for (const auto& [key, value] : file.metadata)
      if (!reserved(key)) info.metadata[key] = value;
    return info;
  });
}

}  // namespace

void save_checkpoint(const std::string& path, const CheckpointParts& parts) {
  with_memory(0, [&] {
    const TensorFile file =
        with_file_name("save_checkpoint", path, [&] { return put_together(parts); });
    save_safetensors(file.tensors, path, file.metadata);
  });
}

void save_checkpoint(std::ostream& stream, const CheckpointParts& parts) {
  with_memory(0, [&] {
    const TensorFile file = put_together(parts);
    save_safetensors(file.tensors, stream, file.metadata);
  });
}

void save_checkpoint(std::vector<std::byte>& bytes, const CheckpointParts& parts) {
  with_memory(0, [&] {
    const TensorFile file = put_together(parts);
    save_safetensors(file.tensors, bytes, file.metadata);
  });
}

CheckpointInfo load_checkpoint(const std::string& path, const CheckpointTargets& targets) {
  return with_memory(0, [&] { return fill({path}, targets); });
}

CheckpointInfo load_checkpoint(std::span<const std::byte> bytes, const CheckpointTargets& targets) {
  return with_memory(0, [&] { return fill(in_memory(bytes), targets); });
}

CheckpointInfo load_checkpoint(std::istream& stream, const CheckpointTargets& targets) {
  return with_memory(0, [&] {
    const std::string bytes = rest_of("load_checkpoint", stream);
    return fill(in_stream(bytes), targets);
  });
}

}  // namespace norma
