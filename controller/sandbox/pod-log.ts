// How a pod's log is cut for who asks (v1.PodLogOptions): shared by the sandbox's API server and the kubelets' own endpoint.

export interface LogCut {
  /** Lines from the end. */
  readonly tailLines?: string | undefined;
  /** Bytes from the start of those. */
  readonly limitBytes?: string | undefined;
}

export function cutLog(log: string, { tailLines, limitBytes }: LogCut): string {
  let text = log;
  if (tailLines !== undefined) {
    const lines = text.replace(/\n$/u, "").split("\n");
    text = Number(tailLines) === 0 ? "" : `${lines.slice(-Number(tailLines)).join("\n")}\n`;
  }
  return limitBytes === undefined ? text : Buffer.from(text).subarray(0, Number(limitBytes)).toString();
}
