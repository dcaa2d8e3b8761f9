/** Matrices of derivatives of functions with known derivatives. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { bitsOf, ordinary } from '../fixtures/values.ts';
import {
  bind,
  elementwiseGrad,
  ggnvp,
  grad,
  gradWithAux,
  hessian,
  hessianTensorProduct,
  hvp,
  jacobian,
  jit,
  jvp,
  numericalGrad,
  type Primitive,
  stack,
  type Tensor,
  tensor,
  vmap,
} from '../index.ts';

/** f(x₁, x₂) = ln x₁ + x₁x₂ − sin x₂, the running example of Baydin et al. (2018). */
const f = (x1: Tensor, x2: Tensor): Tensor => x1.log().add(x1.mul(x2)).sub(x2.sin());

const modes = ['reverse', 'forward'] as const;

function close(found: Tensor, expected: Tensor | number[] | number, digits = 12): void {
  const wanted =
    typeof expected === 'object' && 'data' in expected ? Array.from(expected.data) : [expected].flat();
  expect(found.data).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found.data[i]).toBeCloseTo(value, digits);
}

describe('ln x₁ + x₁x₂ − sin x₂ at (2, 5)', () => {
  it('has its known derivatives', () => {
    expect(grad(f, [0, 1])(2, 5).map(Number)).toEqual([5.5, 2 - Math.cos(5)]);
    expect(jvp(f, [2, 5], [1, 0]).map(Number)).toEqual([f(tensor(2), tensor(5)).item(), 5.5]);
    const [[h11, h12], [h21, h22]] = hessian(f, [0, 1])(2, 5);
    close(h11, -1 / 4);
    close(h12, 1);
    close(h21, 1);
    close(h22, Math.sin(5));
  });
  it('has types that follow the arguments', () => {
    expectTypeOf(hessian(f)(2, tensor(5))).toEqualTypeOf<Tensor>();
    expectTypeOf(hessian(f, [0, 1])(2, 5)).toEqualTypeOf<[[Tensor, Tensor], [Tensor, Tensor]]>();
    expectTypeOf(jacobian(f, [1])(tensor(2), 5)).toEqualTypeOf<[Tensor]>();
    expectTypeOf(hvp(f)([2, tensor(5)], 1)).toEqualTypeOf<Tensor>();
    expectTypeOf(hvp(f, [0, 1])([2, 5], [1, 0])).toEqualTypeOf<[Tensor, Tensor]>();
    expectTypeOf(elementwiseGrad(f, 1)(tensor(2), 5)).toEqualTypeOf<Tensor>();
    expectTypeOf(numericalGrad(f, [0, 1])(2, 5)).toEqualTypeOf<[Tensor, Tensor]>();
    type Params = { w: Tensor; b: Tensor };
    const model = ({ w, b }: Params, x: Tensor) => ({ y: x.matmul(w).add(b), norm: w.square().sum() });
    const derivatives = jacobian(model)({ w: tensor([1, 2]), b: tensor(0) }, tensor([[1, 1]]));
    expectTypeOf(derivatives).toEqualTypeOf<{ y: Params; norm: Params }>();
    expect(derivatives.norm.w.toArray()).toEqual([2, 4]);
    expect(derivatives.y.w.toArray()).toEqual([[1, 1]]);
    expect(derivatives.y.b.toArray()).toEqual([1]);
  });
});

