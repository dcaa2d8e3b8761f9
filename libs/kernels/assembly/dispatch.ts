// Generated from src/operations.ts by src/operations.test.ts: change the table, not this file.
import { binaryLoop, comparisonLoop, unaryLoop } from './loops';
import {
  NEG, ABS, SIGN, FLOOR, CEIL, ROUND, SQRT, RECIPROCAL, SQUARE, EXP, LOG, SIN, COS, TANH, SIGMOID, ERF,
  RELU, FLUSH, ADD, SUB, MUL, DIV, MAX, MIN, RELU_GRAD, EQ, NE, LT, LE, GT, GE,
} from './operations';

export function unaryRun(op: i32, out: usize, x: usize, count: i32): void {
  switch (op) {
    case NEG: return unaryLoop(NEG, out, x, count);
    case ABS: return unaryLoop(ABS, out, x, count);
    case SIGN: return unaryLoop(SIGN, out, x, count);
    case FLOOR: return unaryLoop(FLOOR, out, x, count);
    case CEIL: return unaryLoop(CEIL, out, x, count);
    case ROUND: return unaryLoop(ROUND, out, x, count);
    case SQRT: return unaryLoop(SQRT, out, x, count);
    case RECIPROCAL: return unaryLoop(RECIPROCAL, out, x, count);
    case SQUARE: return unaryLoop(SQUARE, out, x, count);
    case EXP: return unaryLoop(EXP, out, x, count);
    case LOG: return unaryLoop(LOG, out, x, count);
    case SIN: return unaryLoop(SIN, out, x, count);
    case COS: return unaryLoop(COS, out, x, count);
    case TANH: return unaryLoop(TANH, out, x, count);
    case SIGMOID: return unaryLoop(SIGMOID, out, x, count);
    case ERF: return unaryLoop(ERF, out, x, count);
    case RELU: return unaryLoop(RELU, out, x, count);
    default: return unaryLoop(FLUSH, out, x, count);
  }
}

export function binaryRun(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  switch (op) {
    case ADD: return binaryLoop(ADD, out, a, b, count);
    case SUB: return binaryLoop(SUB, out, a, b, count);
    case MUL: return binaryLoop(MUL, out, a, b, count);
    case DIV: return binaryLoop(DIV, out, a, b, count);
    case MAX: return binaryLoop(MAX, out, a, b, count);
    case MIN: return binaryLoop(MIN, out, a, b, count);
    default: return binaryLoop(RELU_GRAD, out, a, b, count);
  }
}

export function comparisonRun(op: i32, out: usize, a: usize, b: usize, count: i32): void {
  switch (op) {
    case EQ: return comparisonLoop(EQ, out, a, b, count);
    case NE: return comparisonLoop(NE, out, a, b, count);
    case LT: return comparisonLoop(LT, out, a, b, count);
    case LE: return comparisonLoop(LE, out, a, b, count);
    case GT: return comparisonLoop(GT, out, a, b, count);
    default: return comparisonLoop(GE, out, a, b, count);
  }
}
