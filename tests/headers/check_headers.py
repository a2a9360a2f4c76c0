"""Checks the installed headers: each compiles on its own, and includes only the standard library
and Norma. The headers that every program pulls in also stay clear of the slowest of the former, are few,
and none of them is for Norma's own sources. All are free of warnings that Norma's own build does not ask for.
What would silently do nothing draws a warning, and what cannot work is refused in words of Norma's own.

usage: check_headers.py CMAKE BUILD_DIR SCRATCH_DIR COMPILER
"""

import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

STANDARD = re.compile(r"<[a-z0-9_]+>")
# The headers of matchers, and what they may include besides.
MATCHERS = {"norma/testing/catch2.h": "<catch2/", "norma/testing/gtest.h": "<gmock/"}
NORMA = re.compile(r'"norma/[a-z0-9_/]+\.h"')
MOST = 140  # most of them a layer or an optimiser each
SLOW = {"<iostream>", "<sstream>", "<fstream>", "<regex>", "<filesystem>", "<format>"}


# What a program does in vain or in error, a right way to do it, and words of both compilers' complaint.
VAIN = [
    ("norma::NoGradGuard();", "norma::NoGradGuard guard;", "give the guard a name"),
    ("norma::NoGradGuard{};", "norma::NoGradGuard guard{};", "give the guard a name"),
    ("norma::autograd::Observer o; norma::autograd::ObserverGuard{o};",
     "norma::autograd::Observer o; norma::autograd::ObserverGuard guard{o};",
     "give the guard a name"),
    ("norma::DetectAnomalyGuard();", "norma::DetectAnomalyGuard guard;", "give the guard a name"),
    ("int16_t v[2] = {}; norma::from_blob(v, {2}, norma::kInt64);",
     "int64_t v[2] = {}; norma::from_blob(v, {2}, norma::kInt64);",
     "copy other values with tensor(std::vector)"),
    ("std::vector<std::vector<float>> v(2); norma::from_blob(v.data(), {2, 2});",
     "std::vector<std::vector<float>> v(2); norma::tensor(v);",
     "copy other values with tensor(std::vector)"),
    ("norma::tensor(std::vector<std::string>(2));", "norma::tensor(std::vector<int>(2));",
     "takes bools and numbers of at most 64 bits"),
    ("norma::ones({2}).data_ptr<int16_t>();", "static_cast<void>(norma::ones({2}).data_ptr<float>());",
     "T is bool, uint8_t, int32_t, int64_t, float or double"),
    ("struct S { int size() const { return 1; } norma::Tensor get(int64_t) { return {}; } }; "
     "norma::data::AnyDataset set{S{}};",
     "struct S { int size() const { return 1; } norma::Tensor get(int64_t) const { return {}; } }; "
     "norma::data::AnyDataset set{S{}};",
     "get(int64_t) const must return a data::Sample"),
    ("struct Net : norma::nn::Module {}; Net().clone();",
     "struct Net : norma::nn::Cloneable<Net> { Net fresh() const { return {}; } }; static_cast<void>(Net().clone());",
     "derive it from nn::Cloneable<Own>"),
    ("struct Net : norma::nn::Cloneable<Net> {}; Net net;",
     "struct Net : norma::nn::Cloneable<Net> { Net fresh() const { return {}; } }; Net net;",
     "needs `Own fresh() const`"),
]

# Flags of a user's file, and words of the error where Norma cannot be used with them.
FLAGS = [
    ("-std=c++17", "Norma is written in C++20"),
    ("-fno-rtti", "Norma's modules need run-time type information"),
    ("-fno-exceptions", None),
    ("-fvisibility=hidden -fvisibility-inlines-hidden", None),
    ("-std=c++2b", None),
    ("-ffast-math", None),
    ("-Wpedantic -Wold-style-cast -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wundef "
     "-Wdouble-promotion -Wnull-dereference -Wredundant-decls -Wswitch-enum -Wmissing-declarations", None),
]


def compile_text(program, include_dir, compiler, flags=""):
    command = [compiler, "-std=c++20", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
    command += flags.split()
    command += ["-fsyntax-only", "-I", str(include_dir), "-x", "c++", "-"]
    return subprocess.run(command, input=program, text=True, stderr=subprocess.PIPE)


def unwarned(vain, words, include_dir, compiler):
    run = compile_text("#include <norma/norma.h>\nvoid f() { %s }\n" % vain, include_dir, compiler)
    if run.returncode == 0 or words not in run.stderr:
        return [f"no warning \"{words}\" for {vain}\n{run.stderr}"]
    return []


def wrongly_warned(include_dir, compiler):
    rights = "".join(f"void f{i}() {{ {right} }}\n" for i, (_, right, _) in enumerate(VAIN))
    run = compile_text(f"#include <norma/norma.h>\nnamespace {{\n{rights}}}\n", include_dir, compiler,
                       "-Wno-unused-function")
    return [f"does not compile: {run.stderr}"] if run.returncode != 0 else []


def wrong_under_flags(flags, words, include_dir, compiler):
    run = compile_text("#include <norma/norma.h>\n", include_dir, compiler, flags)
    if words is None and run.returncode != 0:
        return [f"norma.h does not compile with {flags}\n{run.stderr}"]
    if words is not None and (run.returncode == 0 or words not in run.stderr):
        return [f"no error \"{words}\" with {flags}\n{run.stderr[:2000]}"]
    return []


def complaints(include_dir, header, compiler):
    found = []
    text = header.read_text()
    name = header.relative_to(include_dir)
    framework = MATCHERS.get(str(name), "<norma/")
    for what in re.findall(r"^\s*#\s*include\s+(\S+)", text, re.MULTILINE):
        if what in SLOW:
            found.append(f"{name}: includes {what}, which is slow to compile")
        elif not STANDARD.fullmatch(what) and not what.startswith(framework) and not NORMA.fullmatch(what):
            found.append(f"{name}: includes {what}, neither the standard library nor Norma")
    if re.search(r"own\s+(?://+\s*)?sources", text):
        found.append(f"{name}: is not for users by its own words, yet installed")
    if framework == "<gmock/" and compile_text("#include <gmock/gmock.h>\n", include_dir, compiler).returncode != 0:
        return found  # not installed here
    # Included twice, it also shows that its guard works.
    program = f"#include <{name}>\n#include <{name}>\n"
    run = compile_text(program, include_dir, compiler)
    if run.returncode != 0:
        found.append(f"{name}: does not compile on its own\n{run.stderr}")
    return found


def main():
    cmake, build, scratch, compiler = sys.argv[1:]
    shutil.rmtree(scratch, ignore_errors=True)
    install = [cmake, "--install", build, "--prefix", scratch]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    include_dir = pathlib.Path(scratch, "include")
    headers = sorted(include_dir.glob("norma/**/*.h"))
    checks = [functools.partial(complaints, include_dir, header) for header in headers]
    checks += [functools.partial(unwarned, vain, words, include_dir) for vain, _, words in VAIN]
    checks += [functools.partial(wrong_under_flags, flags, words, include_dir) for flags, words in FLAGS]
    checks.append(functools.partial(wrongly_warned, include_dir))
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = sum(pool.map(lambda check: check(compiler), checks), [])
    if len(headers) >= MOST:
        found.append(f"{len(headers)} headers are installed; keep them below {MOST}")
    print("\n".join(found))
    print(f"{len(headers)} headers checked, {len(found)} complaints")
    # No header at all would be a failed installation, not a success.
    return 1 if found or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
