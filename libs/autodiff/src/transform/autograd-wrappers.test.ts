/** Relations between the wrappers of Autograd (after its acceptance tests for wrappers and Jacobians). */
import { describe, expect, it } from 'vitest';
import { ordinary, positive } from '../fixtures/values.ts';
import {
  checkGrads,
  elementwiseGrad,
  ggnvp,
  grad,
  gradWithAux,
  hessian,
  hessianTensorProduct,
  hvp,
  jacobian,
  jvp,
  numericalGrad,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
} from '../index.ts';

function close(found: Tensor, expected: Tensor, tolerance = 1e-9): void {
  expect(found.shape).toEqual(expected.shape);
  for (const [i, value] of expected.data.entries()) {
    expect(Math.abs(found.data[i]! - value)).toBeLessThan(tolerance * (1 + Math.abs(value)));
  }
}

const f = (x: Tensor, y: Tensor): Tensor => x.mul(y).sin().sum().add(x.square().mul(y.exp()).sum());
const x = ordinary([3])(1);
const y = ordinary([3])(2);

describe('value and gradient', () => {
  it('are those of the function and of grad', () => {
    const [value, gradient] = valueAndGrad(f)(x, y);
    close(value, f(x, y), 0.0000001);
    close(gradient, grad(f)(x, y));
    const [both, gradients] = valueAndGrad(f, [0, 1])(x, y);
    close(both, value);
    close(gradients[1], grad(f, 1)(x, y));
  });
  it('are themselves differentiable', () => {
    const squaredNorm = (a: Tensor, b: Tensor): Tensor => {
      const [value, gradient] = valueAndGrad(f)(a, b);
      return value.add(gradient.square().sum());
    };
    checkGrads(squaredNorm, [x, y], { order: 1 });
  });
  it('of several arguments equal those by single arguments', () => {
    const three = (a: Tensor, b: Tensor, c: Tensor): Tensor => a.mul(b).sum().mul(c);
    const args = [x, y, tensor(3)] as const;
    const [da, dc] = grad(three, [0, 2])(...args);
    close(da, grad(three, 0)(...args));
    close(dc, grad(three, 2)(...args));
  });
  it('of a function with a fixed argument are those by the other argument', () => {
    close(grad((b: Tensor) => f(x, b))(y), grad(f, 1)(x, y));
  });
  it('keep the auxiliary value of a function', () => {
    const withAux = (a: Tensor): readonly [Tensor, Tensor] => [a.square().sum(), a.mul(3)];
    const [gradient, aux] = gradWithAux(withAux)(x);
    close(gradient, x.mul(2));
    close(aux, x.mul(3));
  });
  it('have the dtype of the argument', () => {
    const g = (a: Tensor): Tensor => a.sin().sum();
    for (const dtype of ['float32', 'float64'] as const) {
      const at = x.cast(dtype);
      expect(grad(g)(at).dtype).toBe(dtype);
      expect(hessian(g)(at).dtype).toBe(dtype);
      expect(hvp(g)([at], at).dtype).toBe(dtype);
      expect(jvp(g, [at], [at])[1].dtype).toBe(dtype);
    }
  });
});

describe('elementwise gradients', () => {
  const at = ordinary([2, 3])(3);
  it('are those of each element, for any number of arguments', () => {
    const g = (a: Tensor, b: Tensor): Tensor => a.exp().mul(b).add(b.sin());
    const b = ordinary([2, 3])(4);
    const [da, db] = elementwiseGrad(g, [0, 1])(at, b);
    close(da, at.exp().mul(b));
    close(db, at.exp().add(b.cos()));
  });
  it('are the sums of the columns of the Jacobian where outputs mix', () => {
    const g = (a: Tensor): Tensor => a.matmul(a.transpose()).sin();
    close(elementwiseGrad(g)(at), jacobian(g)(at).reshape([4, 2, 3]).sum(0));
  });
  it('nest', () => {
    const g = (a: Tensor): Tensor => a.sin();
    close(elementwiseGrad((a: Tensor) => elementwiseGrad(g)(a))(at), at.sin().neg());
  });
});

