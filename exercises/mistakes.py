"""The usual mistakes, and what the tests of the exercises say to each.

usage: mistakes.py write FOLDER             writes FOLDER/<exercise>.cpp, programs that test the solution and, given
                                            1, 2, ... instead of 0, the solution with one of these mistakes
       mistakes.py check EXERCISE PROGRAMS  of the folder PROGRAMS, runs those of an exercise: with its gap and
                                            with each mistake it fails and says what is missing, with its
                                            solution it passes
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
NOT_WRITTEN = "not written yet"

# What the test says to the source as it is handed out, where it is not NOT_WRITTEN.
GAPS = {"12_five_faults": "got 5 of 5", "13_residual_block": "expected register_module(\"conv1\""}

# (what the solution says, what it says with the mistake, what the test has to say)
MISTAKES = {
    "01_autograd": [
        ("node_->grad += 1", "node_->grad += 0", "backward() begins with it"),
        ("edge.input->grad +=", "edge.input->grad =", "add them up with +="),
        ("-quotient / b.number()", "quotient / b.number()", "1 / b and -a / b²"),
        ("edge.slope * node->grad", "edge.slope", "each slope counts times the gradient"),
        (
            "if (!seen.insert(node).second) return;",
            "if (!seen.insert(node).second) return;\n    order.insert(order.begin(), node);\n    if (true) {\n"
            "      for (const Edge& edge : node->edges) append_after_inputs(edge.input.get(), order, seen);\n"
            "      return;\n    }",
            "order the nodes so that each comes behind all that use it",
        ),
        ("{b.node_, -1}", "{b.node_, 1}", "are 1 and -1"),
        ("node_->grad += 1", "for (Node* n : order) n->grad = 0;\n    node_->grad += 1", "does not set them to 0"),
    ],
    "02_linear": [
        (" + bias", "", "the bias is missing"),
        ("x.matmul(weight.t())", "x.matmul(weight)", "multiply x by its transpose"),
        ("g.t().matmul(x)", "x.t().matmul(g)", "this is its transpose"),
        ("g.sum({0})", "g.mean({0})", "added up, not averaged"),
        (".bias = g.sum({0})", ".bias = g", "one bias serves all N rows"),
        ("x.matmul(weight.t())", "x * weight.t()", "element by element"),
        ("g.t().matmul(x)", "g.t() * x", "element by element"),
        ("g.matmul(weight)", "g * weight", "element by element"),
        ("g.matmul(weight)", "g.matmul(weight.t())", "so backward multiplies by weight"),
    ],
    "03_relu": [
        ("where(x > 0.0, g,", "where(g > 0.0, g,", "it is x that decides"),
        ("where(x > 0.0, g,", "where(x >= 0.0, g,", "PyTorch and Norma take 0 there"),
        ("where(x > 0.0, g,", "where(x > 0.0, norma::ones_like(g),", "the slope times g"),
    ],
    "04_cross_entropy": [
        ("(logits - logits.max(1, /*keepdim=*/true).first).exp()", "logits.exp()", "exp(1000) is infinite"),
        ("weights.sum({1}", "weights.sum({0}", "sum over axis 1"),
        (".mean();", ".sum();", "not the sum"),
        ("(shifted - log_of_sum)", "softmax(logits).log()", "Never take the log of softmax"),
        (" / logits.size(0)", "", "divided by N"),
        (" / logits.size(0)", " / logits.numel()", "not by that of all logits"),
        (".mean();", ".sum() / logits.numel();", "not by that of all logits"),
        ("(softmax(logits) - right.to(logits.dtype()))", "softmax(logits)", "at the label itself it is p - 1"),
    ],
    "05_sgd": [
        ("momentum * velocities_[i] + grad", "momentum * velocities_[i] + (1 - momentum) * grad", "enters the velocity whole"),
        ("momentum * velocities_[i] + grad", "grad", "forgotten between steps"),
        ("parameters_[i].sub_(lr", "parameters_[i].add_(lr", "the sign is wrong"),
        ("for (Tensor& p : parameters_) p.set_grad(Tensor());", "", "has to take it away"),
        (
            "+ grad);\n      parameters_[i].sub_(lr * velocities_[i])",
            "+ lr * grad);\n      parameters_[i].sub_(velocities_[i])",
            "the learning rate is in the velocity",
        ),
        ("velocities_[i]", "velocities_[0]", "a velocity of its own"),
        (
            "velocities_[i].copy_(momentum * velocities_[i] + grad);\n      parameters_[i].sub_(lr * velocities_[i]);",
            "parameters_[i].sub_(lr * velocities_[i]);\n      velocities_[i].copy_(momentum * velocities_[i] + grad);",
            "the velocity moves first",
        ),
        ("parameters_[i].sub_(lr * velocities_[i])", "parameters_[i] = parameters_[i] - lr * velocities_[i]", "not a copy of the handle"),
        ("p.set_grad(Tensor());", "p.set_grad(Tensor());\n    for (Tensor& v : velocities_) v.zero_();", "not velocities"),
    ],
    "06_batch_norm": [
        ("centred.square().mean(axes, /*keepdim=*/true)", "x.var(axes, true, true)", "your variance is divided by N - 1"),
        ("(var + eps).sqrt()", "(var.sqrt() + eps)", "eps is added to the variance, under the root"),
        ("Shape axes = {0}", "Shape axes = {1}", "layer normalisation"),
        ("axes.push_back(axis);", "", "each pixel has statistics of its own"),
        (
            "centred.square().mean(axes, /*keepdim=*/true)",
            "x.square().mean(axes, true) - x.mean(axes, true).square()",
            "mean of squares minus square of the mean",
        ),
        ("(var + eps)", "var", "eps is missing"),
        ("normalised * gamma.reshape(per_channel) + beta", "normalised * beta.reshape(per_channel) + gamma", "they are swapped"),
        ("x - x.mean(axes, /*keepdim=*/true)", "x - x.mean()", "this mean is over everything"),
        ("Shape axes = {0}", "Shape axes = x.dim() == 4 ? Shape{0, 1} : Shape{0}", "leave out axis 1"),
        (".sqrt()", "", "takes its root"),
        ("Shape axes = {0}", "Shape axes = {0, 1}", "here a column, has statistics of its own"),
        ("Shape axes = {0}", "Shape axes = x.dim() == 4 ? Shape() : Shape{0}", "each sample has statistics of its own"),
    ],
    "07_running_statistics": [
        (" * (n / (n - 1))", "", "the running statistics take the unbiased one"),
        ("(1 - momentum) * running_mean + momentum * mean", "momentum * running_mean + (1 - momentum) * mean", "the other way round"),
        ("if (!training) return normalise(x, running_mean, running_var, eps);", "", "use the running ones"),
        ("const norma::NoGradGuard no_grad;", "", "keep the graph of every batch"),
        ("mean = x.mean({0}), var = x.var(", "mean = x.detach().mean({0}), var = x.detach().var(", "gradients pass through them"),
        ("return normalise(x, mean, var, eps)", "return normalise(x, running_mean, running_var, eps)", "by its own mean and variance"),
        ("/*unbiased=*/false", "true", "only the running one takes the unbiased"),
        (
            "if (!training) return normalise(x, running_mean, running_var, eps);",
            "if (!training) {\n      const Tensor y = normalise(x, running_mean, running_var, eps);\n"
            "      running_mean = 0.9 * running_mean + 0.1 * x.mean({0});\n      return y;\n    }",
            "evaluation must not move it",
        ),
        ("const double n = static_cast<double>(x.size(0));", "const int64_t n = x.size(0);", "3 / 2 is 1"),
        ("if (!training) return", "const norma::NoGradGuard guard;\n    if (!training) return", "result in training] expected gradients to reach x"),
        (
            "if (!training) return normalise(x, running_mean, running_var, eps);",
            "if (!training) {\n      const norma::NoGradGuard guard;\n      return normalise(x, running_mean, running_var, eps);\n    }",
            "result in evaluation] expected gradients to reach x",
        ),
    ],
    "08_batch_norm_backward": [
        ("(g - mean_g - x_hat * mean_g_x_hat)", "g", "are no constants"),
        (" - x_hat * mean_g_x_hat)", ")", "the path over the variance is missing"),
        ("gamma * inv_std", "inv_std", "gamma is missing"),
        ("(g - mean_g - x_hat", "(g - x_hat", "the path over the mean is missing"),
        ("mean_g = g.mean({0}), mean_g_x_hat = (g * x_hat).mean({0})", "mean_g = g.sum({0}), mean_g_x_hat = (g * x_hat).sum({0})", "are means over the rows, not sums"),
        ("gamma * inv_std", "gamma", "inv_std is missing"),
        ("mean_g = g.mean({0})", "mean_g = g.sum({0})", "are means over the rows, not sums"),
        ("mean_g_x_hat = (g * x_hat).mean({0})", "mean_g_x_hat = (g * x_hat).sum({0})", "are means over the rows, not sums"),
        ("(g - mean_g - x_hat", "(g + mean_g + x_hat", "both terms are subtracted"),
        ("(g - mean_g - x_hat", "(g + mean_g - x_hat", "both terms are subtracted"),
        ("(g - mean_g - x_hat", "(g - mean_g + x_hat", "both terms are subtracted"),
    ],
    "09_dropout": [
        (" / (1 - p)", "", "divide those that are kept by 1 - p"),
        ("norma::rand_like(x) >= p", "norma::rand_like(x) < p", "to be dropped, not to be kept"),
        ("return x;", "return x * (1 - p);", "x stays as it is"),
        ("norma::rand_like(x)", "norma::rand({x.size(1)})", "each element to be drawn alone"),
        (" / (1 - p)", " * (1 - p)", "do not multiply"),
        ("x * kept", "x.detach() * kept", "in training] expected gradients to reach x"),
        ("return x;", "return x.detach();", "in evaluation] expected gradients to reach x"),
    ],
    "10_conv2d": [
        ("at(weight, o, c, a, b)", "at(weight, o, c, kernel_h - 1 - a, kernel_w - 1 - b)", "turned round"),
        ("if (row < 0 || row >= height || column < 0 || column >= width) continue;", "", "is 0 and is not read"),
        ("float sum = bias.data_ptr<float>()[o];", "float sum = 0;", "bias of each kernel is missing"),
        ("(height + 2 * padding - kernel_h) / stride + 1", "(height + 2 * padding - kernel_h) / stride", "the kernel fits"),
        ("offset += index[axis] * t.stride(axis)", "offset = offset * t.size(axis) + index[axis]", "at() looks up where they lie"),
        ("i * stride + a - padding, column = j * stride + b", "i + a - padding, column = j + b", "the kernel moves by one place"),
        ("i * stride + a - padding, column = j * stride + b", "(i + a) * stride - padding, column = (j + b) * stride", "under it, pixels lie side by side"),
        ("a - padding, column = j * stride + b - padding", "a + padding, column = j * stride + b + padding", "the sign is wrong"),
        ("sum += at(", "sum += bias.data_ptr<float>()[o] + at(", "with each product"),
    ],
    "11_training_loop": [
        ("optimizer.zero_grad();", "", "zero_grad() is missing"),
        ("net.train();", "", "call net.train() first"),
        ("net.eval();", "", "Call net.eval()"),
        ("const norma::NoGradGuard no_grad;", "", "Open a NoGradGuard"),
        (" * static_cast<double>(x.size(0));\n    samples += x.size(0)", ";\n    samples += 1", "Weigh each batch's loss"),
        ("loss.backward();", "loss.backward();\n    optimizer.zero_grad();", "must not stand between the two"),
        ("return static_cast<double>(right) / static_cast<double>(samples)", "return right / samples", "4 / 5 of whole numbers is 0"),
        ("double sum = 0;", "int64_t sum = 0;", "Add up losses in a double"),
        (
            "optimizer.zero_grad();\n    const Tensor loss = criterion(net(x), labels);\n    loss.backward();\n    optimizer.step();",
            "const Tensor loss = criterion(net(x), labels);\n    loss.backward();\n    optimizer.step();\n    optimizer.zero_grad();",
            "zero_grad() is called last",
        ),
        ("optimizer.zero_grad();", "if (samples == 0) optimizer.zero_grad();", "zero_grad() is called once per epoch"),
    ],
    "12_five_faults": [
        ("net.eval();", "", "running statistics of BatchNorm moved"),
        ("net.train();", "", "still in evaluation"),
        ("optimizer.zero_grad();", "", "those of the batches before are still in them"),
        (", .shuffle = true", "", "the network sees one class for half an epoch"),
        ("loss.detach()", "loss", "it holds on to the graphs of all"),
        ("nn::Linear(2, 32, {.bias = false})", "nn::Linear(2, 32)", "takes every constant away"),
        ("nn::Linear(32, 2)", "nn::Linear(32, 2, {.bias = false})", "it has lost its bias"),
        ("{.params = others}", "{.params = others, .weight_decay = 0.001}", "pulling them to 0 does no good"),
        (".weight_decay = 0.001", ".weight_decay = 0", "no parameter decays any more"),
    ],
    "13_residual_block": [
        ("y + shortcut(x)", "y", "x does not take the shortcut"),
        ("norma::relu(y + shortcut(x))", "norma::relu(y) + shortcut(x)", "comes behind the sum"),
        ("if (stride != 1 || in != out)", "if (in != out)", "what is added must have one shape"),
        ('register_module("bn2", bn2);', "", 'expected register_module("bn2"'),
        ("norma::relu(y + shortcut(x))", "(y + shortcut(x))", "the ReLU behind the sum is missing"),
        ("norma::relu(bn1(conv1(x)))", "bn1(conv1(x))", "the ReLU behind bn1 is missing"),
    ],
    "14_residual_network": [
        ("optimizer.step();", "", "it has learned nothing"),
    ],
}


def solution_of(exercise):
    (path,) = (HERE / exercise / "solution").glob("*.h")
    return path


def body(text):
    """Without what has to stand outside of a namespace, and with main() as a function that throws."""
    text = text.replace("int main() try {", "void test() {").split("} catch (const std::exception& e) {\n  std::puts")[0]
    return "".join(line for line in text.splitlines(True) if not line.startswith("#"))


PROGRAM = """{includes}#include <cstdlib>

