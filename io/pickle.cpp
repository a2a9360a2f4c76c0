#include "norma/io/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace norma::pickle {

namespace {

constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// Opcodes of the pickle protocols, under the names of Python's pickle module.
enum Op : unsigned char {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kEmptyList = ']',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95
};

// Those that are refused, for the message.
constexpr std::pair<unsigned char, const char*> kRefused[] = {{'0', "POP"},
                                                              {'1', "POP_MARK"},
                                                              {'2', "DUP"},
                                                              {'B', "BINBYTES"},
                                                              {'C', "SHORT_BINBYTES"},
                                                              {'F', "FLOAT"},
                                                              {'I', "INT"},
                                                              {'L', "LONG"},
                                                              {'P', "PERSID"},
                                                              {'S', "STRING"},
                                                              {'T', "BINSTRING"},
                                                              {'U', "SHORT_BINSTRING"},
                                                              {'V', "UNICODE"},
                                                              {'d', "DICT"},
                                                              {'g', "GET"},
                                                              {'i', "INST"},
                                                              {'l', "LIST"},
                                                              {'o', "OBJ"},
                                                              {'p', "PUT"},
                                                              {0x81, "NEWOBJ"},
                                                              {0x82, "EXT1"},
                                                              {0x83, "EXT2"},
                                                              {0x84, "EXT4"},
                                                              {0x8b, "LONG4"},
                                                              {0x8e, "BINBYTES8"},
                                                              {0x8f, "EMPTY_SET"},
                                                              {0x90, "ADDITEMS"},
                                                              {0x91, "FROZENSET"},
                                                              {0x92, "NEWOBJ_EX"},
                                                              {0x96, "BYTEARRAY8"},
                                                              {0x97, "NEXT_BUFFER"},
                                                              {0x98, "READONLY_BUFFER"}};

// What to do in Python about a name that is refused.
const char* hint(std::string_view name) {
  if (name.starts_with("numpy."))
    return "in Python, save torch.from_numpy(array) for an array of NumPy and number.item() for a "
           "number of its";
  if (name.starts_with("torch._utils._rebuild_") ||
      (name.starts_with("torch.") && name.ends_with("Storage")))
    return "there are no tensors of this kind here: convert them in Python, or leave them out";
  return "in Python, torch.save(model.state_dict(), path) writes what can be read";
}

class Machine {
 public:
  Machine(std::string_view bytes, std::span<const std::string_view> allowed, const InputFile& file)
      : bytes_(bytes), allowed_(allowed), file_(file) {
    for (const Kind kind : {Kind::None, Kind::Bool, Kind::Bool, Kind::Tuple}) make(kind);
    value_.objects[kTrueId].integer = 1;
  }

  Value run() {
    while (!stopped_) step(number<unsigned char>());
    return std::move(value_);
  }

 private:
  static constexpr Id kNoneId = 0, kFalseId = 1, kTrueId = 2, kEmptyTupleId = 3;

