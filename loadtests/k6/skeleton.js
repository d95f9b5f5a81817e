import http from "k6/http";
import exec from "k6/execution";
import { sleep } from "k6";
import { Gauge } from "k6/metrics";

/* Written by Metric Vault. Everything that differs between load tests is data, in PLAN. */
/*PLAN*/

/* One of several load generators takes its part of every scenario. */
const at = Number(__ENV.GENERATOR), of = PLAN.generators;
const edge = (part) => (part === 0 ? "0" : part === of ? "1" : `${part}/${of}`);
const part = of > 1 ? {
  executionSegment: `${edge(at)}:${edge(at + 1)}`,
  executionSegmentSequence: Array.from({ length: of + 1 }, (_nothing, number) => edge(number)).join(","),
} : {};

export const options = {
  ...part,
  discardResponseBodies: true,
  /* Replaces k6's list. Without `url` and `error`: addresses and port numbers there would flood every store. */
  systemTags: ["status", "method", "name", "scenario", "expected_response", "error_code"],
  summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "count"],
  tags: PLAN.run ? { run: PLAN.run } : {},
  scenarios: PLAN.scenarios,
  thresholds: PLAN.thresholds,
};

const started = new Gauge("mv_started");
const steps = Object.fromEntries(
  PLAN.steps.map((step) => [step.tag, {
    method: step.method,
    url: step.url,
    body: step.body,
    params: { headers: Object.fromEntries(step.headers) },
    think: step.think,
    fresh: true,
  }]),
);

export default function () {
  const step = steps[__ENV.SCENARIO];
  if (step.fresh) {
    /* Once per virtual user: the moment its scenario began is the run's time origin. */
    step.fresh = false;
    started.add(exec.scenario.startTime);
  }
  http.request(step.method, step.url, step.body, step.params);
  if (step.think > 0) sleep(step.think);
}

export function handleSummary(data) {
  return { stdout: "METRICVAULT-SUMMARY " + JSON.stringify(data) + "\n" };
}
