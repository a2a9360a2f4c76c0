"""docs/reference/headers.py says what goes without saying, and check_html.py finds what it is there to find."""

import pathlib
import subprocess
import sys
import tempfile

REFERENCE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference"
sys.path.insert(0, str(REFERENCE))
import headers

HEADER = """\
// What it is for.
//
// Errors of all: no width,
// no layer.
#pragma once
namespace norma::nn {
struct LayerOptions {
  bool bias = true;  ///< whether there is one
  double silent = 1;
};
/// A layer.
class Layer : public Base {
 public:
  explicit Layer(int width);
  ~Layer();
  Tensor forward(const Tensor& x) override;
  int width() const { return width_; }
  // --- In place (autograd/x.cpp) ---
  /// Adds.
  Tensor add(Tensor x);
  Tensor add(Scalar x);
  Tensor& add_(Tensor x);
  void unsaid();

 private:
  int width_, hidden();
};
namespace detail {
void hidden();
}
inline Tensor twice(Tensor x) { return x.mul(2); }
}  // namespace norma::nn
"""
text, unsaid = headers.for_doxygen(HEADER, group="page")
assert [d.name for d in unsaid] == ["silent", "unsaid"], [d.name for d in unsaid]
assert headers.purpose_of(HEADER) == "What it is for."
assert headers.said_of_all(HEADER) == "Errors of all: no width,\nno layer.\n\n"
assert text.count("\n") == HEADER.count("\n") + 2, text
for said in (
    "/** @ingroup page */ /** The options of `Layer`. */ struct LayerOptions",
    "/** What the constructor was given. */ int width()",
    "/** @name In place */ /** @{ */",
    "/** As above. */ Tensor add(Scalar x);",
    "/** `add` in place: changes the values of this, and returns it. */ Tensor& add_(Tensor x);",
    "/** @ingroup page_in_norma_nn */ /** Short for `x.mul(2)`. */ inline Tensor twice",
    "/** @} */  private:",
):
    assert said in text, (said, text)
assert "~Layer" not in text

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "html").mkdir()
    good = '<a href="other.html#here">x</a> <a href="https://elsewhere.example/">y</a> <link rel="license" href="https://z.example/">'
    (folder / "html" / "other.html").write_text('<p id="here"></p>')

    def run(page, style=""):
        (folder / "html" / "index.html").write_text(page)
        (folder / "html" / "style.css").write_text(style)
        command = [sys.executable, REFERENCE / "check_html.py", folder / "html", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout

    assert run(good)[0] == 0, run(good)
    for page, style, complaint in (
        ('<a href="gone.html">x</a>', "", "leads to gone.html, which does not exist"),
        ('<a href="other.html#there">x</a>', "", "leads to other.html#there, where there is no such place"),
        ('<script src="https://cdn.example/a.js"></script>', "", "loads https://cdn.example/a.js"),
        ('<img src="//cdn.example/a.png">', "", "loads //cdn.example/a.png"),
        ('<link rel="stylesheet" href="http://cdn.example/a.css">', "", "loads http://cdn.example/a.css"),
        (good, "@font-face { src: url(https://fonts.example/a.woff2); }", "loads https://fonts.example/a.woff2"),
        (good, '@import "https://fonts.example/a.css";', "loads https://fonts.example/a.css"),
    ):
        status, output = run(page, style)
        assert status == 1 and complaint in output, (complaint, output)
print("every rule was followed, every planted fault found")