describe('Jacobians', () => {
  const g = (a: Tensor): Tensor => stack([a.sin().mul(a.sum()), a.exp().div(a.square().add(1))]);
  it('are the gradients of the outputs, stacked', () => {
    const rows = [0, 1].flatMap((i) => [0, 1, 2].map((j) => grad((a: Tensor) => g(a).at(i, j))(x)));
    close(jacobian(g)(x), stack(rows).reshape([2, 3, 3]));
  });
  it('agree with finite differences', () => {
    const numeric = [0, 1].flatMap((i) =>
      [0, 1, 2].map((j) => numericalGrad((a: Tensor) => g(a).at(i, j))(x)),
    );
    close(jacobian(g)(x), stack(numeric).reshape([2, 3, 3]), 1e-7);
  });
  it('take scalars to vectors, and arrays to arrays of any rank', () => {
    const curve = (t: Tensor): Tensor => stack([t, t.square(), t.mul(t).mul(t)]);
    close(jacobian(curve)(2), tensor([1, 4, 12]));
    const image = ordinary([3, 2])(5);
    expect(jacobian((a: Tensor) => a.matmul(a.transpose()))(image).shape).toEqual([3, 3, 3, 2]);
    expect(jacobian((a: Tensor) => jacobian((b: Tensor) => b.matmul(b.transpose()))(a))(image).shape).toEqual(
      [3, 3, 3, 2, 3, 2],
    );
  });
  it('are pushforwards when multiplied by vectors, and pullbacks when vectors are multiplied by them', () => {
    const matrix = jacobian(g)(x).reshape([6, 3]);
    close(jvp(g, [x], [y])[1].reshape([6]), matrix.matmul(y));
    const w = ordinary([2, 3])(6);
    close(vjp(g, x)[1](w)[0], w.reshape([6]).matmul(matrix));
  });
});

describe('Hessians', () => {
  const quartic = (a: Tensor): Tensor => a.square().sum().square().add(a.sin().sum());
  it('are symmetric, and the Jacobians of the gradient in either mode', () => {
    const h = hessian(quartic)(x);
    close(h, h.transpose());
    close(h, jacobian((a: Tensor) => grad(quartic)(a))(x));
    close(
      h,
      jacobian((a: Tensor) => jacobian(quartic, 0, { mode: 'forward' })(a), 0, { mode: 'forward' })(x),
    );
  });
  it('of arguments of different shapes have blocks that are transposes of each other', () => {
    const g = (m: Tensor, v: Tensor): Tensor => m.matmul(v).sin().sum();
    const blocks = hessian(g, [0, 1])(ordinary([2, 3])(7), x);
    expect([blocks[0][1].shape, blocks[1][0].shape]).toEqual([
      [2, 3, 3],
      [3, 2, 3],
    ]);
    close(blocks[0][1], blocks[1][0].transpose([1, 2, 0]));
  });
  it.each([[[3]], [[3, 2]], [[2, 2, 2]]])('have right products with arrays of shape %j', (shape) => {
    const at = positive(shape)(8);
    const direction = ordinary(shape)(9);
    const n = at.size;
    const expected = hessian(quartic)(at)
      .reshape([n, n])
      .matmul(direction.reshape([n]))
      .reshape(shape);
    close(hessianTensorProduct(quartic)([at], direction), expected);
    const reverse = grad((a: Tensor) => grad(quartic)(a).mul(direction).sum())(at);
    close(hvp(quartic)([at], direction), reverse);
  });
  it('are differentiated: the third derivative of a cube is constant', () => {
    const third = jacobian((a: Tensor) => hessian((b: Tensor) => b.mul(b).mul(b).sum())(a))(x);
    const diagonal = [0, 1, 2].map((i) => third.at(i, i, i).item());
    expect(diagonal).toEqual([6, 6, 6]);
    expect(third.sum().item()).toBe(18);
  });
});

describe('Gauss–Newton products', () => {
  const model = (w: Tensor): Tensor => ordinary([5, 3])(10).matmul(w).sin();
  it('with half the sum of squares are Jᵀ·J·v', () => {
    const j = jacobian(model)(x);
    close(ggnvp(model)([x], y), j.transpose().matmul(j).matmul(y));
  });
  it('are the Hessian where the model is linear, and positive semidefinite in any case', () => {
    const linear = (w: Tensor): Tensor => ordinary([5, 3])(11).matmul(w);
    const loss = (out: Tensor): Tensor => out.exp().sum();
    close(ggnvp(linear, loss)([x], y), hvp((w: Tensor) => loss(linear(w)))([x], y));
    for (let seed = 0; seed < 5; seed++) {
      const v = ordinary([3])(20 + seed);
      expect(ggnvp(model, loss)([x], v).mul(v).sum().item()).toBeGreaterThan(0);
    }
  });
});
