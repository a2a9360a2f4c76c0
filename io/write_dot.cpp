#include "norma/io/write_dot.h"

#include "norma/io/atomic_file.h"

namespace norma {

void detail::write_text(const std::string& path, const std::string& text) {
  with_memory(0, [&] {
    AtomicFile file(path, "write_dot");
    file.write(text.data(), text.size());
    file.commit();
  });
}

void autograd::write_dot(const std::string& path, const Tensor& loss, const DotOptions& options) {
  detail::write_text(path, make_dot(loss, options));
}

void autograd::write_dot(const std::string& path, const Tensor& loss, const nn::Module& model,
                         const DotOptions& options) {
  detail::write_text(path, make_dot(loss, model, options));
}

void autograd::write_dot(const std::string& path, const std::function<Tensor()>& loss,
                         const nn::Module& model, const DotOptions& options) {
  detail::write_text(path, make_dot(loss, model, options));
}

}  // namespace norma
