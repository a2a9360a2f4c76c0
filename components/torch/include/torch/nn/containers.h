// Sequential, ModuleList, ModuleDict, and functions as modules.
#pragma once
#include "torch/nn/any.h"

namespace torch::nn {

/// Modules in a row, each called with what the one before gave. They may be of any class and take,
/// at the beginning, any number of arguments.
class SequentialImpl : public Cloneable<SequentialImpl> {
 public:
  SequentialImpl() = default;
  template <class... Modules>
  requires(sizeof...(Modules) > 0 &&
           !(std::derived_from<std::remove_cvref_t<Modules>, SequentialImpl> ||
             ...)) explicit SequentialImpl(Modules&&... modules) {
    (push_back(std::forward<Modules>(modules)), ...);
  }

  template <class Result = Tensor, class... Inputs>
  Result forward(Inputs&&... inputs) {
    if (is_empty()) norma::fail("Sequential", "expected a module, got an empty Sequential");
    std::array<std::any, sizeof...(Inputs)> values{std::any(std::forward<Inputs>(inputs))...};
    std::any value = modules_[0].any_forward(values);
    for (std::size_t i = 1; i < size(); ++i) value = modules_[i].any_forward({&value, 1});
    return AnyModule::take<Result>(std::move(value));
  }
  template <class M>
  void push_back(M&& module) {
    push_back(std::to_string(size()), std::forward<M>(module));
  }
  void push_back(const NamedAnyModule& named) { push_back(named.name, named.any); }
  template <class M>
  void push_back(const std::string& name, M&& module) {
    AnyModule any(std::forward<M>(module));
    register_module(name, any.ptr());
    modules_.push_back(std::move(any));
  }
  template <class Container>
  void extend(const Container& modules) {
    for (const auto& module : modules) push_back(module);
  }
  std::size_t size() const { return modules_.size(); }
  bool is_empty() const { return modules_.empty(); }
  std::shared_ptr<Module> ptr(std::size_t index) const { return modules_.at(index).ptr(); }
  std::shared_ptr<Module> operator[](std::size_t index) const { return ptr(index); }
  template <class M>
  auto& at(std::size_t index) const {
    return modules_.at(index).template get<M>();
  }
  auto begin() { return modules_.begin(); }
  auto end() { return modules_.end(); }
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }

  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& = {}) const override {
    const auto copy = std::make_shared<SequentialImpl>();
    copy->core_->train(is_training());
    for (std::size_t i = 0; i < size(); ++i)
      copy->push_back(children_[i].key(), modules_[i].clone());
    return copy;
  }

 private:
  std::vector<AnyModule> modules_;
};

/// `Sequential net(Linear(2, 3), ReLU())`, or with names: `Sequential net({{"fc", Linear(2, 3)}})`.
class Sequential : public ModuleHolder<SequentialImpl> {
 public:
  using ModuleHolder<SequentialImpl>::ModuleHolder;
  Sequential() = default;
  Sequential(std::initializer_list<NamedAnyModule> modules) {
    for (const auto& named : modules) (*this)->push_back(named);
  }
};

/// Modules by number.
class ModuleListImpl : public Cloneable<ModuleListImpl> {
 public:
  ModuleListImpl() = default;
  template <class... Modules>
  requires(sizeof...(Modules) > 0 &&
           !(std::derived_from<std::remove_cvref_t<Modules>, ModuleListImpl> ||
             ...)) explicit ModuleListImpl(const Modules&... modules) {
    (push_back(modules), ...);
  }
  template <class M>
  void push_back(const M& module) {
    if constexpr (std::derived_from<M, Module>) {
      push_back(std::make_shared<M>(module));
    } else {
      register_module(std::to_string(size()), module);
      list_ = children_.values();
    }
  }
  template <class Container>
  void extend(const Container& modules) {
    for (const auto& module : modules) push_back(module);
  }
  template <class M>
  void insert(std::size_t place, const M& module) {
    if (place > size()) {
      norma::fail("ModuleList", "expected a place in [0, ", size(), "], got ", place);
    }
    auto all = list_;
    all.insert(all.begin() + static_cast<int64_t>(place), ModuleListImpl(module)[0]);
    for (std::size_t i = 0; i < list_.size(); ++i) unregister_module(std::to_string(i));
    list_.clear();
    extend(all);
  }
  std::size_t size() const { return list_.size(); }
  bool is_empty() const { return list_.empty(); }
  std::shared_ptr<Module> ptr(std::size_t index) const { return list_.at(index); }
  std::shared_ptr<Module> operator[](std::size_t index) const { return ptr(index); }
  template <class M>
  M& at(std::size_t index) const {
    return dynamic_cast<M&>(*ptr(index));
  }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& = {}) const override {
    const auto copy = std::make_shared<ModuleListImpl>();
    copy->core_->train(is_training());
    for (const auto& module : list_) copy->push_back(module->clone());
    return copy;
  }

 private:
  std::vector<std::shared_ptr<Module>> list_;
};
TORCH_MODULE(ModuleList);

/// Modules by name.
class ModuleDictImpl : public Cloneable<ModuleDictImpl> {
 public:
  ModuleDictImpl() = default;
  ModuleDictImpl(const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& modules) {
    update(modules);
  }
  template <class M>
  void insert(const std::string& name, const M& module) {
    register_module(name, module);
  }
  bool contains(const std::string& name) const { return children_.contains(name); }
  std::shared_ptr<Module> operator[](const std::string& name) const { return children_[name]; }
  auto keys() const { return children_.keys(); }
  auto values() const { return children_.values(); }
  auto items() const { return children_.pairs(); }
  auto begin() const { return children_.begin(); }
  auto end() const { return children_.end(); }
  bool empty() const { return children_.is_empty(); }
  void update(const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& modules) {
    for (const auto& [key, module] : modules) {
      contains(key) ? replace_module(key, module) : register_module(key, module);
    }
  }
  void update(const ModuleDictImpl& other) { update(other.items()); }
  std::shared_ptr<Module> pop(const std::string& name) {
    const auto module = children_[name];
    unregister_module(name);
    return module;
  }
  void clear() {
    for (const std::string& name : keys()) unregister_module(name);
  }
  template <class M>
  M& at(const std::string& name) const {
    return dynamic_cast<M&>(*children_[name]);
  }
  std::size_t size() const { return children_.size(); }

  void reset() override {}
  std::shared_ptr<Module> clone(const std::optional<Device>& = {}) const override {
    const auto copy = std::make_shared<ModuleDictImpl>();
    copy->core_->train(is_training());
    for (const auto& child : children_) copy->insert(child.key(), child.value()->clone());
    return copy;
  }
};
TORCH_MODULE(ModuleDict);

/// A function of one tensor, whose further arguments are given here:
/// `Functional(torch::leaky_relu, 0.2)`.
class FunctionalImpl : public Cloneable<FunctionalImpl> {
 public:
  template <class Function, class... Args>
  requires(!std::derived_from<Function, FunctionalImpl>) explicit FunctionalImpl(Function function,
                                                                                 Args... args)
      : function_([=](const Tensor& input) { return Tensor(function(input, args...)); }) {}
  Tensor forward(Tensor input) { return function_(input); }
  void reset() override {}

 private:
  std::function<Tensor(const Tensor&)> function_;
};
TORCH_MODULE(Functional);

}  // namespace torch::nn