  [[noreturn]] void stop(const auto&... pieces) const { file_.refuse(pieces...); }
  [[noreturn]] void damaged(const auto&... what) const {
    stop("the pickle is damaged at its byte ", at_, ": ", what...);
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) damaged("it ends too early");
    const std::string_view piece = bytes_.substr(at_, count);
    at_ += count;
    return piece;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) damaged("it ends too early");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  void check_room(std::size_t count) const {
    if (count == kMaxObjects)
      stop("expected a pickle of at most ", kMaxObjects, " objects, got more");
  }
  Id make(Kind kind) {
    check_room(value_.objects.size());
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
    check_room(stack_.size());
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
  // The object that the next step adds to.
  Object& top(Kind kind, const char* action) {
    need(1);
    Object& object = at(stack_.back());
    if (object.kind != kind) stop("expected ", action, ", got one for ", describe(object));
    return object;
  }

  void push_integer(int64_t value) { push_new(Kind::Int).integer = value; }
  void push_text(Kind kind, std::string_view text) { push_new(kind).text = text; }
  void push_items(Kind kind, std::vector<Id> items) { push_new(kind).items = std::move(items); }

  void push_long() {
    const std::string_view digits = take(number<unsigned char>());
    const auto digit = [&](std::size_t i) { return static_cast<unsigned char>(digits[i]); };
    const bool negative = !digits.empty() && (digit(digits.size() - 1) & 0x80) != 0;
    const bool big = digits.size() == 9 && digit(8) == 0;
    if (digits.size() > 8 && !big)
      stop("expected whole numbers of at most 64 bits, got one of ", digits.size(), " bytes");
    uint64_t bits = negative ? ~uint64_t{0} : 0;
    for (std::size_t i = std::min<std::size_t>(digits.size(), 8); i-- > 0;)
      bits = bits << 8 | digit(i);
    push_integer(std::bit_cast<int64_t>(bits));
    if (big && bits >> 63) at(stack_.back()).kind = Kind::BigInt;
  }

  void push_real() {
    uint64_t bits = 0;  // the one number that is big-endian
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    push_new(Kind::Float).real = std::bit_cast<double>(bits);
  }

  void push_global(std::string_view module, std::string_view attribute) {
    const std::string name = text(module, ".", attribute);
    if (name == kOrderedDict) return push_text(Kind::Global, kOrderedDict);
    for (const std::string_view known : allowed_)
      if (name == known) return push_text(Kind::Global, known);
    stop("expected tensors, numbers and strings in plain dicts, lists and tuples, got the name ",
         quoted(name), ", of which nothing was executed; ", hint(name));
  }

  void reduce() {
    need(2);
    const Id arguments = pop(), callable = pop();
    if (at(callable).kind != Kind::Global || at(arguments).kind != Kind::Tuple)
      stop("expected the call of a name, got one of ", describe(at(callable)), " with ",
           describe(at(arguments)));
    if (at(callable).text != kOrderedDict) return push_items(Kind::Call, {callable, arguments});
    if (!at(arguments).items.empty())
      stop("expected an OrderedDict that starts empty, got arguments for it");
    push_new(Kind::Dict).ordered = true;
  }

  void build() {
    const Id state = pop();
    need(1);
    const Object& object = at(stack_.back());
    if (!object.ordered || at(state).kind != Kind::Dict)
      stop("expected no attributes besides those of an OrderedDict, got some of ",
           describe(object));
  }

  void set_items(std::vector<Id> items) {
    std::vector<Id>& all = top(Kind::Dict, "entries for a dict").items;
    if (items.size() % 2 != 0) damaged("a dict has a key without a value");
    all.insert(all.end(), items.begin(), items.end());
  }
  void append(std::vector<Id> items) {
    std::vector<Id>& all = top(Kind::List, "entries for a list").items;
    all.insert(all.end(), items.begin(), items.end());
  }

  void put(uint32_t index) {
    need(1);
    check_room(memo_.size());
    memo_[index] = stack_.back();
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
    switch (op) {
      case kProto:
        if (const auto version = number<unsigned char>(); version < 2 || version > 5)
          stop("expected a pickle of the protocols 2 to 5, got ", version);
        return;
      case kFrame:
        if (number<uint64_t>() > bytes_.size() - at_) damaged("it ends too early");
        return;
      case kStop:
        return finish();
      case kMark:
        if (marks_.size() == kMaxObjects) damaged("it has too many marks");
        marks_.push_back(stack_.size());
        return;
      case kNone:
        return push(kNoneId);
      case kNewTrue:
        return push(kTrueId);
      case kNewFalse:
        return push(kFalseId);
      case kEmptyTuple:
        return push(kEmptyTupleId);
      case kBinInt:
        return push_integer(number<int32_t>());
      case kBinInt1:
        return push_integer(number<uint8_t>());
      case kBinInt2:
        return push_integer(number<uint16_t>());
      case kLong1:
        return push_long();
      case kBinFloat:
        return push_real();
      case kShortBinUnicode:
        return push_text(Kind::String, take(number<uint8_t>()));
      case kBinUnicode:
        return push_text(Kind::String, take(number<uint32_t>()));
      case kBinUnicode8:
        return push_text(Kind::String, take(number<uint64_t>()));
      case kEmptyList:
        return push_items(Kind::List, {});
      case kEmptyDict:
        return push_items(Kind::Dict, {});
      case kTuple1:
        return push_items(Kind::Tuple, pop_items(1));
      case kTuple2:
        return push_items(Kind::Tuple, pop_items(2));
      case kTuple3:
        return push_items(Kind::Tuple, pop_items(3));
      case kTuple:
        return push_items(Kind::Tuple, pop_to_mark());
      case kAppend:
        return append(pop_items(1));
      case kAppends:
        return append(pop_to_mark());
      case kSetItem:
        return set_items(pop_items(2));
      case kSetItems:
        return set_items(pop_to_mark());
      case kGlobal: {
        const std::string_view module = line();
        return push_global(module, line());
      }
      case kStackGlobal: {
        const Id attribute = pop(), module = pop();
        if (at(module).kind != Kind::String || at(attribute).kind != Kind::String)
          damaged("a name is no string");
        return push_global(at(module).text, at(attribute).text);
      }
      case kBinPersId:
        return push_items(Kind::StoredId, pop_items(1));
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      case kBinPut:
        return put(number<uint8_t>());
      case kLongBinPut:
        return put(number<uint32_t>());
      case kMemoize:
        return put(static_cast<uint32_t>(memo_.size()));
      case kBinGet:
        return get(number<uint8_t>());
      case kLongBinGet:
        return get(number<uint32_t>());
      default:
        break;
    }
    for (const auto& refused : kRefused)
      if (refused.first == op)
        stop("expected tensors, numbers and strings in plain dicts, lists and tuples, got the ",
             "pickle opcode ", refused.second, ", of which nothing was executed");
    damaged("it has the unknown opcode ", op);
  }

  std::string_view bytes_;
  std::span<const std::string_view> allowed_;
  const InputFile& file_;
  std::size_t at_ = 0;
  bool stopped_ = false;  // after the last opcode
  Value value_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<uint32_t, Id> memo_;
};

}  // namespace

Value read(std::string_view bytes, std::span<const std::string_view> allowed,
           const InputFile& file) {
  return Machine(bytes, allowed, file).run();
}

std::string describe(const Object& object) {
  constexpr const char* kKinds[] = {
      "None",    "a bool",      "a whole number", "a whole number beyond 2^63 - 1",
      "a float", "the string ", "a tuple",        "a list",
      "a dict",  "the name ",   "a storage",      "a tensor"};
  const bool named = object.kind == Kind::String || object.kind == Kind::Global;
  return text(kKinds[static_cast<std::size_t>(object.kind)], named ? quoted(object.text) : "");
}

}  // namespace norma::pickle
