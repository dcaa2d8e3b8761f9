#include "fused.h"

#include <cstring>
#include <utility>

#include "program.h"

namespace lockstep {
namespace {

// With this many bytes in all, a strip begins by prefetching its arrays. They come from outer caches or from memory, and
// this way at the same time; otherwise each would wait for the steps before its own.
constexpr size_t FETCH_BYTES = 1 << 20;

// With this many bytes in all, outputs are written past the caches.
constexpr size_t STREAM_BYTES = 24 << 20;

struct Register {
  Home home;
  bool isBool = false;
  bool needsHome = false;
  bool isSummed = false;
  bool ownsStrip = false;  // given back after the last use
  int lastUse = -1;
};

class Chain {
 public:
  void bind(const Machine& machine, const Fusion& fusion) {
    machine_ = &machine;
    fusion_ = &fusion;
    accumulator_ = NONE;
    registers_.assign(fusion.numOperands + fusion.numInstructions, {});
    isWritten_.assign(fusion.numOutputs, false);
    findUses();
    chooseStreams();
    program_.reset(machine, fusion, lead_);
    for (int i = 0; i < fusion.numOperands; i++) bindOperand(i);
    if (bytesTouched() >= FETCH_BYTES) fetchOperands();
    for (int j = 0; j < fusion.numInstructions; j++) bindInstruction(j);
    for (int o = 0; o < fusion.numOutputs; o++) {
      if (isSum(fusion.outputs[o])) bindSum(fusion.outputs[o]);
    }
    bindCopies();
    program_.emit(machine_->stop);
  }

  void run() {
    program_.run();
    if (numStreams_ > 0) machine_->endStream();
  }

 private:
  static constexpr int NONE = -1;

  void findUses() {
    for (int j = 0; j < fusion_->numInstructions; j++) {
      const Instruction& instruction = fusion_->instructions[j];
      for (int k = 0; k < numArgs(instruction.op); k++) {
        Register& r = registers_[instruction.args[k]];
        r.lastUse = j;
        if (!fusion_->isInAccumulator(j, k)) r.needsHome = true;
      }
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      Register& r = registers_[fusion_->outputs[o].source];
      r.lastUse = fusion_->numInstructions;
      if (isSum(fusion_->outputs[o])) r.needsHome = r.isSummed = true;
    }
  }

  // Whether output o is written over an operand whose last use comes after instruction j.
  bool overwrites(int o, int j) const {
    for (int i = 0; i < fusion_->numOperands; i++) {
      if (registers_[i].lastUse > j && fusion_->overlaps(o, i)) return true;
    }
    return false;
  }

  // The bytes of all operands and of all outputs that are not sums.
  size_t bytesTouched() const {
    const size_t length = fusion_->length;
    size_t bytes = 0;
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Operand& operand = fusion_->operands[i];
      bytes += std::min(operand.period, length) * elementBytes(operand.isBool);
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const Output& output = fusion_->outputs[o];
      if (!isSum(output)) bytes += length * elementBytes(fusion_->isBoolRegister(output.source));
    }
    return bytes;
  }

  // Chooses the outputs that are written past the caches: large ones that overlap no operand and have the same alignment,
  // which they reach after the first part of a strip.
  void chooseStreams() {
    isStreamed_.assign(fusion_->numOutputs, false);
    numStreams_ = 0;
    lead_ = 0;
    if (bytesTouched() < STREAM_BYTES) return;
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const Output& output = fusion_->outputs[o];
      const size_t past = reinterpret_cast<uintptr_t>(output.data) % machine_->vectorBytes;
      const size_t lead = past == 0 ? 0 : (machine_->vectorBytes - past) / sizeof(float);
      if (isSum(output) || fusion_->isBoolRegister(output.source) || overwrites(o, -1)) continue;
      if (numStreams_ > 0 && lead != lead_) continue;
      isStreamed_[o] = true;
      numStreams_++;
      lead_ = lead;
    }
  }

