import {
  type GatewayConfig,
  type PipelineConfig,
  referencesOf,
  sharingOf,
  sinksOf,
  sourcesOf,
} from '../../config/index.ts';
import { componentsIn } from '../../config/schema/step-schema.ts';
import { displayUrl } from '../../core/secrets.ts';

type NodeKind = 'endpoint' | 'pipeline' | 'topic' | 'server' | 'other';

export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  /** Lines of its label: the name, and what else there is to say. */
  readonly lines: readonly string[];
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** Beside the way that most messages go: dead letters, tables, members. */
  readonly isSide: boolean;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

type End = ReturnType<typeof sourcesOf>[number]['chosen'] | ReturnType<typeof sinksOf>[number]['chosen'];

/**
 * What flows where in a configuration, in the order of the file. An endpoint that is both read and fed is there twice, so
 * that messages flow one way.
 */
export function graphOf(config: GatewayConfig): Graph {
  const drawing = new Drawing(config);
  for (const [name, pipeline] of Object.entries(config.pipelines)) drawing.pipeline(name, pipeline);
  for (const name of Object.keys(config.endpoints)) drawing.endpointAlone(name);
  for (const topic of Object.keys(config.log.topics)) drawing.topic(topic);
  return { nodes: [...drawing.nodes.values()], edges: [...drawing.edges.values()] };
}

class Drawing {
  readonly nodes = new Map<string, GraphNode>();
  readonly edges = new Map<string, GraphEdge>();
  private readonly config: GatewayConfig;

  constructor(config: GatewayConfig) {
    this.config = config;
  }

  pipeline(name: string, pipeline: PipelineConfig): void {
    const steps = componentsIn(pipeline.processors, []).map(({ chosen }) => chosen);
    const about = steps.map(({ spec }) => spec.name).join(', ');
    const exactly = pipeline.exactly_once ? ['exactly once'] : [];
    const lines = [name, ...(about === '' ? [] : [about]), ...exactly];
    const sources = sourcesOf(pipeline).flatMap(({ chosen }) => {
      const { group } = chosen.config as { readonly group?: string };
      const label = sharingOf(chosen) === 'shared' && group !== undefined ? `group ${group}` : '';
      return this.ends(chosen, 'source', name).map((from) => ({ from, label }));
    });
    const own = this.node(`pipeline:${name}`, 'pipeline', lines);
    for (const { from, label } of sources) this.edge(from, own, label);
    for (const { chosen } of sinksOf(pipeline))
      for (const to of this.ends(chosen, 'sink', name)) this.edge(own, to, '');
    const read = new Set(sources.map(({ from }) => from));
    for (const step of steps)
      for (const { to, name: topic, isTable } of referencesOf(step)) {
        if (to !== 'topic' || read.has(`topic:${topic}`)) continue;
        if (isTable === true) this.edge(this.topic(topic), own, step.spec.name, true);
        else this.edge(own, this.topic(topic), step.spec.name, true);
      }
    const { dead_letter: deadLetter } = pipeline.on_error;
    if (deadLetter !== undefined) this.edge(own, this.topic(deadLetter), 'dead letters', true);
  }

  /** One that no pipeline reads or feeds, and what clients do with topics by themselves. */
  endpointAlone(name: string): void {
    const endpoint = this.config.endpoints[name];
    if (endpoint === undefined) return;
    const { codec, allow, presence } = endpoint;
    const isDrawn = this.nodes.has(`in:${name}`) || this.nodes.has(`out:${name}`);
    if (!isDrawn) this.endpoint(name, 'in');
    if (presence !== undefined) {
      const side = this.nodes.has(`in:${name}`) ? 'in' : 'out';
      this.edge(this.endpoint(name, side), this.topic(presence.topic), 'members', true);
    }
    if (codec.spec.servesTopics !== true || allow === undefined) return;
    for (const { text } of allow.write) this.edge(this.endpoint(name, 'in'), this.topic(text), 'clients write', true);
    for (const { text } of allow.read) this.edge(this.topic(text), this.endpoint(name, 'out'), 'clients read', true);
  }

  topic(name: string): string {
    return this.node(`topic:${name}`, 'topic', [name]);
  }

  private ends({ spec, config }: End, side: 'source' | 'sink', pipeline: string): string[] {
    const named = referencesOf({ spec, config }).map(({ to, name }) =>
      to === 'topic' ? this.topic(name) : this.endpoint(name, side === 'source' ? 'in' : 'out'),
    );
    const patterns = spec.kind === 'source' ? (spec.patterns?.(config) ?? []).map(String) : [];
    const { name, url } = config as { readonly name?: { readonly text?: string }; readonly url?: unknown };
    if (spec.name === 'topic' && name?.text !== undefined && named.length === 0) patterns.push(name.text);
    const found = [...named, ...patterns.map((pattern) => this.topic(pattern))];
    if (found.length > 0) return found;
    const urls = spec.name === 'websocket_client' ? [url].flat().flatMap((one) => textOf(one) ?? []) : [];
    if (urls.length > 0) return [this.node(`${side}:${urls.join()}`, 'server', [...urls.map(displayUrl), spec.name])];
    return [this.node(`${side}:${spec.name}:${pipeline}`, 'other', [spec.name])];
  }

  private endpoint(name: string, side: 'in' | 'out'): string {
    const { path = [], codec } = this.config.endpoints[name] ?? {};
    const about = codec === undefined ? [] : [`${path.join(' and ')} (${codec.spec.name})`];
    return this.node(`${side}:${name}`, 'endpoint', [name, ...about]);
  }

  private node(id: string, kind: NodeKind, lines: readonly string[]): string {
    if (!this.nodes.has(id)) this.nodes.set(id, { id, kind, lines });
    return id;
  }

  private edge(from: string, to: string, label: string, isSide = false): void {
    const id = JSON.stringify([from, to, label]);
    if (!this.edges.has(id)) this.edges.set(id, { from, to, label, isSide });
  }
}

/** Of a text with expressions, which is read into something else. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const { text } = (value ?? {}) as { readonly text?: unknown };
  return typeof text === 'string' ? text : undefined;
}
