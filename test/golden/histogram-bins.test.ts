/** The page places bins of histograms by arithmetic of its own, which must be that of the records. */
import { histogram, histogramEdges } from '@lockstep/tensor';
import { binOf, lowerEdgeOf } from '@lockstep/view';
import { expect, it } from 'vitest';

/** Up to the greatest bin of a finite float32. */
const mostBins = 2 * (127 + 40) + 2;
const bins = Array.from({ length: 2 * mostBins + 1 }, (_, i) => i - mostBins);

it('the page has the edges of the records', () => {
  const ofRecords = histogramEdges({ first: -mostBins, counts: bins.map(() => 1) });
  expect(bins.map(lowerEdgeOf)).toEqual(ofRecords.slice(0, -1));
});

it('the page finds the bin of a number as the records do', () => {
  const edges = bins.map(lowerEdgeOf).filter((edge) => Math.abs(edge) < 3.4e38);
  const values = edges.flatMap((edge) => [edge, edge * 1.25, edge * 0.99]).map(Math.fround);
  const finite = values.filter(Number.isFinite);
  expect(finite.length).toBeGreaterThan(mostBins);
  expect(finite.map(binOf)).toEqual(finite.map((value) => histogram(Float32Array.of(value)).first));
});
