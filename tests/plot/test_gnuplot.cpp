// How gnuplot is started, what becomes of texts, and what is said where something is wrong.
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/comma_locale.h"
#include "norma/tests/support/error_of.h"
#include "support.h"

using namespace norma;

namespace {

/// The texts in a picture of real gnuplot's; "" and a message where it is no SVG of this size.
std::string texts_in(const std::string& svg, int width, int height) {
  const std::string out = svg + ".texts";
  const int status =
      std::system((NORMA_PYTHON " -B " NORMA_PLOT_TESTS "check_picture.py " + svg + " " +
                   std::to_string(width) + " " + std::to_string(height) + " > " + out)
                      .c_str());
  CHECK(status == 0);
  return read_bytes(out);
}

void draw(const std::string& path, const std::string& title = "") {
  plot::histogram(path, tensor({1.0, 2.0, 2.0}), {.bins = 2, .title = title});
}

}  // namespace

TEST_CASE("gnuplot gets a script and no start-up file; what it prints is the picture") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  draw(folder / "a.svg");
  CHECK(gnuplot.arguments() == "-d /dev/stdin\n");
  CHECK(read_bytes(folder / "a.svg") == "<svg/>\n");
  CHECK(folder.list() == "a.svg");
  CHECK(gnuplot.script() ==
        "set terminal svg size 640,400 noenhanced font \"sans-serif,12\" background \"#ffffff\"\n"
        "set encoding utf8\n"
        "set border 3 lc rgb \"#555555\"\n"
        "set tics nomirror out scale 0.6\n"
        "set grid lc rgb \"#e0e0e0\" lt 1\n"
        "set style fill solid noborder\n"
        "$data0 << END\n"
        "1 1.5 1\n"
        "1.5 2 2\n"
        "END\n"
        "set ylabel \"count\"\n"
        "set yrange [0:*]\n"
        "set xrange [1:2]\n"
        "plot $data0 using ($1/2+$2/2):3:($2-$1) with boxes lc rgb \"#0072b2\" notitle\n");
  draw(folder / "a.png");
  CHECK(has(gnuplot.script(), "set terminal pngcairo size 640,400 noenhanced font \"sans,10\""));
}

TEST_CASE("no text becomes code: letters and spaces apart, gnuplot reads octal numbers") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  draw(folder / "a.svg", "`touch x` \"'\\ @m $d 10\n|!é");
  CHECK(has(gnuplot.script(),
            "set title \"\\140touch x\\140 \\042\\047\\134 \\100m \\044d "
            "\\061\\060\\134n\\174\\041\\303\\251\"\n"));
}

TEST_CASE("texts are shown as they are") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  // One by one, since each might swallow the next.
  for (const char* text :
       {"`date`", "$(date) `date` \"`date`\"", "a_b^c{d}~e&f", "@x a@b", "\"quoted\" 'text'",
        "back\\slash \\n \\U+2588 \\101", "0.1 lr=1e-3 <b>&amp;</b>", "50%% %d %s", "é 中 😀 µ",
        "$data0 END", "#comment; exit", "|cat <ls"}) {
    CAPTURE(text);
    draw(folder / "a.svg", text);
    CHECK(has("\n" + texts_in(folder / "a.svg", 640, 400), std::string("\n") + text + "\n"));
  }
  draw(folder / "a.svg", std::string("line\nbreak\ttab\x1b[31m\x7f nul\0 end", 29));
  CHECK(
      has(texts_in(folder / "a.svg", 640, 400), "line\\nbreak\\ttab\\x1b[31m\\x7f nul\\x00 end\n"));
  draw(folder / "a.svg", "bad \xff\xc3 \xef\xbf\xbe\xed\xa0\x80 utf-8");
  CHECK(has(texts_in(folder / "a.svg", 640, 400), "bad �� ���� utf-8\n"));
}

