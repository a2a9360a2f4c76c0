#include "norma/io/pickle.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "norma/core/byte_order.h"
#include "norma/core/read_number.h"
#include "norma/io/pickle_tables.h"

namespace norma::pickle {

namespace {

constexpr std::string_view kOrderedDict = "collections.OrderedDict";

class Machine {
 public:
  Machine(std::string_view bytes, const InputFile& file) : bytes_(bytes), file_(file) {
    for (const Kind kind : {Kind::None, Kind::Bool, Kind::Bool, Kind::Tuple}) make(kind);
    value_.objects[kTrueId].integer = 1;
  }

  Value run() {
    while (!stopped_) step(number<unsigned char>());
    return std::move(value_);
  }

 private:
  static constexpr Id kNoneId = 0, kFalseId = 1, kTrueId = 2, kEmptyTupleId = 3;

  [[noreturn]] void damaged(const auto&... what) const {
    file_.refuse("the pickle is damaged at its byte ", at_, ": ", what...);
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) damaged("it ends too early");
    const std::string_view piece = bytes_.substr(at_, count);
    at_ += count;
    return piece;
  }
  template <class T>
  T number() {
    return load_number<T>(take(sizeof(T)).data());
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) damaged("it ends too early");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }
  // Whether all of `text` is a number that fits.
  template <class T>
  static bool parse(std::string_view text, T& value) {
    const auto [end, error] = read_number(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }
  uint32_t index_line() {
    uint32_t index = 0;
    if (!parse(line(), index)) damaged("an index is no number");
    return index;
  }

  Id make(Kind kind) {
    if (value_.objects.size() == kMaxObjects)
      file_.refuse("expected a pickle of at most ", kMaxObjects, " objects, got more");
    file_.spend(sizeof(Object));
    value_.objects.emplace_back().kind = kind;
    return static_cast<Id>(value_.objects.size() - 1);
  }
  Object& at(Id id) { return value_.objects[id]; }

  // Objects above the last mark may be taken, the others not.
  std::size_t base() const { return marks_.empty() ? 0 : marks_.back(); }
  void need(std::size_t count) const {
    if (stack_.size() - base() < count) damaged("objects are missing");
  }
  void push(Id id) {
    file_.spend(2 * sizeof(Id));  // here, and in the object that takes it
    stack_.push_back(id);
  }
  Object& push_new(Kind kind) {
    push(make(kind));
    return at(stack_.back());
  }
  Id pop() {
    need(1);
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  std::vector<Id> pop_items(std::size_t count) {
    need(count);
    std::vector<Id> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) damaged("a mark is missing");
    std::vector<Id> items = pop_items(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  // One object for all of a value: long lists of them are common.
  Id small_integer(uint8_t value) {
    Id& id = small_[value];
    if (id == kNoneId) at(id = make(Kind::Int)).integer = value;
    return id;
  }
  void push_integer(int64_t value) { push_new(Kind::Int).integer = value; }
  void push_real(double value) { push_new(Kind::Float).integer = std::bit_cast<int64_t>(value); }
  void push_text(Kind kind, std::string_view text) { push_new(kind).text = text; }
  void push_items(Kind kind, std::vector<Id> items) { push_new(kind).items = std::move(items); }

  void push_instead_of(std::string_view /*bytes*/, std::string_view what) {
    push_text(Kind::Other, what);
  }

  void push_long(std::string_view digits) {
    const auto digit = [&](std::size_t i) { return static_cast<unsigned char>(digits[i]); };
    const bool negative = !digits.empty() && (digit(digits.size() - 1) & 0x80) != 0;
    const bool big = digits.size() == 9 && digit(8) == 0;
    if (digits.size() > 8 && !big) return push_text(Kind::Other, kLongNumber);
    uint64_t bits = negative ? ~uint64_t{0} : 0;
    for (std::size_t i = std::min<std::size_t>(digits.size(), 8); i-- > 0;)
      bits = bits << 8 | digit(i);
    push_integer(std::bit_cast<int64_t>(bits));
    if (big && bits >> 63) at(stack_.back()).kind = Kind::BigInt;
  }
  void push_decimal(std::string_view digits) {
    int64_t value = 0;
    uint64_t large = 0;
    if (parse(digits, value)) return push_integer(value);
    if (!parse(digits, large)) return push_text(Kind::Other, kLongNumber);
    push_new(Kind::BigInt).integer = std::bit_cast<int64_t>(large);
  }
  void push_real_bits() {
    uint64_t bits = 0;  // the one number that is big-endian
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    push_real(std::bit_cast<double>(bits));
  }
  void push_real_line() {
    double value = 0;
    if (!parse(line(), value)) damaged("a number is none");
    push_real(value);
  }
  // The texts of protocol 0, whose escapes nobody writes in the name of a tensor.
  void push_escaped(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
      return c != '\\' && static_cast<signed char>(c) >= 0;
    });
    plain ? push_text(Kind::String, text) : push_text(Kind::Other, "a string with escapes");
  }
  void push_quoted(std::string_view text) {
    if (text.size() < 2 || text.front() != text.back() || (text[0] != '"' && text[0] != '\''))
      damaged("a string has no quotes");
    push_escaped(text.substr(1, text.size() - 2));
  }

  Id make_global(std::string_view module, std::string_view attribute) {
    file_.spend(2 * (module.size() + attribute.size()) + 64);
    const Id id = make(Kind::Global);
    at(id).text = value_.names.emplace_back(text(module, ".", attribute));
    return id;
  }

  // `arguments`: a tuple, or whatever else the file has in its place.
  void push_call(Id callable, Id arguments) {
    const Object& given = at(arguments);
    std::string_view name = at(callable).kind == Kind::Global ? at(callable).text : "";
    if (given.items.size() == 3 && name.starts_with("copy") && name.ends_with("._reconstructor")) {
      // Of protocol 1: a class, its base, and what the base makes: perhaps a dict or list.
      const Object &type = at(given.items[0]), &base = at(given.items[2]);
      file_.spend(base.items.size() * sizeof(Id));
      if (base.kind == Kind::Dict || base.kind == Kind::List)
        return push_items(base.kind, base.items);
      name = type.kind == Kind::Global ? type.text : "";
    }
    if (name == kOrderedDict && given.kind == Kind::Tuple && given.items.empty())
      return push_items(Kind::Dict, {});
    push_items(Kind::Call, {callable, arguments});
    at(stack_.back()).text = name;
  }
  Id make_tuple(std::vector<Id> items) {
    const Id id = make(Kind::Tuple);
    at(id).items = std::move(items);
    return id;
  }
  void make_object(std::vector<Id> items) {
    if (items.empty()) damaged("the class of an object is missing");
    const Id type = items.front();
    items.erase(items.begin());
    push_call(type, make_tuple(std::move(items)));
  }

  // The object that `items` go into; null for one of which the items are of no interest.
  std::vector<Id>* filled(Kind kind, const char* action) {
    need(1);
    Object& object = at(stack_.back());
    if (object.kind == Kind::Other) return nullptr;
    if (object.kind == Kind::Call) {  // its class is derived from dict or list
      object.kind = kind;
      object.items.clear();
    }
    if (object.kind != kind && !object.text.empty()) {  // it was such a call
      object = {Kind::Other, 0, kBoth, {}};
      return nullptr;
    }
    if (object.kind != kind) damaged("expected ", action, ", got one for ", describe(object));
    return &object.items;
  }
  void set_items(std::vector<Id> items) {
    if (items.size() % 2 != 0) damaged("a dict has a key without a value");
    if (std::vector<Id>* all = filled(Kind::Dict, "entries for a dict"))
      all->insert(all->end(), items.begin(), items.end());
  }
  void append(std::vector<Id> items) {
    if (std::vector<Id>* all = filled(Kind::List, "entries for a list"))
      all->insert(all->end(), items.begin(), items.end());
  }

  void put(uint32_t index) {
    need(1);
    file_.spend(64);
    memo_.insert_or_assign(memo_.end(), index, stack_.back());
  }
  void get(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged("it names an object that it has not made");
    push(found->second);
  }

  void finish() {
    if (stack_.size() != 1 || !marks_.empty()) damaged("it ends with other than one object");
    value_.root = stack_.front();
    stopped_ = true;
  }

  void step(unsigned char op) {
    if (!step_stack(op) && !step_value(op) && !step_object(op))
      damaged("it has the unknown opcode ", op);
  }

  // Opcodes that move objects.
  bool step_stack(unsigned char op) {
    switch (op) {
      case kProto:
        if (const auto version = number<unsigned char>(); version > 5)
          file_.refuse("expected a pickle of the protocols 0 to 5, got ", version);
        return true;
      case kFrame:
        if (number<uint64_t>() > bytes_.size() - at_) damaged("it ends too early");
        return true;
      case kStop:
        return finish(), true;
      case kMark:
        file_.spend(sizeof(std::size_t));
        return marks_.push_back(stack_.size()), true;
      case kPop:
        if (stack_.size() > base())
          pop();
        else
          pop_to_mark();
        return true;
      case kPopMark:
        return pop_to_mark(), true;
      case kDup:
        need(1);
        return push(stack_.back()), true;
      case kPut:
        return put(index_line()), true;
      case kBinPut:
        return put(number<uint8_t>()), true;
      case kLongBinPut:
        return put(number<uint32_t>()), true;
      case kMemoize:
        return put(static_cast<uint32_t>(memo_.size())), true;
      case kGet:
        return get(index_line()), true;
      case kBinGet:
        return get(number<uint8_t>()), true;
      case kLongBinGet:
        return get(number<uint32_t>()), true;
      default:
        return false;
    }
  }

  // Opcodes that push a value that stands in the pickle itself.
  bool step_value(unsigned char op) {
    switch (op) {
      case kNone:
        return push(kNoneId), true;
      case kNewTrue:
        return push(kTrueId), true;
      case kNewFalse:
        return push(kFalseId), true;
      case kInt:
        if (const std::string_view digits = line(); digits == "00" || digits == "01")
          push(digits == "01" ? kTrueId : kFalseId);
        else
          push_decimal(digits);
        return true;
      case kLong: {
        const std::string_view digits = line();
        return push_decimal(digits.substr(0, digits.size() - (digits.ends_with('L') ? 1 : 0))),
               true;
      }
      case kBinInt:
        return push_integer(number<int32_t>()), true;
      case kBinInt1:
        return push(small_integer(number<uint8_t>())), true;
      case kBinInt2:
        return push_integer(number<uint16_t>()), true;
      case kLong1:
        return push_long(take(number<uint8_t>())), true;
      case kLong4:
        return push_long(take(number<uint32_t>())), true;
      case kFloat:
        return push_real_line(), true;
      case kBinFloat:
        return push_real_bits(), true;
      case kString:
        return push_quoted(line()), true;
      case kUnicode:
        return push_escaped(line()), true;
      case kShortBinString:
      case kShortBinUnicode:
        return push_text(Kind::String, take(number<uint8_t>())), true;
      case kBinString:
      case kBinUnicode:
        return push_text(Kind::String, take(number<uint32_t>())), true;
      case kBinUnicode8:
        return push_text(Kind::String, take(number<uint64_t>())), true;
      case kShortBinBytes:
        return push_instead_of(take(number<uint8_t>()), kBytes), true;
      case kBinBytes:
        return push_instead_of(take(number<uint32_t>()), kBytes), true;
      case kBinBytes8:
      case kByteArray8:
        return push_instead_of(take(number<uint64_t>()), kBytes), true;
      case kNextBuffer:
        return push_instead_of("", "bytes outside of the pickle"), true;
      case kReadonlyBuffer:
        return need(1), true;
      case kExt1:
        return push_instead_of(take(1), kExtension), true;
      case kExt2:
        return push_instead_of(take(2), kExtension), true;
      case kExt4:
        return push_instead_of(take(4), kExtension), true;
      default:
        return false;
    }
  }

  // Opcodes that make objects of other objects.
  bool step_object(unsigned char op) {
    switch (op) {
      case kEmptyTuple:
        return push(kEmptyTupleId), true;
      case kEmptyList:
        return push_items(Kind::List, {}), true;
      case kEmptyDict:
        return push_items(Kind::Dict, {}), true;
      case kEmptySet:
        return push_text(Kind::Other, kSet), true;
      case kTuple1:
        return push_items(Kind::Tuple, pop_items(1)), true;
      case kTuple2:
        return push_items(Kind::Tuple, pop_items(2)), true;
      case kTuple3:
        return push_items(Kind::Tuple, pop_items(3)), true;
      case kTuple:
        return push_items(Kind::Tuple, pop_to_mark()), true;
      case kList:
        return push_items(Kind::List, pop_to_mark()), true;
      case kDict: {
        std::vector<Id> items = pop_to_mark();
        push_new(Kind::Dict);
        return set_items(std::move(items)), true;
      }
      case kFrozenSet:
        pop_to_mark();
        return push_text(Kind::Other, kSet), true;
      case kAppend:
        return append(pop_items(1)), true;
      case kAppends:
        return append(pop_to_mark()), true;
      case kSetItem:
        return set_items(pop_items(2)), true;
      case kSetItems:
        return set_items(pop_to_mark()), true;
      case kAddItems:
        pop_to_mark();
        return need(1), true;
      case kGlobal: {
        const std::string_view module = line();
        return push(make_global(module, line())), true;
      }
      case kStackGlobal: {
        const Id attribute = pop(), module = pop();
        if (at(module).kind != Kind::String || at(attribute).kind != Kind::String)
          damaged("a name is no string");
        return push(make_global(at(module).text, at(attribute).text)), true;
      }
      case kPersId:
        push_text(Kind::String, line());
        [[fallthrough]];
      case kBinPersId:
        return push_items(Kind::StoredId, pop_items(1)), true;
      case kReduce:
      case kNewObj: {
        const Id arguments = pop(), callable = pop();
        return push_call(callable, arguments), true;
      }
      case kNewObjEx: {
        pop();  // arguments by name
        const Id arguments = pop(), type = pop();
        return push_call(type, arguments), true;
      }
      case kInst: {
        const std::string_view module = line();
        const Id type = make_global(module, line());
        return push_call(type, make_tuple(pop_to_mark())), true;
      }
      case kObj:
        return make_object(pop_to_mark()), true;
      case kBuild:
        pop();  // attributes
        return need(1), true;
      default:
        return false;
    }
  }

  std::string_view bytes_;
  const InputFile& file_;
  std::size_t at_ = 0;
  bool stopped_ = false;  // after the last opcode
  Value value_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::map<uint32_t, Id> memo_;  // no hash: the file chooses the numbers
  std::array<Id, 256> small_{};  // kNoneId where it was not needed yet
};

std::string made_by(std::string_view name) {
  for (const auto& [maker, made] : kMakers)
    if (maker.ends_with('*') ? name.starts_with(maker.substr(0, maker.size() - 1)) : name == maker)
      return std::string(made);
  return name.empty() ? "an object of an unnamed class" : "an object of " + in_quotes(name);
}

}  // namespace

Value read(std::string_view bytes, const InputFile& file) { return Machine(bytes, file).run(); }

std::string describe(const Object& object) {
  constexpr const char* kKinds[] = {"None",
                                    "a bool",
                                    "a whole number",
                                    "a whole number beyond 2^63 - 1",
                                    "a float",
                                    "the string ",
                                    "a tuple",
                                    "a list",
                                    "a dict",
                                    "the name ",
                                    "a storage without a tensor"};
  if (object.kind == Kind::Call) return made_by(object.text);
  if (object.kind == Kind::Other) return std::string(object.text);
  const bool named = object.kind == Kind::String || object.kind == Kind::Global;
  return text(kKinds[static_cast<std::size_t>(object.kind)], named ? in_quotes(object.text) : "");
}

}  // namespace norma::pickle
