// Generated from src/operations.ts by src/operations.test.ts: change the table, not this file.
#pragma once

#include <cstdint>

// Lists for tables that hold something for each operation.
#define LOCKSTEP_UNARY_OPS(each) \
  each(neg) each(abs) each(sign) each(floor) each(ceil) each(round) each(sqrt) each(reciprocal) \
  each(square) each(exp) each(log) each(sin) each(cos) each(tanh) each(sigmoid) each(erf) each(relu) \
  each(flush)
#define LOCKSTEP_PAIR_OPS(each) \
  each(add) each(sub) each(mul) each(div) each(max) each(min) each(reluGrad) each(eq) each(ne) each(lt) \
  each(le) each(gt) each(ge)

namespace lockstep {

enum class Op : int32_t {
  neg, abs, sign, floor, ceil, round, sqrt, reciprocal, square, exp, log, sin, cos, tanh, sigmoid, erf,
  relu, flush, add, sub, mul, div, max, min, reluGrad, eq, ne, lt, le, gt, ge, logicalAnd, logicalOr,
  logicalNot, select,
};
enum class ReduceOp : int32_t {
  sum, max, min,
};

constexpr int numUnaryOps = 18, numBinaryOps = 7, numComparisonOps = 6;

}  // namespace lockstep