TEST_CASE("of a long text, the first 500 characters are shown") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  std::string title, octal;
  for (int i = 0; i < 500; ++i) {
    title += "é";
    octal += "\\303\\251";
  }
  draw(folder / "a.svg", title);
  CHECK(has(gnuplot.script(), "set title \"" + octal + "\"\n"));
  draw(folder / "a.svg", title + std::string(1000000, 'x'));
  CHECK(has(gnuplot.script(), "set title \"" + octal + "\\342\\200\\246\"\n"));
}

TEST_CASE("pictures are whole and of the size that was asked for") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  for (const char* name : {"a.svg", "a.png", "odd name's \"$x`.svg"}) {
    const std::string path = folder / name;
    plot::histogram(path, arange(10), {.width = 321, .height = 123});
    std::filesystem::rename(path, folder / (path.ends_with("svg") ? "b.svg" : "b.png"));
    texts_in(folder / (path.ends_with("svg") ? "b.svg" : "b.png"), 321, 123);
  }
  plot::images(folder / "c.SVG", rand({2, 1, 3, 3}));
  plot::images(folder / "c.PNG", rand({2, 1, 3, 3}));
  CHECK(read_bytes(folder / "c.SVG").starts_with("<?xml"));
  CHECK(read_bytes(folder / "c.PNG").starts_with("\x89PNG"));
}

TEST_CASE("cells of an SVG are rectangles, of one colour as large as can be; of many, a bitmap") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  plot::images(folder / "a.svg", tensor({0.0, 0.0, 1.0,  //
                                         0.0, 0.0, 0.2,  //
                                         0.2, 0.2, 0.2})
                                     .reshape({1, 1, 3, 3}));
  const std::string cells = read_bytes(folder / "a.svg");
  CHECK(!has(cells, "<image"));
  CHECK(has(cells,
            " preserveAspectRatio='none' viewBox='0 0 3 3' shape-rendering='crispEdges'>\n"
            "<path stroke='none' fill=\"#000000\" d='M0,0h2v2h-2z'/>\n"
            "<path stroke='none' fill=\"#333333\" d='M2,1h1v1h-1zM0,2h3v1h-3z'/>\n</svg>"));
  texts_in(folder / "a.svg", 640, 640);
  manual_seed(1);
  plot::images(folder / "b.svg", rand({1, 1, 200, 200}));
  const std::string bitmap = read_bytes(folder / "b.svg");
  CHECK(has(bitmap, "<image style='image-rendering:pixelated' "));
  CHECK(!has(bitmap, "crispEdges"));
  CHECK(!has(bitmap, "xlink:href='gp_image"));  // inside, not beside
}

TEST_CASE("numbers have a point in every locale") {
  const CommaLocale comma;
  if (!comma.is_set()) {
    WARN(kNoLocales);
    return;
  }
  const TempFolder folder;
  if (has_gnuplot()) draw(folder / "a.svg");
  const FakeGnuplot gnuplot;
  draw(folder / "a.svg");
  CHECK(has(gnuplot.script(), "1.5 2 2\n"));
}

TEST_CASE("without gnuplot, the message names the package and the numbers stay") {
  const TempFolder folder;
  const PathGuard nowhere(folder.path());
  const std::string path = folder.write("a.svg", "old");
  CHECK(error_of([&] { draw(path); }) ==
        "[plot::histogram] expected the program gnuplot, found none in PATH; on Debian or Ubuntu: "
        "apt-get install gnuplot-nox; the numbers are in " +
            path + ".csv");
  CHECK(read_bytes(path + ".csv") == "name,left,right,value\n\"bins\",1,1.5,1\n\"bins\",1.5,2,2\n");
  CHECK(read_bytes(path) == "old");
  CHECK(folder.list() == "a.svg a.svg.csv");

  std::filesystem::create_directory(folder / "b.png.csv");
  CHECK(has(error_of([&] { draw(folder / "b.png"); }),
            "apt-get install gnuplot-nox; the numbers are nowhere: [plot::histogram] " +
                folder.path() + "/b.png.csv: "));
}

