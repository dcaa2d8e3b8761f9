/** What the page's address answers to Prometheus and to probes. */
import { type RunMetrics, textFormat } from '@lockstep/coordinator';
import type { PageOptions } from '@lockstep/page';

/**
 * `/metrics` has the access rules of the page. `/healthz` and `/readyz` are open, because kubelets and load balancers send no token and
 * may ask under any name; they say no more than one sentence without names.
 */
export async function monitoringRoutes(
  metrics: RunMetrics,
): Promise<Required<Pick<PageOptions, 'routes' | 'openRoutes'>>> {
  const { sendBody, sendRefusal } = await import('@lockstep/page');
  const plain = 'text/plain; charset=utf-8';
  return {
    routes: {
      '/metrics': (request, response) => sendBody(request, response, textFormat, metrics.text()),
    },
    openRoutes: {
      // That this process answers is all that is asked.
      '/healthz': (request, response) => sendBody(request, response, plain, 'ok\n'),
      '/readyz': (request, response) => {
        const why = metrics.whyIdle();
        return why === undefined
          ? sendBody(request, response, plain, 'steps are computed\n')
          : sendRefusal(response, 503, why);
      },
    },
  };
}
