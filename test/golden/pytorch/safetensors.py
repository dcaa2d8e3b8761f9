"""Writes safetensors files: header length, JSON header, raw little-endian tensors."""

import json
import struct
from pathlib import Path

import numpy as np

DTYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}


def save(path: Path, tensors: dict, metadata: dict) -> int:
    """Writes `tensors` in name order and returns the size of the file in bytes."""
    header, payload, offset = {"__metadata__": metadata}, [], 0
    # The widest elements first, so that every tensor starts at a multiple of its element's size.
    for name in sorted(tensors, key=lambda name: (-tensors[name].itemsize, name)):
        array = np.ascontiguousarray(tensors[name]).astype(tensors[name].dtype.newbyteorder("<"))
        end = offset + array.nbytes
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, end],
        }
        payload.append(array.tobytes())
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(b"".join([struct.pack("<Q", len(text)), text, *payload]))
    return path.stat().st_size
