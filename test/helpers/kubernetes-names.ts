import assert from 'node:assert/strict';
import type { Manifest } from './helm.ts';

/* What an API server refuses and the schemas of Kubernetes do not say: names, labels, texts that became numbers. */

/** RFC 1035, as names of Services are; everything of ours keeps to it. */
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;
const PORT = /^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;

export function assertNames(manifests: readonly Manifest[], where: string): void {
  const seen = new Set<string>();
  for (const manifest of manifests) {
    const { kind, metadata } = manifest;
    const id = `${where}: ${kind} ${metadata.name}`;
    assert.match(metadata.name, NAME, id);
    assert.ok(!seen.has(`${kind} ${metadata.name}`), `${id} is there twice`);
    seen.add(`${kind} ${metadata.name}`);
    assertTexts(manifest, id);
    assertPods(manifest, id);
  }
}

/** Labels, annotations and selectors are texts, wherever they are. */
function assertTexts(node: unknown, id: string): void {
  if (node === null || typeof node !== 'object') return;
  for (const [key, value] of Object.entries(node)) {
    if (['labels', 'matchLabels', 'annotations', 'nodeSelector', 'data'].includes(key))
      for (const [name, text] of Object.entries((value ?? {}) as object)) {
        assert.equal(typeof text, 'string', `${id}: ${key} ${name}`);
        if (key === 'labels' || key === 'matchLabels') assert.match(text, LABEL, `${id}: ${name}`);
      }
    assertTexts(value, id);
  }
}

interface Container {
  readonly env?: readonly { readonly name: string; readonly value?: unknown }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

/** Ports, variables, mounts: each once, and nothing is mounted that the pod does not have. */
function assertPods({ spec }: Manifest, id: string): void {
  const pod = spec?.template?.spec as { containers: Container[]; volumes?: { name: string }[] } | undefined;
  if (pod === undefined) return;
  const volumes = (pod.volumes ?? []).map(({ name }) => name);
  assertOnce(volumes, `${id}: volumes`);
  for (const name of volumes) assert.match(name, NAME, id);
  for (const { env = [], ports = [], volumeMounts = [] } of pod.containers) {
    assertOnce(
      env.map(({ name }) => name),
      `${id}: env`,
    );
    for (const { name, value } of env) assert.ok(value === undefined || typeof value === 'string', `${id}: ${name}`);
    for (const { name } of ports) assert.match(name, PORT, id);
    assertOnce(
      ports.flatMap(({ name, containerPort }) => [name, String(containerPort)]),
      `${id}: ports`,
    );
    assertOnce(
      volumeMounts.map(({ mountPath }) => mountPath),
      `${id}: mounts`,
    );
    for (const { name } of volumeMounts) assert.ok(volumes.includes(name), `${id}: volume ${name}`);
  }
}

function assertOnce(names: readonly string[], what: string): void {
  assert.equal(new Set(names).size, names.length, `${what}: ${names.join()}`);
}