describe('jacobian', () => {
  const a = ordinary([3, 4])(1);
  it.each(modes)('of a linear map is its matrix, in %s mode', (mode) => {
    close(jacobian((x: Tensor) => a.matmul(x), 0, { mode })(ordinary([4])(2)), a);
  });
  it.each(modes)('has the shape of the output, then of the input, in %s mode', (mode) => {
    const g = (x: Tensor, y: Tensor): { outer: Tensor; total: Tensor } => ({
      outer: x.reshape([2, 1]).mul(y.sum(0)),
      total: x.sum().mul(y.sum()),
    });
    const { outer, total } = jacobian(g, [0, 1], { mode })(tensor([2, 3]), ordinary([5, 3])(3));
    expect([outer[0].shape, outer[1].shape]).toEqual([
      [2, 3, 2],
      [2, 3, 5, 3],
    ]);
    expect([total[0].shape, total[1].shape]).toEqual([[2], [5, 3]]);
    close(outer[1].at(1, 2, 4), [0, 0, 3]);
  });
  it('is the same in both modes, and by vmap of columns', () => {
    const g = (x: Tensor): Tensor => x.sin().matmul(x.exp()).tanh();
    const x = ordinary([3, 3])(4);
    const reverse = jacobian(g)(x);
    close(jacobian(g, 0, { mode: 'forward' })(x), reverse, 14);
    const numeric = numericalGrad((y: Tensor) => g(y).at(1, 2))(x);
    close(reverse.at(1, 2), numeric, 8);
  });
  it.each(modes)('takes scalars, empty arrays and constants, in %s mode', (mode) => {
    close(jacobian((x: Tensor) => x.square(), 0, { mode })(3), 6);
    const empty = tensor(new Float64Array(0), { shape: [0, 2] });
    expect(jacobian((x: Tensor) => x.sum(1), 0, { mode })(empty).shape).toEqual([0, 0, 2]);
    expect(jacobian((x: Tensor) => x.sum(), 0, { mode })(empty).shape).toEqual([0, 2]);
    close(jacobian((_x: Tensor) => tensor([1, 2]), 0, { mode })(3), [0, 0]);
  });
  it.each(modes)('follows branches and loops over values, in %s mode', (mode) => {
    const doubled = (x: Tensor): Tensor => {
      let y = x;
      while (y.sum().item() < 100) y = y.mul(2);
      return y;
    };
    close(jacobian(doubled, 0, { mode })(tensor([1, 2])), [64, 0, 0, 64]);
  });
  it.each(modes)('is differentiated, batched and compiled, in %s mode', (mode) => {
    const cube = (x: Tensor): Tensor => x.mul(x).mul(x);
    const derivative = (x: Tensor): Tensor => jacobian(cube, 0, { mode })(x);
    close(jacobian(derivative, 0, { mode })(2), 12);
    close(grad((x: Tensor) => derivative(x).sum())(tensor([1, 2])), [6, 12]);
    close(vmap(derivative)(tensor([1, 2])), [3, 12]);
    close(jit(derivative)(tensor([1, 2])), [3, 0, 0, 12]);
  });
  it('goes direction by direction if a rule reads its direction', () => {
    const reads: Primitive = {
      name: 'doubled, with rules that read',
      differentiable: [0],
      shape: ([x]) => x!,
      kernel:
        (out, [x]) =>
        (kernels) =>
          kernels.unary('neg', out.data, x!.data),
      jvp: (t) =>
        tensor(
          t.data.map((v) => -v),
          { shape: t.shape },
        ),
      vjp: (ct) =>
        tensor(
          ct.data.map((v) => -v),
          { shape: ct.shape },
        ),
      batch: (_inputs, _batched) => {
        throw new Error('not reached');
      },
    };
    const g = (x: Tensor): Tensor => bind(reads, [x], {});
    for (const mode of modes) close(jacobian(g, 0, { mode })(tensor([1, 2])), [-1, 0, 0, -1]);
  });
  it('names arguments that cannot be differentiated', () => {
    const g = (x: Tensor): Tensor => x.argmax();
    expect(() => jacobian(g)(tensor([1, 2]))).toThrow(/jacobian: cannot differentiate .* int32/);
    expect(() => jacobian(g)(tensor([1, 2], { dtype: 'int32' }))).toThrow(/jacobian: .* only float32/);
    expect(() => jacobian(f, [0, 2])(1, 2)).toThrow(/jacobian: argument 2 does not exist/);
  });
});

describe('hessian', () => {
  it('of a quadratic form is its symmetric part, doubled', () => {
    const a = ordinary([3, 3])(5);
    const h = hessian((x: Tensor) => x.matmul(a).mul(x).sum())(ordinary([3])(6));
    close(h, a.add(a.transpose()));
  });
  it('has a block for each pair in nested containers', () => {
    const g = ({ w, b }: { w: Tensor; b: Tensor }): Tensor => w.square().sum().mul(b.exp());
    const { w, b } = hessian(g)({ w: tensor([1, 2]), b: tensor(0) });
    close(w.w, [2, 0, 0, 2]);
    close(w.b, [2, 4]);
    close(b.w, [2, 4]);
    close(b.b, 5);
  });
  it('is symmetric and takes any rank', () => {
    const g = (x: Tensor): Tensor => x.sin().matmul(x.transpose()).tanh().sum();
    const h = hessian(g)(ordinary([2, 3])(7));
    expect(h.shape).toEqual([2, 3, 2, 3]);
    close(h.reshape([6, 6]).transpose(), h.reshape([6, 6]), 14);
  });
});

