// Files, data sets and loaders.
#include <iterator>
#include <span>
#include <sstream>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/temp_folder.h"
#include "norma/tests/surface/hostile.h"

using namespace norma;
using surface::Hostile;
using surface::Row;
using surface::use;

namespace {

std::string folder;  // of the parent: children end without destructors

/// A path: nothing, a folder, a file of other things, a file of this test.
std::string place(Hostile& h) {
  const std::string own = folder + "/file";
  const std::string places[] = {own,
                                own,
                                own,
                                "",
                                "/",
                                "/proc/self/status",
                                "/nowhere/at/all",
                                folder,
                                folder + "/" + h.word("name")};
  return places[h.below(std::ssize(places))];
}

data::DataLoaderOptions options(Hostile& h) {
  data::DataLoaderOptions o{.batch_size = h.whole(3),
                            .shuffle = h.flag(),
                            .drop_last = h.flag(),
                            .prefetch = h.flag(),
                            .num_workers = h.whole(1)};
  if (h.flag()) o.transforms.push_back([](const Tensor& x, Generator&) { return x; });
  if (h.whole(1) != 1) o.transforms.push_back({});
  if (h.whole(1) != 1) o.target_transforms.push_back({});
  if (h.whole(1) != 1) o.batch_transforms.push_back({});
  if (h.whole(1) != 1) o.collate_fn = [](const auto&) { return data::Batch(); };
  if (h.whole(1) != 1) o.transforms.push_back([](const Tensor&, Generator&) { return Tensor(); });
  return o;
}

data::Sampler sampler(Hostile& h) {
  switch (h.below(5)) {
    case 0:
      return data::SequentialSampler();
    case 1:
      return data::RandomSampler({.replacement = h.flag(), .num_samples = h.whole(5)});
    case 2:
      return data::WeightedRandomSampler(h.tensor({7}, kFloat64), h.whole(5), h.flag());
    case 3:
      return data::SubsetRandomSampler({h.whole(1), h.whole(2), h.whole(6)});
    default: {
      const Tensor order = h.tensor({3}, kInt64);
      return {[order](int64_t, Generator&) { return order; }, h.whole(3)};
    }
  }
}

/// A data set of a program's own.
struct Own {
  explicit Own(Hostile& h)
      : length(h.whole(5)), sample(h.tensor({2})), target(h.tensor({}, kInt64)) {}
  int64_t size() const { return length; }
  data::Sample get(int64_t i) const {
    if (i % 3 == 2 && length == 9) return {};
    return {sample, target};
  }
  int64_t length;
  Tensor sample, target;
};

void go_through(data::DataLoader& loader, Hostile& h) {
  static_cast<void>(loader.size());
  int64_t count = 0;
  for (const data::Batch& batch : loader) {
    use(batch.inputs);
    if (++count > 20) break;
  }
  LoaderPosition position = loader.position();
  loader.set_position(position);
  loader.set_epoch(h.whole(0));
}

data::CsvOptions csv(Hostile& h) {
  data::CsvOptions o{.header = static_cast<data::CsvHeader>(h.below(3)),
                     .dtype = h.dtype(),
                     .skip_rows = h.whole(0)};
  if (h.flag()) o.missing = h.real(0);
  if (h.whole(1) != 1) o.columns = {h.whole(1), h.word("a")};
  if (h.whole(1) != 1) o.skip_columns = {h.whole(1), h.word("a")};
  if (h.whole(1) != 1) o.text_columns = {h.whole(1), h.word("a")};
  if (h.whole(1) != 1) o.skip_lines = {h.whole(1)};
  if (h.whole(1) != 1) o.na_values = {h.word("1")};
  if (h.whole(1) != 1) o.delimiter = h.word(" ").c_str()[0];
  if (h.whole(1) != 1) o.decimal = h.word(",").c_str()[0];
  if (h.whole(1) != 1) o.thousands = h.word(",").c_str()[0];
  if (h.whole(1) != 1) o.classes = {{h.word("x")}, {}};
  return o;
}

const std::vector<Row> kTable = {
    {"*::make_dot",
     [](Hostile& h) {
       nn::Sequential net(nn::Linear(3, 2), nn::ReLU());
       const DotOptions options{.max_nodes = h.whole(100), .saved = h.flag()};
       const auto loss = [&] { return h.tensor({2, 3}) * net(h.tensor({2, 3})).sum(); };
       autograd::make_dot(loss(), options);
       autograd::make_dot(loss(), net, options);
       autograd::make_dot(loss, net, options);
       nn::make_dot(net, h.tensor({2, 3}), options);
       nn::make_dot(net, h.tensors({2, 3}), options);
       if (h.flag()) autograd::make_dot(std::function<Tensor()>(), net);
     }},
    {"*::write_dot",
     [](Hostile& h) {
       nn::Sequential net(nn::Linear(3, 2), nn::ReLU());
       const auto loss = [&] { return net(h.tensor({2, 3})).sum(); };
       autograd::write_dot(place(h), loss());
       autograd::write_dot(place(h), loss(), net);
       autograd::write_dot(place(h), loss, net);
       nn::write_dot(place(h), net, h.tensor({2, 3}));
       nn::write_dot(place(h), net, h.tensors({2, 3}));
     }},
    {"save",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       save(layer, place(h));
       LoadResult r = load(layer, place(h), {.strict = h.flag(), .prefix = h.word("")});
       static_cast<void>(r.empty());
     }},
    {"load",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       std::vector<std::byte> bytes;
       save(layer, bytes);
       bytes.resize(static_cast<std::size_t>(h.below(std::ssize(bytes) + 1)));
       if (!bytes.empty()) bytes[0] = static_cast<std::byte>(h.below(256));
       load(layer, std::span<const std::byte>(bytes), {.prefix = h.word("")});
     }},
    {"load_tensors",
     [](Hostile& h) {
       std::istringstream stream(h.word("text"));
       if (h.flag()) stream.setstate(std::ios::failbit);
       static_cast<void>(load_tensors(stream));
     }},
    {"save",
     [](Hostile& h) {
       std::ostringstream stream;
       if (h.flag()) stream.setstate(std::ios::badbit);
       save(nn::Linear(2, 2), stream);
     }},
    {"load",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       load(layer, place(h));
     }},
    {"save",
     [](Hostile& h) {
       struct Empty : nn::Module {
       } none;
       save(none, place(h));
     }},
    {"load_tensors", [](Hostile& h) { static_cast<void>(load_tensors(place(h))); }},
    {"load_safetensors", [](Hostile& h) { static_cast<void>(load_safetensors(place(h))); }},
    {"load_torch", [](Hostile& h) { static_cast<void>(load_torch(place(h))); }},
    {"is_torch_file", [](Hostile& h) { static_cast<void>(is_torch_file(place(h))); }},
    {"save_safetensors",
     [](Hostile& h) {
       save_safetensors({{h.word("a"), h.tensor({2, 3})}, {h.word("b"), h.tensor({2})}}, place(h),
                        {{h.word("note"), h.word("text")}});
       static_cast<void>(load_safetensors(place(h)));
     }},
    {"History*",
     [](Hostile& h) {
       const std::string path = folder + (h.flag() ? "/run.csv" : "/run.jsonl");
       if (h.flag()) write_bytes(path, h.flag() ? "epoch,step,a\n0,1,2\n" : h.word("{\"a\": 1}\n"));
       const auto number = [&]() -> HistoryNumber {
         if (h.flag()) return h.real(1);
         return h.tensor({1});
       };
       const auto position = [&] {
         HistoryPosition at;
         if (h.flag()) at.epoch = h.whole(1);
         if (h.flag()) at.step = h.whole(2);
         return at;
       };
       std::optional<History> history;
       if (h.whole(1) == 1) {
         history.emplace(path);
       } else {
         history.emplace(place(h));
       }
       history->log({{h.word("a"), number()}}, position());
       const std::vector<NamedNumber> more = {{h.word("b"), number()}, {h.word("c"), number()}};
       history->log(more, position());
       static_cast<void>(history->rows() + std::ssize(history->names()));
       static_cast<void>(history->points(h.word("a")).size() + history->path().size());
       history->resume(position());
       static_cast<void>(history->values(h.word("b")).size());
       static_cast<void>(number().value());
     }},
    {"LayerStatistics::*",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       History history;
       LayerStatistics statistics(layer, history, {.every = h.whole(1), .updates = h.flag()});
       layer(h.tensor({2, 3})).sum().backward();
       statistics.step({.epoch = h.whole(0)});
     }},
    {"save_checkpoint",
     [](Hostile& h) {
       nn::Linear layer(3, 2);
       optim::SGD o(layer.parameters());
       optim::StepLR s(o, 2);
       const Generator g;
       CheckpointParts parts;
       if (h.flag()) parts.module = &layer;
       if (h.flag()) parts.optimizer = &o;
       if (h.flag()) parts.scheduler = &s;
       parts.generator = h.flag() ? &g : nullptr;
       parts.epoch = h.whole(3);
       parts.metadata = {{h.word("note"), h.word("text")}};
       save_checkpoint(place(h), parts);
       load_checkpoint(place(h), {.module = h.flag() ? &layer : nullptr,
                                  .optimizer = h.flag() ? &o : nullptr,
                                  .generator = nullptr});
     }},
    {"load_checkpoint", [](Hostile& h) { load_checkpoint(place(h), {.generator = nullptr}); }},
    {"data::read_csv", [](Hostile& h) { data::read_csv(place(h), csv(h)); }},
    {"data::CsvTable::*",
     [](Hostile& h) {
       const std::string path = folder + "/table.csv";
       write_bytes(path, "a,b,c\n1,x,2\n3,,4\n");
       const data::CsvTable table = data::read_csv(path, csv(h));
       use(table.column(h.word("a")));
       use(table.column(h.whole(0)));
       static_cast<void>(table.strings(h.word("b")));
       static_cast<void>(table.index_of(h.whole(1)));
       static_cast<void>(table.get<0>());
     }},
    {"data::CsvColumn::*",
     [](Hostile& h) {
       const data::CsvColumn a(h.whole(1)), b(h.word("a")), c("c");
       static_cast<void>(a.named || b.named || c.named);
     }},
    {"data::emnist*",
     [](Hostile& h) {
       data::emnist(place(h), h.word("balanced"), h.flag());
       static_cast<void>(data::emnist_classes(h.word("letters")));
     }},
    {"data::AnyDataset::*",
     [](Hostile& h) {
       data::DataLoader loader(Own{h}, options(h));
       go_through(loader, h);
     }},
    {"data::AnyDataset::*",
     [](Hostile& h) {
       const data::AnyDataset set(data::Dataset{h.tensor({7, 2}), h.tensor({7}, kInt64)});
       static_cast<void>(set.size());
       static_cast<void>(set.get(h.whole(3)));
       static_cast<void>(set.source().sample_bytes());
       const data::AnyDataset none(std::shared_ptr<const data::SampleSource>(nullptr));
       static_cast<void>(none.size());
     }},
    {"data::SampleSource::*",
     [](Hostile& h) {
       const data::AnyDataset set(Own{h});
       const int64_t rows[] = {h.whole(0), h.whole(1)};
       static_cast<void>(set.source().get_batch(rows, 2));
       static_cast<void>(set.source().tensors());
     }},
    {"data::Subset::*",
     [](Hostile& h) {
       const data::Subset part(data::AnyDataset(Own{h}), {h.whole(1), h.whole(0), h.whole(2)});
       static_cast<void>(part.size());
       static_cast<void>(part.get(h.whole(1)));
     }},
    {"data::ConcatDataset::*",
     [](Hostile& h) {
       std::vector<data::AnyDataset> sets;
       for (int64_t i = h.below(4); i > 0; --i) sets.emplace_back(Own{h});
       const data::ConcatDataset all(sets);
       static_cast<void>(all.size());
       static_cast<void>(all.get(h.whole(1)));
     }},
    {"data::random_split",
     [](Hostile& h) {
       for (const data::AnyDataset& part :
            data::random_split(data::AnyDataset(Own{h}), {h.real(3), h.real(4)})) {
         static_cast<void>(part.get(0));
       }
     }},
    {"data::*Sampler::*",
     [](Hostile& h) {
       data::DataLoaderOptions o = options(h);
       o.sampler = sampler(h);
       data::DataLoader loader(data::Dataset{ones({7, 2}), h.tensor({7}, kInt64)}, o);
       go_through(loader, h);
     }},
    {"data::Batch::*",
     [](Hostile& h) {
       const data::Batch batch{h.tensor({2}), h.tensor({2})};
       use(batch.get<0>());
     }},
    {"data::read_idx", [](Hostile& h) { use(data::read_idx(place(h))); }},
    {"data::mnist", [](Hostile& h) { data::mnist(place(h), h.flag()); }},
    {"data::cifar*", [](Hostile& h) { data::cifar10(place(h), h.flag()); }},
    {"data::moons", [](Hostile& h) { use(data::moons(h.whole(10), h.real(0.1)).inputs); }},
    {"data::spirals", [](Hostile& h) { use(data::spirals(h.whole(10), h.real(0.1)).inputs); }},
    {"data::synthetic_digits", [](Hostile& h) { use(data::synthetic_digits(h.whole(3)).inputs); }},
    {"data::convert_image_dtype",
     [](Hostile& h) {
       use(data::convert_image_dtype(h.tensor({2, 1, 4, 4}, kUInt8), h.dtype()));
     }},
    {"data::Normalize::*",
     [](Hostile& h) {
       const data::Normalize n({h.real(0)}, {h.real(1)});
       use(n(h.tensor({2, 1, 4, 4})));
     }},
    {"data::Normalize::*",
     [](Hostile& h) {
       const data::Normalize n(std::vector<double>(static_cast<std::size_t>(h.below(3)), 0.5),
                               {0.5});
       use(n(h.tensor({2, 1, 4, 4})));
     }},
    {"data::RandomCrop::*",
     [](Hostile& h) {
       const data::RandomCrop crop(h.shape({3, 3}),
                                   {.padding = h.shape(1),
                                    .fill = h.real(0),
                                    .padding_mode = static_cast<PaddingMode>(h.below(4))});
       use(crop(h.tensor({2, 1, 4, 4})));
     }},
    {"data::RandomHorizontalFlip::*",
     [](Hostile& h) {
       const data::RandomHorizontalFlip flip(h.real(0.5));
       use(flip(h.tensor({2, 1, 4, 4})));
     }},
    {"data::RandomVerticalFlip::*",
     [](Hostile& h) {
       use(data::RandomVerticalFlip(h.real(0.5))(h.tensor({2, 1, 4, 4})));
     }},
    {"data::default_collate",
     [](Hostile& h) {
       use(data::default_collate({{h.tensor({2}), h.tensor({})}, {h.tensor({2}), h.tensor({})}})
               .targets);
     }},
    {"data::DataLoader::*",
     [](Hostile& h) {
       data::DataLoader loader(
           data::Dataset{h.tensor({7, 2}).detach(), h.tensor({7}, kInt64).detach()}, options(h));
       loader.set_epoch(h.whole(2));
       go_through(loader, h);
     }},
    {"data::Dataset::*",
     [](Hostile& h) {
       const data::Dataset set{h.tensor({7, 2}), h.tensor({7}, kInt64)};
       static_cast<void>(set.size());
       use(set.narrow(h.whole(1), h.whole(3)).inputs);
     }},
};

}  // namespace

TEST_CASE("files and data take absurd arguments") { CHECK(surface::complaints(kTable) == ""); }
