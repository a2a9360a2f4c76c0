// The file: inputs, constants, a node or a few for every operation, outputs.
#include <algorithm>

#include "call.h"
#include "fold.h"
#include "norma/core/text.h"
#include "norma/core/utf8.h"
#include "norma/io/atomic_file.h"
#include "norma/onnx.h"
#include "run.h"

namespace norma::onnx {

namespace {

const std::unordered_map<std::string_view, Writer>& writers() {
  static const auto table = [] {
    std::unordered_map<std::string_view, Writer> all;
    for (const Writers& family :
         {elementwise_writers(), activation_writers(), window_writers(), norm_writers(),
          reduction_writers(), shape_writers(), index_writers(), recurrent_writers(),
          write_writers(), order_writers(), scan_writers(), loss_writers()}) {
      all.insert(family.begin(), family.end());
    }
    return all;
  }();
  return table;
}

std::vector<std::string> named(std::size_t count, const std::vector<std::string>& given,
                               const char* word) {
  if (given.size() > count) {
    fail(kOp, "expected at most ", count, " names of ", word, "s, got ", given.size());
  }
  for (const std::string& name : given) {
    if (name.empty() || !is_utf8(name)) {
      fail(kOp, "expected names of ", word, "s that are UTF-8 and not empty, got ",
           in_quotes(name));
    }
  }
  std::vector<std::string> names = given;
  for (std::size_t i = names.size(); i < count; ++i)
    names.push_back(count == 1 ? std::string(word) : text(word, i));
  return names;
}

class Export {
 public:
  Export(Runs& runs, const ExportOptions& options)
      : runs_(runs), trace_(runs.traces[0]), options_(options), graph_(options.opset) {
    if (options.fold_batch_norm) fold();
    names_.resize(trace_.values.size());
  }

  std::string bytes() {
    add_inputs();
    for (std::size_t i = 0; i < trace_.steps.size(); ++i) write(i);
    const auto names = named(trace_.outputs.size(), options_.output_names, "output");
    for (std::size_t i = 0; i < trace_.outputs.size(); ++i) {
      const int value = trace_.outputs[i];
      graph_.add_output(names[i], name_of(value), runs_.tensor(0, value).dtype(),
                        runs_.sizes(value, "the model's result"));
    }
    return graph_.bytes(options_.producer);
  }

 private:
  /// All runs alike, so that their steps and values stay twins.
  void fold() {
    for (std::size_t run = 0; run < runs_.traces.size(); ++run) {
      std::unordered_map<int, std::string> names;
      const std::size_t before = runs_.traces[run].values.size();
      fold_batch_norms(runs_.traces[run], run == 0 ? runs_.names : names);
      const std::size_t added = runs_.traces[run].values.size() - before;
      for (std::size_t i = 0; i < added; ++i)
        runs_.twins[run].push_back(static_cast<int>(before + i));
    }
  }

  void add_inputs() {
    const auto names = named(trace_.inputs.size(), options_.input_names, "input");
    for (std::size_t i = 0; i < trace_.inputs.size(); ++i) {
      const int value = trace_.inputs[i];
      const Sizes sizes = runs_.sizes(value, "the model's input");
      names_[static_cast<std::size_t>(value)] = names[i];
      graph_.add_input(names[i], runs_.tensor(0, value).dtype(), sizes);
      for (std::size_t d = 0; d < sizes.size(); ++d) {
        if (sizes[d].per_sample == 1) graph_.set_batch(names[i], static_cast<int64_t>(d));
      }
    }
  }

  /// Of a value that a step uses, or a result.
  const std::string& name_of(int value) {
    std::string& name = names_[static_cast<std::size_t>(value)];
    if (!name.empty()) return name;
    const auto known = runs_.names.find(value);
    const std::string wish = known == runs_.names.end() ? "constant" : known->second;
    const Sizes sizes = runs_.sizes(value, wish);
    Tensor tensor = runs_.tensor(0, value);
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      if (sizes[d].per_sample != 0) tensor = tensor.narrow(static_cast<int64_t>(d), 0, 1);
    }
    name = graph_.constant(tensor, wish);
    if (!is_fixed(sizes)) name = graph_.node("Expand", {name, graph_.list(sizes)});
    return name;
  }

  void write(std::size_t i) {
    const Step& step = trace_.steps[i];
    graph_.scope = step.path.empty() ? step.op : step.path + "/" + step.op;
    for (const int value : step.inputs) {
      if (value >= 0) name_of(value);
    }
    const auto writer = writers().find(step.op);
    if (writer == writers().end()) {
      fail(kOp, "expected operations that can be said in ONNX, got ", place_of(step.op, step.path));
    }
    Call call(graph_, runs_, i, names_);
    names_[static_cast<std::size_t>(step.output)] = writer->second(call);
  }

  Runs& runs_;
  const Trace& trace_;
  const ExportOptions& options_;
  Graph graph_;
  std::vector<std::string> names_;  // in the graph, of the first run's values
};

}  // namespace

void export_model(nn::Module& model, const std::vector<Tensor>& example_inputs,
                  const std::string& path, const Forward& forward, const ExportOptions& options) {
  if (example_inputs.empty()) fail(kOp, "expected at least one example input, got none");
  for (const Tensor& input : example_inputs) {
    if (!input.defined()) fail(kOp, "expected an example input, got an undefined tensor");
    if (input.numel() == 0) {
      fail(kOp, "expected an example input with elements, got one of shape ", input.sizes());
    }
  }
  if (!forward) fail(kOp, "expected a function that calls the model, got an empty one");
  if (options.opset < 17 || options.opset > 20) {
    fail(kOp, "expected an opset from 17 to 20, got ", options.opset);
  }
  if (options.producer.empty() || !is_utf8(options.producer)) {
    fail(kOp, "expected a producer that is UTF-8 and not empty, got ", in_quotes(options.producer));
  }
  Runs runs = run_model(model, example_inputs, forward, options);
  const autograd::ObserverPause unobserved;
  const NoGradGuard no_grad;
  const std::string bytes = Export(runs, options).bytes();
  AtomicFile file(path, kOp);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void export_model(nn::Module& model, const Tensor& example_input, const std::string& path,
                  const ExportOptions& options) {
  export_model(
      model, std::vector{example_input}, path,
      [&](const std::vector<Tensor>& inputs) { return std::vector{model(inputs[0])}; }, options);
}

}  // namespace norma::onnx
