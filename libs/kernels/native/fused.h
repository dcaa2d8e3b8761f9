// Fused chains on the accumulator machine: every step of a strip runs before the next strip. A single elementwise operation
// is a chain of one instruction.
#pragma once

#include "machine.h"

namespace lockstep {

// Output element i uses data[i / repeat % period]. Data are floats, or bytes of 0 and 1.
struct Operand {
  const void* data;
  size_t repeat, period;
  bool isBool;
};

struct Instruction {
  Op op;
  int32_t args[3];
};

struct Output {
  void* data;
  int32_t source;  // its register
  // Sums the register, seen as [outer, sumSize, sumInner], over the middle axis. A sumInner of 0 means no sum.
  int32_t sumSize, sumInner;
};

inline size_t elementBytes(bool isBool) { return isBool ? sizeof(uint8_t) : sizeof(float); }
inline bool isScalar(const Operand& operand, size_t length) { return operand.period == 1 || operand.repeat >= length; }
inline bool isFull(const Operand& operand, size_t length) { return operand.repeat == 1 && operand.period >= length; }
inline bool isSum(const Output& output) { return output.sumInner > 0; }

// Registers 0 … numOperands − 1 are the operands; instruction j writes register numOperands + j.
struct Fusion {
  const Operand* operands;
  const Instruction* instructions;
  const Output* outputs;
  int numOperands, numInstructions, numOutputs;
  size_t length;

  bool isOperand(int r) const { return r < numOperands; }
  bool isBoolRegister(int r) const {
    return isOperand(r) ? operands[r].isBool : givesBool(instructions[r - numOperands].op);
  }

  // Whether register r can be the strip or scalar that a step reads beside the accumulator.
  bool isReady(int r, bool asBools) const {
    return asBools ? isBoolRegister(r) && !isOperand(r) : !isBoolRegister(r);
  }

  // Whether argument k of instruction j is the previous instruction's result in the accumulator, and is used once.
  bool isInAccumulator(int j, int k) const {
    const auto& [op, args] = instructions[j];
    if (args[k] != numOperands + j - 1) return false;
    if (op == Op::select && k > 0) return false;
    for (int other = 0; other < numArgs(op); other++) {
      if (other != k && (args[other] == args[k] || !isReady(args[other], isLogical(op)))) return false;
    }
    return true;
  }

  // Whether the memory of output o overlaps that of operand i.
  bool overlaps(int o, int i) const {
    const Output& output = outputs[o];
    const Operand& operand = operands[i];
    const char *out = static_cast<const char*>(output.data), *data = static_cast<const char*>(operand.data);
    return data < out + length * elementBytes(isBoolRegister(output.source)) &&
           out < data + operand.period * elementBytes(operand.isBool);
  }
};

void fused(const Machine&, const Fusion&);

}  // namespace lockstep
