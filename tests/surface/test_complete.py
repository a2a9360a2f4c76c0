"""Every public function has a row in one of the tables, or is listed below with the reason."""
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import surface

# What no argument can hurt, and what is the library's own.
ELSEWHERE = {
    "*::operator==": "compares values",
    "*::str": "printing, in the row of its class",
    "*::Iterator::*": "in the row of its container",
    "Error::*": "tests/core/test_error.cpp",
    "raise": "the library's own, behind fail()",
    "out_of_memory": "tests/core/test_memory.cpp",
    "with_memory": "tests/core/test_memory.cpp",
    "impl_of": "the library's own",
    "self": "the library's own, behind the methods of TensorMethods",
    "GraphNode::*": "the library's own",
    "Storage::*": "memory itself: tests/core/test_storage.cpp",
    "autograd::Observer*": "called by the library: tests/autograd/test_observer.cpp",
    "autograd::Scope::*": "told to observers",
    "autograd::Inputs::*": "told to observers",
    "autograd::Operation::*": "told to observers",
    "autograd::Option::*": "told to observers",
    "autograd::tell_computed": "tells observers",
    "autograd::told": "tells observers",
    "autograd::OperationBase::*": "behind autograd::record",
    "autograd::OperationNode::*": "behind autograd::record",
    "autograd::ManyResults*": "behind autograd::record_many",
    "autograd::set_history": "behind autograd::record_many",
    "autograd::observer": "takes nothing",
    "autograd::is_watched": "takes nothing",
    "autograd::recording": "behind autograd::record",
    "autograd::tell_result": "behind autograd::record",
    "dispatch*": "takes a function of the caller's",
    "convert": "tests/core/test_integers.cpp",
    "dtype_name": "takes an enumerator",
    "is_floating": "takes an enumerator",
    "item_size": "takes an enumerator",
    "optim::check_limits": "behind the constructors",
    "optim::from_numbers": "behind load_state_dict",
    "optim::to_numbers": "behind state_dict",
    "optim::take_own": "behind add_param_group",
    "optim::Option*": "behind the constructors",
    "optim::WeightDecaySplit::*": "behind split_weight_decay",
    "cached_bytes": "takes nothing",
    "empty_cache": "takes nothing",
    "fork_count": "takes nothing",
    "planned_threads": "takes nothing",
    "data::Sampler::Tensor": "a member that holds a function",
    "optim::AveragedModelOptions::Tensor": "a member that holds a function",
    "optim::CyclicLROptions::double": "a member that holds a function",
    "get_num_threads": "takes nothing",
    "grad_enabled": "takes nothing",
    "live_storage_bytes": "takes nothing",
    "system_allocations": "takes nothing",
    "*::operatorbool": "takes nothing",
    "LoadResult::*": "in the row of load",
    "Schedules::*": "in the row of save_checkpoint",
    "nn::DropoutBase::*": "in the rows of Dropout",
    "nn::Shared::explicit": "the parser's word for its constructor",
    "nn::Pool::*": "in the rows of pooling",
}


def main():
    root = Path(sys.argv[1])
    rows = set()
    for table in Path(__file__).parent.glob("test_*.cpp"):
        rows.update(re.findall(r'\{"([^"]+)",\s*\[\]\(Hostile&', table.read_text()))
    headers = re.findall(r'#include "norma/(\S+)"', (root / "norma.h").read_text() + (root / "testing.h").read_text())
    names = {name for header in headers for name in surface.functions(root / header)}
    missing = sorted(name for name in names if not any(fnmatchcase(name, row) for row in rows | set(ELSEWHERE)))
    idle = sorted(row for row in rows | set(ELSEWHERE) if not any(fnmatchcase(name, row) for name in names))
    for name in missing:
        print(f"{name}: no row in tests/surface/; add one that calls it with h.tensor(…), h.whole(…), …")
    for row in idle:
        print(f"{row}: no such public function")
    print(f"{len(names)} public functions, {len(missing)} without a row")
    # A parser that finds nothing would be content with everything.
    if missing or idle or len(names) < 400 or not {"Tensor::add", "functional::conv2d", "nn::Linear::Linear"} <= names:
        sys.exit(1)


if __name__ == "__main__":
    main()
