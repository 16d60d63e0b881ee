// Every command line that docs/install.md shows for the chart, in the order in which it is typed. The page prints them and test/e2e/chart.test.ts
// runs them against a real control plane, so that none stands there that does not work.
const NAMESPACE = "ringward-system";
const IMAGE = "registry.example.com/ringward/ringward";

export const CHART_COMMANDS = {
  check: ["npm run -s ringward -- check --pre"],
  prepare: [
    `kubectl create namespace ${NAMESPACE}`,
    `kubectl label namespace ${NAMESPACE} pod-security.kubernetes.io/enforce=restricted`,
  ],
  install: [
    [
      `helm install ringward charts/ringward --namespace ${NAMESPACE}`,
      `--set image.repository=${IMAGE}`,
      `--set 'recipeImages={registry.example.com/ringward}'`,
    ].join(" \\\n  "),
  ],
  look: [
    `kubectl --namespace ${NAMESPACE} rollout status deployment/ringward-controller`,
    "kubectl get disruptionledgers,policyrepositories,rolloutrings,nodepatchstates",
  ],
  enforce: [`kubectl patch disruptionledger cluster --type merge --patch '{"spec":{"mode":"Enforce"}}'`],
  repository: [
    `kubectl --namespace ${NAMESPACE} create secret generic ringward-forge --from-literal=token="$FORGE_TOKEN"`,
    [
      `helm upgrade ringward charts/ringward --namespace ${NAMESPACE} --reuse-values`,
      "--set 'secretMounts[0].name=forge,secretMounts[0].secret=ringward-forge'",
      "--set policyRepository.spec.url=https://git.example.com/ops/patch-policy.git",
      "--set policyRepository.spec.clusterName=production",
      "--set policyRepository.spec.auth.tokenFile=/run/secrets/ringward/forge/token",
    ].join(" \\\n  "),
    `kubectl --namespace ${NAMESPACE} rollout status deployment/ringward-controller`,
  ],
  upgrade: [`helm upgrade ringward charts/ringward --namespace ${NAMESPACE} --reset-then-reuse-values`],
  uninstall: [
    `kubectl patch disruptionledger cluster --type merge --patch '{"spec":{"mode":"Stop"}}'`,
    "kubectl get disruptionledger cluster",
    `helm uninstall ringward --namespace ${NAMESPACE} --wait`,
  ],
  purge: [
    "kubectl delete policyrepositories,rolloutrings,patchbaselines,patchlevels --all",
    "kubectl get crds --output name | grep '\\.ringward\\.dev$' | xargs kubectl delete",
    `kubectl delete namespace ${NAMESPACE} ringward-jobs`,
  ],
  takeOver: [
    [
      `helm install ringward charts/ringward --namespace ${NAMESPACE} --take-ownership --force-conflicts`,
      `--set image.repository=${IMAGE}`,
      `--set 'recipeImages={registry.example.com/ringward}'`,
    ].join(" \\\n  "),
  ],
  // By hand, for an export. The file is of the controller's account.
  account: [
    "kubectl config view --raw --minify > controller.kubeconfig",
    [
      "kubectl --kubeconfig controller.kubeconfig config set-credentials ringward-controller",
      `--token="$(kubectl --namespace ${NAMESPACE} create token ringward-controller)"`,
    ].join(" \\\n  "),
    "kubectl --kubeconfig controller.kubeconfig config set-context --current --user=ringward-controller",
  ],
  controller: ["npm run -s ringward -- controller --kubeconfig controller.kubeconfig"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
