"""A shared Norma exports names of namespace norma and no others, and its file name has the version of its interface.

usage: check_exports.py LIBRARY SONAME
"""
import re
import subprocess
import sys

# Functions and variables, tables and types of classes, adjusting thunks, guards, local statics, thread-locals.
OWN = re.compile(r"_Z(T[VITSCWH]|Th\w*?_|Tv\w*?_|Tc\w*?_|GV)?(Z*N)[KRO]*5norma")


def main():
    library, soname = sys.argv[1:]
    symbols = subprocess.run(["nm", "-D", "--defined-only", "-P", library], check=True, capture_output=True, text=True).stdout
    names = {line.split()[0] for line in symbols.splitlines()}
    faults = [f"exported: {name}" for name in sorted(names) if not OWN.match(name)]
    for name in ("_ZNK5norma6Tensor5sizesEv", "_ZTVN5norma2nn6LinearE", "_ZTIN5norma5ErrorE"):
        if name not in names:
            faults.append(f"not exported: {name}")
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    if f"soname: [{soname}]" not in dynamic:
        faults.append(f"no soname {soname} in\n{dynamic}")
    print("\n".join(faults[:50]))
    print(f"{library}: {len(names)} names, {len(faults)} complaints")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
