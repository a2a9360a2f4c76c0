// What a file can cost: memory of at most 200 times its size and 16 MiB, and work in proportion,
// whatever it holds.
#include <malloc.h>
#include <norma/norma.h>

#include <chrono>
#include <functional>
#include <new>
#include <span>
#include <sstream>
#include <tuple>

#include "norma/tests/io/support.h"
#include "norma/tests/io/zip_builder.h"

using namespace norma;

namespace {

std::size_t live = 0, peak = 0;  // of operator new; the tests have one thread
#ifdef NORMA_SANITIZE
constexpr std::size_t kMany = 100'000;
#else
constexpr std::size_t kMany = 600'000;
#endif
int64_t until_failure = -1;  // so many more calls succeed

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  while (times-- > 0) result += text;
  return result;
}

// Every level holds the one below ten times.
std::string laughs(int levels) {
  std::string text = "]q" + le(0, 1);
  for (int i = 0; i < levels; ++i)
    text += "](" + repeated("h" + le(static_cast<uint64_t>(i), 1), 10) + "eq" +
            le(static_cast<uint64_t>(i) + 1, 1);
  return "(" + text + "t.";  // the list of the last level is the last of a tuple
}

std::string of_pickle(const std::string& pickle) { return torch_file_of("\x80\x02" + pickle); }
std::string of_packed(const std::string& pickle) {
  return zip_of({packed("x/data.pkl", "\x80\x02" + pickle), {"x/version", "3"}});
}

std::string numbered(const std::string& piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "J" + le(i, 4) + piece;
  return text;
}

std::string entries(const std::string& entry, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += norma::text(i ? "," : "", "\"", i, "\":", entry);
  return text + "}";
}

struct Cost {
  std::string message;
  std::size_t memory;
  double seconds;
};

Cost cost_of(const std::string& bytes) {
  const std::size_t before = live;
  const int64_t tensors_before = live_storage_bytes();
  peak = live;
  const auto start = std::chrono::steady_clock::now();
  Cost cost{error_of([&] {
              const TensorFile file = load_tensors(std::as_bytes(std::span(bytes)));
              peak += static_cast<std::size_t>(live_storage_bytes() - tensors_before);
            }),
            0, 0};
  cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  cost.memory = peak - before;
  return cost;
}

// How often `action` fails if each call of operator new fails in turn, until it goes through.
int failures_of(const std::function<void()>& action) {
  int failures = 0;
  for (int64_t calls = 0;; ++calls) {
    until_failure = calls;
    const char* failed = nullptr;
    try {
      action();
    } catch (const Error&) {
      failed = "Error";
    } catch (...) {
      failed = "another exception";
    }
    const bool reached = until_failure < 0;
    until_failure = -1;
    if (!reached) return failures;
    if (failed != nullptr && failed != std::string("Error"))
      FAIL("call " << calls << " ended in " << failed);
    failures += failed != nullptr;
  }
}

// Names of 16 printable bytes that std::hash of libstdc++ (MurmurHash64A with a fixed seed) maps to
// one number: for any first half, there is one second half that leads there.
std::vector<std::string> colliding_names() {
  constexpr std::size_t kNames = 20'000;
  constexpr uint64_t kMul = 0xc6a4a7935bd1e995, kSeed = 0xc70f6907;
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMul * inverse;
  const auto mix = [](uint64_t x) { return x ^ x >> 47; };  // its own inverse
  std::vector<std::string> names;
  for (uint64_t i = 0; names.size() < kNames; ++i) {
    char name[16];
    for (std::size_t j = 0; j < 8; ++j) name[j] = static_cast<char>('a' + (i >> 4 * j & 15));
    uint64_t half = 0;
    std::memcpy(&half, name, 8);
    const uint64_t hash = (kSeed ^ 16 * kMul ^ mix(half * kMul) * kMul) * kMul;
    half = mix(hash * inverse) * inverse;
    std::memcpy(name + 8, &half, 8);
    if (std::all_of(name + 8, name + 16,
                    [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; }))
      names.emplace_back(name, 16);
  }
  return names;
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = until_failure == 0 ? nullptr : std::malloc(size);
  --until_failure;
  if (!memory) throw std::bad_alloc();
  live += malloc_usable_size(memory);
  peak = std::max(peak, live);
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  if (memory) live -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }

