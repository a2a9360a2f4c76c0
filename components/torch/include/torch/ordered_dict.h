// OrderedDict: values by key, in the order in which they came.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "norma/core/error.h"

namespace torch {

template <class Key, class Value>
struct OrderedDictItem {
  const Key& key() const { return first; }
  Value& value() { return second; }
  const Value& value() const { return second; }
  Value& operator*() { return second; }
  const Value& operator*() const { return second; }
  Value* operator->() { return &second; }
  const Value* operator->() const { return &second; }
  std::pair<Key, Value> pair() const { return {first, second}; }
  Key first;
  Value second;
};

template <class Key, class Value>
class OrderedDict : public std::vector<OrderedDictItem<Key, Value>> {
 public:
  using Item = OrderedDictItem<Key, Value>;
  using std::vector<Item>::vector;
  using std::vector<Item>::operator[];
  using std::vector<Item>::erase;

  /// Refuses a key that is there already.
  Value& insert(Key key, Value value) {
    if (contains(key)) norma::fail("OrderedDict", "the key '", key, "' is there already");
    return this->emplace_back(Item{std::move(key), std::move(value)}).second;
  }
  Value* find(const Key& key) {
    for (Item& item : *this) {
      if (item.first == key) return &item.second;
    }
    return nullptr;
  }
  const Value* find(const Key& key) const { return const_cast<OrderedDict*>(this)->find(key); }
  bool contains(const Key& key) const { return find(key) != nullptr; }
  Value& operator[](const Key& key) {
    Value* const found = find(key);
    if (!found) norma::fail("OrderedDict", "expected the key '", key, "', which is not there");
    return *found;
  }
  const Value& operator[](const Key& key) const { return const_cast<OrderedDict&>(*this)[key]; }
  void update(const OrderedDict& other) {
    for (const Item& item : other) insert(item.first, item.second);
  }
  void erase(const Key& key) {
    std::erase_if(static_cast<std::vector<Item>&>(*this),
                  [&](const Item& item) { return item.first == key; });
  }
  bool is_empty() const { return this->empty(); }
  std::vector<Item> items() const { return *this; }
  std::vector<std::pair<Key, Value>> pairs() const {
    std::vector<std::pair<Key, Value>> all;
    for (const Item& item : *this) all.push_back(item.pair());
    return all;
  }
  operator std::vector<std::pair<Key, Value>>() const { return pairs(); }
  std::vector<Key> keys() const {
    std::vector<Key> all;
    for (const Item& item : *this) all.push_back(item.first);
    return all;
  }
  std::vector<Value> values() const {
    std::vector<Value> all;
    for (const Item& item : *this) all.push_back(item.second);
    return all;
  }
};

}  // namespace torch
