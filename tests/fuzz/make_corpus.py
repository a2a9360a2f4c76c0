"""Writes the seeds of the fuzz targets: corpus/TARGET/NAME, beside those that fuzzing found.

usage: python3 make_corpus.py   (standard library only; reads ../io/torch_files)
"""
import gzip
import io
import json
import pathlib
import struct
import zipfile

HERE = pathlib.Path(__file__).parent
TORCH_FILES = HERE.parent / "io" / "torch_files"


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def packed(data):
    return gzip.compress(data, 9, mtime=0)


def safetensors(entries, metadata=None, spaces=0):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, part in entries:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode() + b" " * spaces
    return struct.pack("<Q", len(text)) + text + data


def safetensors_seeds():
    linear = [("model.weight", "F32", [1, 2], bytes(8)), ("model.bias", "F32", [1], bytes(4))]
    write("safetensors", "empty", safetensors([]))
    write("safetensors", "linear", safetensors([(name[6:], *rest) for name, *rest in linear], {"format": "pt"}))
    write("safetensors", "prefix", safetensors(linear + [("s", "F8_E4M3", [4], bytes(4))], spaces=7))
    write("safetensors", "dtypes", safetensors([
        (dtype, dtype, [2], bytes(2 * size)) for size, names in
        {1: "BOOL U8 I8 F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ", 2: "I16 U16 F16 BF16", 4: "I32 U32 F32",
         8: "C64 F64 I64 U64"}.items() for dtype in names.split()]))
    write("safetensors", "odd", safetensors([
        ("deep", "U8", [1] * 12, b"x"), ("none", "F64", [0, 3], b""), ("four", "F4", [4], b"xy"), ("new", "I2", [3], b"x"),
        ("ünï \x1b\"", "I64", [], bytes(8))], {"norma.checkpoint": "1", "note": "ünï"}))


def torch_seeds():
    """The files of ../io/torch_files themselves are read by the target, too."""
    for name in ["views", "checkpoint", "newer", "attributes", "float8", "list", "tensor", "objects1", "objects4"]:
        with zipfile.ZipFile(TORCH_FILES / f"{name}.pt") as archive:
            (record,) = [entry for entry in archive.namelist() if entry.endswith("/data.pkl")]
            write("pickle", name, archive.read(record))
    write("pickle", "opcodes", b"(lp0\nI01\naI-7\naL12L\naF0.5\naS'it'\naVword\naU\x02abaT\x02\0\0\0cdac__main__\nA\n(K\x01ia\nb\n"
          b"a2g0\n0(NN1\x8f(K\x01\x90a(K\x01\x91a\x82\x01a\x8b\x09\0\0\0\0\0\0\0\0\0\0\0\xffaP5\na.")
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ" \
        b"K\0K\x01K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtR"
    write("pickle", "linear", b"\x80\x02}(X\x0c\0\0\0model.weight" + tensor + b"X\x01\0\0\0nK\x05u.")


    for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as out:
            for record, data in [("data.pkl", b"\x80\x02}X\x01\0\0\0w" + tensor + b"s."), ("data/0", bytes(24)),
                                 ("version", b"3\n")]:
                out.writestr(zipfile.ZipInfo(f"x/{record}"), data, method)
        write("torch", name, archive.getvalue())


def table_seeds():
    for name, text in {
            "plain": "a,b\n1,2\n3.5,-4e-3\n", "quotes": '"x","y"\r\n"1","2"\r\n', "words": "1;2,3\n4,five\n",
            "missing": "1,,NA\nnan,?,3\n", "mark": "\ufeff1\t2\n", "comment": "# c\n1 2  3\n\n4 5 6", "lines": "\n\n",
            "large": "1e999,0x10,99999999999999999999\n", "classes": "5.1,setosa\n7,virginica\n?,setosa\n",
            "units": "a,b\n(m),[s]\n1,2\n", "ends": "1,2,,\n3,4\n,,\n", "named": "# a, b\n1,2 # c\n",
            "notation": '"1,000";0,5;5 %\n"2.000,5";1;$3\n', "tabs": "1\t\t2\n3\t4\n", "sep": "sep=;\n1;2\n",
            "again": "x,o\no,x\nx,x\n", "pandas": ",0,1\n0,5,6\n", "macs": "1,2\r3,4\r", "tail": "1,2\ntotal\n"}.items():
        write("csv", name, text.encode())
    write("csv", "packed", packed(b"1,2\n3,4\n"))
    write("csv", "cut", packed(b"1,2\n3,4\n")[:-6])
    write("csv", "delimiter", b"sep=\x1b\n1;2\n")


def history_seeds():
    for name, text in {
            "table": "epoch,step,loss,accuracy\n0,1,0.5,\n,2,nan,1\n", "quotes": 'epoch,step,"a,""b"\n,,1\n', "header": "epoch,step\n",
            "spreadsheet": "epoch,step,loss\r\n1,,-inf\r\n", "half": "epoch,step,a,b\n0,1,2,3\n0,2,", "begun": "epoch,st",
            "signed_nan": "epoch,step,loss\n1,,-nan\n2,,nan\n",
            "lines": '{"epoch": 0, "step": 1, "loss": 0.5}\n{"a \\"": "NaN", "b": "-Infinity"}\n', "half_line": '{"a": 1}\n{"a": '}.items():
        write("history", name, text.encode())


def idx(kind, sizes, data):
    return bytes([0, 0, kind, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes) + data


def image_seeds():
    write("idx", "images", idx(8, [2, 2, 2], bytes(range(8))))
    write("idx", "labels", idx(8, [3], bytes([1, 2, 9])))
    write("idx", "ints", idx(0x0c, [2], struct.pack(">2i", -1, 7)))
    write("idx", "shorts", idx(0x0b, [1, 2], struct.pack(">2h", -1, 7)))
    write("idx", "floats", idx(0x0d, [2], struct.pack(">2f", 0.5, float("nan"))))
    write("idx", "doubles", idx(0x0e, [1], struct.pack(">d", 1e300)))
    write("idx", "empty", idx(8, [0, 3], b""))
    write("idx", "overflow", idx(8, [0xffffffff] * 3, b""))
    write("idx", "packed", packed(idx(8, [3], bytes([1, 2, 9]))))
    write("idx", "cut", packed(idx(8, [3], bytes([1, 2, 9])))[:-6])
    record = bytes([3]) + bytes(i % 251 for i in range(3072))
    write("cifar", "packed", packed(record + bytes([9]) + bytes(3072)))
    write("cifar", "cut", packed(record)[:-6])
    write("cifar", "label", bytes([10]) + bytes(3072))
    write("cifar", "record", record)
    write("cifar", "hundred", bytes([19, 99]) + record[1:])


if __name__ == "__main__":
    safetensors_seeds()
    torch_seeds()
    table_seeds()
    history_seeds()
    image_seeds()
