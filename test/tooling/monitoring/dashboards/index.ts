// The dashboards that the chart ships.
import { CONTROLLER } from "./controller.ts";
import { type Dashboard, renderDashboard } from "./dashboard.ts";
import { FLEET } from "./fleet.ts";
import { ROLLOUT } from "./rollout.ts";

export const DASHBOARDS: readonly Dashboard[] = [FLEET, ROLLOUT, CONTROLLER];
export const DASHBOARD_FOLDER = "charts/ringward/files/dashboards";

/** Path from the checkout's root -> content. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(
    DASHBOARDS.map((dashboard) => [
      `${DASHBOARD_FOLDER}/${dashboard.uid}.json`,
      `${JSON.stringify(renderDashboard(dashboard), undefined, 2)}\n`,
    ]),
  );
}