{namespaces}
int main(int, char** argv) try {{
  void (*const tests[])() = {{{tests}}};
  tests[std::atoi(argv[1])]();
}} catch (const std::exception& e) {{
  std::puts(e.what());
  return 1;
}}
"""


def write(folder):
    """The solution and all mistakes of an exercise in one program, each in a namespace: it is compiling that takes time."""
    folder.mkdir(parents=True, exist_ok=True)
    for exercise, mistakes in MISTAKES.items():
        path = solution_of(exercise)
        solution, test = path.read_text(), (HERE / exercise / "test.cpp").read_text()
        lines = (solution + test).splitlines(True)
        includes = [line for line in lines if line.startswith("#include") and path.name not in line]
        namespaces = ""
        for number, (right, wrong, _) in enumerate([("", "", None), *mistakes]):
            if right not in solution:
                sys.exit(f"{path}: mistakes.py replaces this, which does not stand there: {right}")
            mistaken = body(solution.replace(right, wrong) if right else solution) + body(test)
            namespaces += f"namespace case_{number} {{\n{mistaken}}}  // closes test()\n}}\n"
        tests = ", ".join(f"case_{number}::test" for number in range(len(mistakes) + 1))
        program = PROGRAM.format(includes="".join(includes), namespaces=namespaces, tests=tests)
        source = folder / f"{exercise}.cpp"
        if not source.exists() or source.read_text() != program:
            source.write_text(program)


def check(exercise, programs):
    """A failure by plan has the exit status 1: what crashes has another, and what passes 0."""
    cases = [("", [], 1, GAPS.get(exercise, NOT_WRITTEN)), ("_solutions", ["0"], 0, "Passed: ")]
    cases += [("_solutions", [str(i)], 1, phrase) for i, (_, _, phrase) in enumerate(MISTAKES[exercise], 1)]
    wrong = 0
    for suffix, arguments, status, phrase in cases:
        command = [str(programs / f"exercise_{exercise}{suffix}"), *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(" ".join(command), result.stdout, sep="\n")
        if result.returncode != status or phrase not in " ".join(result.stdout.split()):
            print(f"WRONG: expected status {status} and: {phrase}\ngot status {result.returncode}\n")
            wrong += 1
    sys.exit(wrong > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"] and len(sys.argv) == 3:
        write(pathlib.Path(sys.argv[2]))
    elif sys.argv[1:2] == ["check"] and len(sys.argv) == 4:
        check(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        sys.exit(__doc__)
