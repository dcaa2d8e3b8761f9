/** The functions on which searches are compared, with their boxes and least values. */

const { cos, exp, PI, sqrt } = Math;

const hartmann = {
  weights: [1, 1.2, 3, 3.2],
  scales: [
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
  ],
  centres: [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
  ],
};

const sum = (list) => list.reduce((total, x) => total + x, 0);
const box = (dimensions, lo, hi) => Array.from({ length: dimensions }, () => [lo, hi]);

export const functions = {
  branin: {
    bounds: [
      [-5, 10],
      [0, 15],
    ],
    least: 0.397887,
    at: ([x, y]) =>
      (y - (5.1 / (4 * PI ** 2)) * x ** 2 + (5 / PI) * x - 6) ** 2 + 10 * (1 - 1 / (8 * PI)) * cos(x) + 10,
  },
  hartmann6: {
    bounds: box(6, 0, 1),
    least: -3.32237,
    at: (x) =>
      -sum(
        hartmann.weights.map(
          (weight, i) =>
            weight * exp(-sum(x.map((xj, j) => hartmann.scales[i][j] * (xj - hartmann.centres[i][j]) ** 2))),
        ),
      ),
  },
  ackley5: {
    bounds: box(5, -32.768, 32.768),
    least: 0,
    at: (x) =>
      -20 * exp(-0.2 * sqrt(sum(x.map((xi) => xi ** 2)) / x.length)) -
      exp(sum(x.map((xi) => cos(2 * PI * xi))) / x.length) +
      20 +
      Math.E,
  },
  rosenbrock4: {
    bounds: box(4, -5, 10),
    least: 0,
    at: (x) => sum(x.slice(1).map((next, i) => 100 * (next - x[i] ** 2) ** 2 + (1 - x[i]) ** 2)),
  },
};
