// A loop for each elementwise operation: what one instruction set provides for fused chains.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep {

// The operations of a fused chain, in the order of src/native/codes.ts.
enum class Op : int32_t {
  neg, abs, sign, floor, ceil, round, sqrt, reciprocal, square, exp, log, sin, cos, tanh, sigmoid, erf, relu, flush,
  add, sub, mul, div, max, min, reluGrad,
  eq, ne, lt, le, gt, ge,
  logicalAnd, logicalOr, logicalNot, select,
};

constexpr bool givesBool(Op op) { return op >= Op::eq && op != Op::select; }
constexpr int numArgs(Op op) { return op <= Op::flush || op == Op::logicalNot ? 1 : op == Op::select ? 3 : 2; }

// out[0 … count − 1] from as many elements of a, b and c, or from the one element of a scalar. An output may lie where
// an argument lies.
using Loop = void (*)(void* out, const void* a, const void* b, const void* c, size_t count);

// Of two arrays, of a scalar and an array, of an array and a scalar.
struct PairLoops {
  Loop full, scalarA, scalarB;
};

struct Loops {
  Loop unary[18];       // by Op, up to flush
  PairLoops pairs[13];  // by Op, from add to ge
  PairLoops select;     // of a condition and a pair
  Loop logicalAnd, logicalOr, logicalNot, boolsToFloats, floatsToBools, copyFloats, copyBools;
  // Past the caches; `out` is aligned to `vectorBytes`, and endStream makes it seen by other threads.
  Loop streamFloats;
  void (*endStream)();
  size_t vectorBytes;
  // Writes `count` elements of a pattern from element `phase`, and perhaps up to sixteen beyond.
  void (*expandFloats)(float* to, const float* data, size_t repeat, size_t period, size_t phase, size_t count);
  void (*expandBools)(uint8_t* to, const uint8_t* data, size_t repeat, size_t period, size_t phase, size_t count);
};

}  // namespace lockstep