  void bindOperand(int i) {
    const Operand& operand = fusion_->operands[i];
    char* data = static_cast<char*>(const_cast<void*>(operand.data));
    Home& home = registers_[i].home;
    registers_[i].isBool = home.isBool = operand.isBool;
    if (isFull(operand, fusion_->length)) {
      home.kind = Home::Kind::along;
      home.base = data;
    } else if (!operand.isBool && isScalar(operand, fusion_->length)) {
      home.kind = Home::Kind::still;
      home.base = data;
      home.isScalar = true;
    } else {
      home = program_.addPattern(operand);
    }
  }

  void fetchOperands() {
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Home& home = registers_[i].home;
      if (home.kind == Home::Kind::along && !home.isBool) program_.emitFetch(home);
    }
  }

  // Brings register r into the accumulator, as bools or as floats.
  void bring(int r, bool asBools) {
    const Home& home = registers_[r].home;
    const bool isBool = registers_[r].isBool;
    if (accumulator_ != r) {
      program_.emit(home.isScalar ? machine_->loadScalar : home.isBool ? machine_->loadBools : machine_->load, home);
    }
    accumulator_ = isBool == asBools ? r : NONE;
    if (isBool && !asBools) program_.emit(machine_->boolsToFloats);
    if (!isBool && asBools) program_.emit(machine_->floatsToBools);
  }

  Home storeStrip() {
    Home home;
    home.kind = Home::Kind::still;
    home.base = program_.arena.takeStrip();
    program_.emit(machine_->store, home);
    return home;
  }

  Home storeBlock() {
    Home home;
    home.kind = Home::Kind::block;
    home.base = program_.arena.take(SUM_BLOCK * sizeof(float));
    program_.emit(machine_->store, home);
    return home;
  }

  // The place of register r for a step that reads it beside the accumulator. Loses the accumulator unless r is ready.
  Home beside(int r, bool asBools) {
    if (fusion_->isReady(r, asBools)) return registers_[r].home;
    bring(r, asBools);
    accumulator_ = NONE;
    return storeStrip();
  }

  // Emits a division by a power of two as a multiplication, which has the same bits and is faster.
  bool emitExactDivision(int a, int b) {
    const Home& divisor = registers_[b].home;
    if (divisor.kind != Home::Kind::still || !divisor.isScalar) return false;
    int32_t bits = 0;
    std::memcpy(&bits, divisor.base, sizeof bits);
    const int32_t exponent = bits >> 23 & 0xff;
    if ((bits & 0x7fffff) != 0 || exponent < 1 || exponent > 253) return false;
    Home inverse = divisor;
    inverse.base = program_.arena.take(sizeof(float));
    const int32_t inverseBits = (bits & INT32_MIN) | (254 - exponent) << 23;
    std::memcpy(inverse.base, &inverseBits, sizeof inverseBits);
    bring(a, false);
    program_.emit(pairCodes(Op::mul).withScalar, inverse);
    return true;
  }

  const PairCodes& pairCodes(Op op) const { return machine_->pairs[static_cast<int>(op) - numUnaryOps]; }

  void emitPair(const PairCodes& codes, int a, int b) {
    const bool isHere = accumulator_ == b && a != b && fusion_->isReady(a, false);
    if (isHere || (accumulator_ != a && registers_[a].home.isScalar)) {
      const Home& home = registers_[a].home;
      bring(b, false);
      program_.emit(home.isScalar ? codes.scalarWith : codes.stripWith, home);
    } else {
      const Home home = beside(b, false);
      bring(a, false);
      program_.emit(home.isScalar ? codes.withScalar : codes.withStrip, home);
    }
  }

  void emitLogical(Code code, int a, int b) {
    if (accumulator_ == b && a != b && fusion_->isReady(a, true)) std::swap(a, b);
    const Home home = beside(b, true);
    bring(a, true);
    program_.emit(code, home);
  }

  void emitInstruction(const Instruction& instruction) {
    const auto [a, b, c] = instruction.args;
    const Op op = instruction.op;
    if (op == Op::select) {
      const Home second = beside(b, false), third = beside(c, false);
      bring(a, true);
      program_.emit(machine_->select[second.isScalar][third.isScalar], second, third);
    } else if (op == Op::logicalNot) {
      bring(a, true);
      program_.emit(machine_->logicalNot);
    } else if (isLogical(op)) {
      emitLogical(op == Op::logicalAnd ? machine_->logicalAnd : machine_->logicalOr, a, b);
    } else if (isUnary(op)) {
      bring(a, false);
      program_.emit(machine_->unary[static_cast<int>(op)]);
    } else if (op != Op::div || !emitExactDivision(a, b)) {
      emitPair(pairCodes(op), a, b);
    }
  }

  void bindInstruction(int j) {
    const Instruction& instruction = fusion_->instructions[j];
    emitInstruction(instruction);
    // The result may reuse the strip of an argument, which has been read completely.
    for (int k = 0; k < numArgs(instruction.op); k++) {
      Register& r = registers_[instruction.args[k]];
      if (r.lastUse == j && std::exchange(r.ownsStrip, false)) program_.arena.giveBackStrip(r.home.base);
    }
    bindResult(j);
  }

  // Writes the accumulator to its outputs, unless they overlap an operand that is still read, and to a strip if it is used
  // again.
  void bindResult(int j) {
    const int index = accumulator_ = fusion_->numOperands + j;
    Register& r = registers_[index];
    r.isBool = givesBool(fusion_->instructions[j].op);
    for (int o = 0; o < fusion_->numOutputs; o++) {
      if (fusion_->outputs[o].source != index || isSum(fusion_->outputs[o])) continue;
      if (overwrites(o, j)) {
        r.needsHome = true;
        continue;
      }
      const Home out = emitOutput(o);
      if (!r.isBool && !isStreamed_[o]) r.home = out;
    }
    if (!r.needsHome || r.home.kind != Home::Kind::none) return;
    r.home = r.isSummed ? storeBlock() : storeStrip();
    r.ownsStrip = !r.isSummed;
  }

  Home emitOutput(int o) {
    const Output& output = fusion_->outputs[o];
    Home out;
    out.kind = Home::Kind::along;
    out.base = static_cast<char*>(output.data);
    out.isBool = fusion_->isBoolRegister(output.source);
    program_.emit(out.isBool ? machine_->storeBools : isStreamed_[o] ? machine_->storeStream : machine_->store, out);
    isWritten_[o] = true;
    return out;
  }

  bool isOverwritten(int operand) const {
    for (int o = 0; o < fusion_->numOutputs; o++) {
      if (!isSum(fusion_->outputs[o]) && fusion_->overlaps(o, operand)) return true;
    }
    return false;
  }

  void bindSum(const Output& output) {
    const int source = output.source;
    Home home = registers_[source].home;
    if (fusion_->isOperand(source) && (home.kind != Home::Kind::along || home.isBool || isOverwritten(source))) {
      bring(source, false);
      home = storeBlock();
    }
    program_.addSum(output, home);
  }

  // Writes outputs that are operands, and those that had to wait until an operand was read.
  void bindCopies() {
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const int source = fusion_->outputs[o].source;
      if (isWritten_[o] || isSum(fusion_->outputs[o])) continue;
      // Another output may overwrite this one's source.
      if (!fusion_->isOperand(source) || registers_[source].ownsStrip || !isOverwritten(source)) continue;
      Register& r = registers_[source];
      bring(source, r.isBool);
      r.home = storeStrip();
      r.ownsStrip = true;
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const int source = fusion_->outputs[o].source;
      if (isWritten_[o] || isSum(fusion_->outputs[o])) continue;
      bring(source, registers_[source].isBool);
      emitOutput(o);
    }
  }

  const Machine* machine_ = nullptr;
  const Fusion* fusion_ = nullptr;
  std::vector<Register> registers_;
  std::vector<bool> isStreamed_, isWritten_;
  Program program_;
  size_t lead_ = 0;
  int numStreams_ = 0;
  int accumulator_ = NONE;  // the register in the accumulator
};

}  // namespace

void fused(const Machine& machine, const Fusion& fusion) {
  static thread_local Chain chain;
  chain.bind(machine, fusion);
  chain.run();
}

}  // namespace lockstep
