// The sources in memory pass the contract of the real ones.
import { createMemoryAlertmanager, createMemoryPrometheus } from "../../controller/gates/memory.ts";
import { alertContract, queryContract } from "./gates.contract.ts";

queryContract("Prometheus in memory", () => {
  const source = createMemoryPrometheus();
  return Promise.resolve({ source, set: (query, samples) => source.set(query, samples) });
});

alertContract("Alertmanager in memory", () => {
  const source = createMemoryAlertmanager();
  return Promise.resolve({
    source,
    fire: (labels) => Promise.resolve(source.fire(labels)),
    silence: (labels) => Promise.resolve(source.silence(labels)),
  });
});