TEST_CASE("No file takes more memory than 200 times its size and 16 MiB, nor long") {
  const std::string tensor = p_tensor(p_storage(), 0, p_ints({2}), p_ints({1}));
  const std::string long_text = p_string(std::string(200'000, 's')) + "q\x01";
  const std::string u8 = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const std::pair<const char*, std::string> cases[] = {
      {"levels of ten", of_pickle(laughs(20))},
      {"one list a thousand times, deflated",
       of_packed("](]q" + le(0, 1) + "(" + std::string(2000, 'N') + "e" + repeated("h" + le(0, 1), 1500) + "e.")},
      {"one string thousands of times", of_pickle("](" + long_text + repeated("h\x01", 50'000) + "e.")},
      {"one key thousands of times", of_pickle("}(" + long_text + "N" + repeated("h\x01N", 50'000) + "u.")},
      {"one name thousands of times", of_pickle("](" + long_text + repeated("h\x01h\x01\x93", 50'000) + "e.")},
      {"a long key of lists", of_pickle("}" + long_text + "](" + std::string(100'000, 'N') + "es.")},
      {"lists", of_pickle("](" + std::string(kMany, ']') + "e.")},
      {"bytes", of_pickle("](" + repeated(std::string("C\0", 2), kMany / 3) + "e.")},
      {"calls", of_pickle("](" + p_global("a", "b") + "q\x01" + repeated("h\x01)R", kMany) + "e.")},
      {"marks", of_pickle(std::string(kMany, '('))},
      {"copies", of_pickle("N" + std::string(kMany, '2'))},
      {"memos", of_pickle("N" + repeated("\x94", kMany) + ".")},
      {"a deep tuple", of_pickle("N" + std::string(kMany, '\x85') + ".")},
      {"a deep list", of_pickle(std::string(kMany, ']') + std::string(kMany - 1, 'a') + ".")},
      {"long numbers", of_pickle("](" + repeated("\x8a\xff" + std::string(255, '\1'), 20'000) + "e.")},
      {"a long number in digits", of_pickle("L" + std::string(kMany, '9') + "\n.")},
      {"one tensor under many names",
       of_pickle("}(" + p_string("w") + tensor + "q\x01" + numbered("h\x01", 100'000) + "u.")},
      {"many small tensors", of_pickle("}(" + numbered(tensor, 20'000) + "u.")},
      {"parameters of parameters",
       of_pickle(p_global("torch._utils", "_rebuild_parameter") + "q\x01" + tensor +
                 repeated("q\x02h\x01h\x02NN\x87R", 100'000) + ".")},
      {"an odd pickle of zeros, deflated", of_packed(std::string(50'000'000, '\0'))},
      {"lists, deflated", of_packed("](" + std::string(kMany, ']') + "e.")},
      {"a storage of zeros, deflated",
       zip_of({{"x/data.pkl", p_file(p_tensor(p_storage("FloatStorage", 10'000'000), 0, p_ints({2}), p_ints({1})))},
               packed("x/data/0", std::string(40'000'000, '\0')), {"x/version", "3"}})},
      {"small integers",
       zip_of({{"x/data.pkl", p_file(p_tensor(p_storage("CharStorage", 4'000'000), 0, p_ints({2}), p_ints({1})))},
               {"x/data/0", std::string(4'000'000, '\1')}, {"x/version", "3"}})},
      {"many entries of nothing",
       [] {
         std::vector<Packed> list{{"x/data.pkl", p_file("N")}};
         for (int i = 0; i < 60'000; ++i) list.push_back({text("x/", i), ""});
         return zip_of(list);
       }()},
      {"many empty tensors", file_of(entries(u8, 30'000))},
      {"many unknown dtypes", file_of(entries(R"({"dtype":"","shape":[],"data_offsets":[0,0]})", 30'000))},
      {"many dimensions",
       file_of("{\"x\":{\"dtype\":\"U8\",\"shape\":[" + repeated("1,", kMany) + "0],\"data_offsets\":[0,0]}}")},
      {"many notes", file_of("{\"__metadata__\":" + entries("\"\"", 100'000) + "}")},
      {"deep lists in JSON", file_of("{\"x\":{\"shape\":" + std::string(kMany, '['))},
      {"deep objects in JSON", file_of(repeated("{\"x\":", kMany))}};
  for (const auto& [name, bytes] : cases) {
    CAPTURE(name);
    const Cost cost = cost_of(bytes);
    CAPTURE(bytes.size(), cost.message, cost.memory, cost.seconds);
    CHECK(cost.memory < 200 * bytes.size() + (std::size_t{16} << 20));
    CHECK(cost.seconds < 20);  // some take a second here; what grows without bound takes hours
    if (std::getenv("NORMA_PRINT_COSTS"))
      std::printf("%-40s %9zu bytes %7.1f times %7.3f s  %.90s\n", name, bytes.size(),
                  double(cost.memory) / double(bytes.size()), cost.seconds, cost.message.c_str());
  }
}

TEST_CASE("A file that would cost more is refused with the bound") {
  const Cost cost = cost_of(of_pickle(laughs(20)));
  CHECK(has(cost.message,
            "[torch] bytes in memory: expected contents that take at most 200 times the "));
  CHECK(
      has(cost.message, " bytes of the file and 16777216 more, got others: the file is damaged "));
}

TEST_CASE("Honest files stay below the bound") {
  for (const std::string& number :
       {"G" + std::string(8, '\x3f'), std::string("K\x07"), std::string("\x88")}) {
    const std::string list = "](" + repeated(number, kMany) + "e";
    const std::string bytes = of_pickle(
        p_dict({{p_string("history"), p_dict({{p_string("validation loss"), list}})}}) + ".");
    CAPTURE(number.size());
    CHECK(cost_of(bytes).message == "no error");
  }
}

TEST_CASE("Want of memory at any point of a reader is an Error, and the next try succeeds") {
  const std::string tensor = p_tensor(p_storage(), 0, p_ints({2}), p_ints({1}));
  const std::string torch = zip_of({packed("x/data.pkl", p_file(tensor) + "."),
                                    {"x/data/0", std::string(24, '\0')},
                                    {"x/version", "3"}});
  const std::string plain =
      file_of(R"({"__metadata__":{"a":"a note that is longer than any small buffer of a string"},)"
              R"("weight with a long name":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
              R"("other":{"dtype":"C64","shape":[0],"data_offsets":[4,4]}})",
              4);
  for (const std::string& bytes : {torch, plain}) {
    CHECK(failures_of([&] { load_tensors(std::as_bytes(std::span(bytes))); }) > 20);
    CHECK(load_tensors(std::as_bytes(std::span(bytes))).tensors.size() == 1);
  }
}

TEST_CASE("Want of memory at any point of a save or of a checkpoint is an Error") {
  const TempFolder scratch;
  const std::string path = scratch / "a file with a name that no small buffer of a string holds";
  nn::Linear net(2, 3);
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  net(ones({1, 2})).sum().backward();
  sgd.step();
  const CheckpointParts parts{.module = &net,
                              .optimizer = &sgd,
                              .loader = LoaderPosition{},
                              .metadata = {{"a long key of a note", "a note that is longer yet"}}};
  const CheckpointTargets targets{.module = &net, .optimizer = &sgd};
  const NamedTensors state = net.state_dict();
  std::vector<std::byte> bytes;
  std::ostringstream out;
  const auto afresh = [&]() -> std::ostream& { return out.clear(), out.str({}), out; };

  CHECK(failures_of([&] { save(net, path); }) > 20);
  CHECK(failures_of([&] { save(net, bytes); }) > 20);
  CHECK(failures_of([&] { save(net, afresh()); }) > 20);
  CHECK(failures_of([&] { save_safetensors(state, path); }) > 20);
  CHECK(failures_of([&] { save_safetensors(state, bytes); }) > 20);
  CHECK(failures_of([&] { save_safetensors(state, afresh()); }) > 20);
  CHECK(failures_of([&] { load_safetensors(path); }) > 20);
  CHECK(failures_of([&] { is_torch_file(path); }) > 0);
  CHECK(failures_of([&] { save_checkpoint(path, parts); }) > 40);
  CHECK(failures_of([&] { save_checkpoint(bytes, parts); }) > 40);
  CHECK(failures_of([&] { save_checkpoint(afresh(), parts); }) > 40);
  std::istringstream in(out.str());
  CHECK(failures_of([&] { load_checkpoint(path, targets); }) > 40);
  CHECK(failures_of([&] { load_checkpoint(bytes, targets); }) > 40);
  CHECK(failures_of([&] { load_checkpoint((in.clear(), in.seekg(0), in), targets); }) > 40);
}

TEST_CASE("Numbers and names that a hash table would put into one place take no longer") {
  constexpr uint32_t kNumbers = 50'393, kBuckets = 85'229;
  const auto memo = [](uint32_t step) {
    std::string puts = "N", gets;
    for (uint32_t i = 1; i <= kNumbers; ++i) {
      puts += "r" + le(i * step, 4);
      gets += "j" + le(i * step, 4) + "0";
    }
    return of_pickle(puts + gets + ".");
  };
  const std::vector<std::string> colliding = colliding_names();
  std::vector<std::string> ordinary;
  for (std::size_t i = 0; i < colliding.size(); ++i)
    ordinary.push_back(text("an ordinary", 10'000 + i));
  REQUIRE(std::hash<std::string>()(colliding.front()) ==
          std::hash<std::string>()(colliding.back()));
  const auto pickled = [](const std::vector<std::string>& names) {
    std::string dict = "}(";
    for (const std::string& name : names) dict += p_string(name) + "\x8f";  // a set
    return of_pickle(dict + "u.");
  };
  const auto zipped = [](const std::vector<std::string>& names) {
    std::vector<Packed> list{{"x/data.pkl", p_file("N")}};
    for (const std::string& name : names) list.push_back({name, ""});
    return zip_of(list);
  };
  const auto header = [](const std::vector<std::string>& names) {
    std::string json = "{";
    for (const std::string& name : names)
      json += text(json.size() == 1 ? "" : ",", "\"", name,
                   R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
    return file_of(json + "}");
  };
  const std::tuple<const char*, std::string, std::string> cases[] = {
      {"memo", memo(1), memo(kBuckets)},
      {"entries of a pickle", pickled(ordinary), pickled(colliding)},
      {"entries of an archive", zipped(ordinary), zipped(colliding)},
      {"tensors of a header", header(ordinary), header(colliding)}};
  for (const auto& [name, plain, hostile] : cases) {
    const double usual = cost_of(plain).seconds, seconds = cost_of(hostile).seconds;
    CAPTURE(name, usual, seconds);
    CHECK(seconds < 10 * usual + 0.5);
  }

  const auto seconds_of_load = [](const std::vector<std::string>& names) {
    NamedTensors state;
    for (const std::string& name : names) state.emplace_back(name, Tensor(ones({1})));
    nn::Linear net(1, 1);
    const auto start = std::chrono::steady_clock::now();
    CHECK(net.load_state_dict(state, false).unexpected.size() == names.size());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double usual = seconds_of_load(ordinary);
  CHECK(seconds_of_load(colliding) < 10 * usual + 0.5);
}

TEST_CASE("A message shows the beginning of a shape of many dimensions") {
  const auto message = [](const std::string& dtype, const std::string& sizes) {
    return cost_of(file_of("{\"x\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + sizes +
                           "],\"data_offsets\":[0,0]}}"))
        .message;
  };
  const std::string shown = "[2, 2, 2, 2, 2, 2, 2, 2, 2, … (100000 more)]";
  CHECK(has(message("U8", repeated("2,", 100'008) + "2"),
            "the shape " + shown + " has too many elements"));
  CHECK(has(message("F4", repeated("1,", 99'999) + "3"),
            "shape [1, 1, 1, 1, 1, 1, 1, 1, 1, … (99991 more)] does not fill whole bytes"));
  CHECK(has(message("U8", repeated("1,", 9) + "1"),
            "shape [1, 1, 1, 1, 1, 1, 1, 1, 1, … (1 more)]: expected 1 bytes"));
  CHECK(has(message("U8", repeated("1,", 8) + "1"),
            "shape [1, 1, 1, 1, 1, 1, 1, 1, 1]: expected 1 bytes"));
}