describe('products', () => {
  const g = (x: Tensor, y: Tensor): Tensor => x.mul(y).sin().sum().add(x.exp().sum().mul(y.sum()));
  const x = ordinary([3])(8);
  const y = ordinary([3])(9);
  const v = ordinary([3])(10);

  it('hvp is the Hessian times the vector', () => {
    close(hvp(g)([x, y], v), hessian(g)(x, y).matmul(v));
    close(hvp(g, 1)([x, y], v), hessian(g, 1)(x, y).matmul(v));
    const blocks = hessian(g, [0, 1])(x, y);
    const [byX, byY] = hvp(g, [0, 1])([x, y], [v, x]);
    close(byX, blocks[0][0].matmul(v).add(blocks[0][1].matmul(x)));
    close(byY, blocks[1][0].matmul(v).add(blocks[1][1].matmul(x)));
  });
  it('hessianTensorProduct contracts all axes', () => {
    const k = (z: Tensor): Tensor => z.matmul(z.transpose()).sin().sum();
    const at = ordinary([2, 3])(11);
    const direction = ordinary([2, 3])(12);
    const flat = hessian(k)(at)
      .reshape([6, 6])
      .matmul(direction.reshape([6]));
    close(hessianTensorProduct(k)([at], direction), flat);
  });
  it('ggnvp is Jᵀ·H·J·v', () => {
    const net = (w: Tensor): Tensor => ordinary([4, 3])(13).matmul(w).tanh();
    const loss = (out: Tensor): Tensor => out.exp().sum();
    const j = jacobian(net)(x);
    close(ggnvp(net)([x], v), j.transpose().matmul(j.matmul(v)));
    const h = hessian(loss)(net(x));
    close(ggnvp(net, loss)([x], v), j.transpose().matmul(h.matmul(j.matmul(v))));
  });
  it('ggnvp of a linear model is hvp of its loss, for lists of arguments too', () => {
    const model = (w: Tensor, b: Tensor): { y: Tensor } => ({ y: ordinary([4, 3])(14).matmul(w).add(b) });
    const loss = (out: { y: Tensor }): Tensor => out.y.sigmoid().log().sum();
    const [dw, db] = ggnvp(model, loss, [0, 1])([x, tensor(0.3)], [v, 1]);
    const [hw, hb] = hvp((w: Tensor, b: Tensor) => loss(model(w, b)), [0, 1])([x, tensor(0.3)], [v, 1]);
    close(dw, hw);
    close(db, hb);
  });
  it('are batched and compiled, with the bits of eager execution', () => {
    const k = (z: Tensor): Tensor => z.tanh().square().sum().exp();
    const product = (z: Tensor, t: Tensor): Tensor => hvp(k)([z], t);
    expect(bitsOf(jit(product)(x, v))).toBe(bitsOf(product(x, v)));
    expect(bitsOf(jit((z: Tensor) => hessian(k)(z))(x))).toBe(bitsOf(hessian(k)(x)));
    const both = vmap(product)(stack([x, y]), stack([v, x]));
    expect(bitsOf(both.at(1))).toBe(bitsOf(product(y, x)));
    expect(bitsOf(vmap((z: Tensor) => hessian(k)(z))(stack([x, y])).at(0))).toBe(bitsOf(hessian(k)(x)));
  });
  it('say which form the vector must have', () => {
    expect(() => hvp(g, [0, 1])([x, y], v as never)).toThrow(/argument and tangent: the trees differ/);
    expect(() => hvp(g)([x, y], ordinary([4])(1))).toThrow(
      /a tangent of shape \[4\] for an argument of shape \[3\]/,
    );
    expect(() => hvp(g, 2)([x, y], v as never)).toThrow(/hvp: argument 2 does not exist/);
  });
});

describe('elementwiseGrad and gradWithAux', () => {
  it('differentiates at every point', () => {
    const xs = ordinary([4, 3])(15);
    close(
      elementwiseGrad((x: Tensor) => x.tanh())(xs),
      Array.from(xs.data, (x) => 1 - Math.tanh(x) ** 2),
    );
    close(elementwiseGrad((x: Tensor, y: Tensor) => x.mul(y), 1)(xs, xs), xs);
    const [dx, dy] = elementwiseGrad((x: Tensor, y: Tensor) => x.mul(y).sin(), [0, 1])(2, 3);
    close(dx, 3 * Math.cos(6));
    close(dy, 2 * Math.cos(6));
  });
  it('keeps the auxiliary value', () => {
    const g = (x: Tensor, y: Tensor): readonly [Tensor, { twice: Tensor }] => [x.mul(y), { twice: y.mul(2) }];
    const [[dx, dy], { twice }] = gradWithAux(g, [0, 1])(2, 3);
    expect([dx, dy, twice].map(Number)).toEqual([3, 2, 6]);
    expect(gradWithAux(g)(2, tensor(3))[0].item()).toBe(3);
  });
});