TEST_CASE("where gnuplot fails, its own words and the way it ended are in the message") {
  const TempFolder folder;
  const std::string path = folder.write("a.svg", "old"),
                    kept = "; the numbers are in " + path + ".csv";
  {
    const FakeGnuplot gnuplot("echo '  line 3:\n\n  wrong ' >&2; echo '<svg'; exit 2");
    CHECK(error_of([&] { draw(path); }) ==
          "[plot::histogram] gnuplot ended with status 2: line 3: wrong" + kept);
  }
  {
    const FakeGnuplot gnuplot("kill -9 $$");
    CHECK(error_of([&] { draw(path); }) ==
          "[plot::histogram] gnuplot was ended by signal 9" + kept);
  }
  {
    const FakeGnuplot gnuplot("exit 0");
    CHECK(error_of([&] { draw(path); }) == "[plot::histogram] gnuplot drew nothing" + kept);
  }
  {
    // Warnings alone are no failure.
    const FakeGnuplot gnuplot("echo warning >&2; echo '<svg/>'");
    draw(path);
    CHECK(read_bytes(path) == "<svg/>\n");
  }
  {
    const FakeGnuplot gnuplot("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1");
    CHECK(error_of([&] { draw(path); }).size() < 1000);
  }
}

TEST_CASE("a script that gnuplot does not understand ends it") {
  if (!has_gnuplot()) return;
  // What `draw` relies on: of a file, the first error is the last command.
  const TempFolder folder;
  folder.write("a.gp", "set terminal svg\nplot 1+\nprint \"still there\"\n");
  CHECK(
      std::system(("gnuplot -d /dev/stdin < " + folder / "a.gp" + " > " + folder / "out" + " 2>&1")
                      .c_str()) != 0);
  CHECK(!has(read_bytes(folder / "out"), "still there"));
}

TEST_CASE("a place that cannot be written is refused before anything runs") {
  const TempFolder folder;
  const FakeGnuplot gnuplot("touch \"$0.ran\"; echo '<svg/>'");
  CHECK(has(error_of([&] { draw(folder / "none/a.svg"); }),
            "[plot::histogram] " + folder.path() + "/none/a.svg: "));
  std::filesystem::create_directory(folder / "b.svg");
  CHECK(has(error_of([&] { draw(folder / "b.svg"); }),
            "[plot::histogram] " + folder.path() + "/b.svg: "));
  CHECK(folder.list() == "b.svg");
}

TEST_CASE("paths and sizes that no picture has") {
  CHECK(error_of([] { draw(""); }) ==
        "[plot::histogram] expected the path of a file, got an empty one");
  CHECK(error_of([] { draw(std::string("a\0.svg", 6)); }) ==
        "[plot::histogram] \"a\\x00.svg\": expected a path without zero bytes");
  for (const char* path : {"a.pdf", "svg", "aSVG", "a.svg.gz"})
    CHECK(error_of([&] { draw(path); }) ==
          std::string("[plot::histogram] expected a path that ends in .svg or .png, got \"") +
              path + "\"");
  CHECK(error_of([] { plot::histogram("a.svg", ones({3}), {.width = 99}); }) ==
        "[plot::histogram] expected a width and height of 100 to 10000 pixels, got 99 x 400");
  CHECK(error_of([] { plot::histogram("a.svg", ones({3}), {.height = 10001}); }) ==
        "[plot::histogram] expected a width and height of 100 to 10000 pixels, got 640 x 10001");
}

TEST_CASE("a program that ignores the end of its children can draw") {
  const TempFolder folder;
  const FakeGnuplot gnuplot;
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  const std::string message = error_of([&] { draw(folder / "a.svg"); });
  std::signal(SIGCHLD, before);
  CHECK(message == "no error");
  CHECK(read_bytes(folder / "a.svg") == "<svg/>\n");
}

TEST_CASE("a program without standard streams can draw") {
  if (!has_gnuplot()) return;
  const TempFolder folder;
  const int in = ::dup(0), out = ::dup(1), err = ::dup(2);
  for (const int stream : {0, 1, 2}) ::close(stream);
  const std::string message = error_of([&] { draw(folder / "a.svg"); });
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (const int copy : {in, out, err}) ::close(copy);
  CHECK(message == "no error");
  texts_in(folder / "a.svg", 640, 400);
}
