import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { consumerGroupMachine } from '../../src/actors/consumer-group/machine.ts';
import { connectionMachine } from '../../src/actors/endpoint/connection-machine.ts';
import { endpointMachine } from '../../src/actors/endpoint/machine.ts';
import { listenerMachine } from '../../src/actors/listener/machine.ts';
import { LINK_PHASES } from '../../src/actors/log-link/log-link.ts';
import { pipelineMachine } from '../../src/actors/pipeline/machine.ts';
import { topicMachine } from '../../src/actors/topic/machine.ts';
import { runnerMachine } from '../../src/connect/cluster/machine.ts';
import { dialerMachine } from '../../src/feeds/connection/machine.ts';
import { PHASES } from '../../src/gateway/phase.ts';
import { presenceMachine } from '../../src/presence/machine.ts';
import { page } from './markdown.ts';

const MACHINES: readonly AnyStateMachine[] = [
  listenerMachine,
  connectionMachine,
  endpointMachine,
  pipelineMachine,
  topicMachine,
  consumerGroupMachine,
  presenceMachine,
  dialerMachine(),
  runnerMachine,
];

/** A state diagram of every machine, with the events that move it. */
export function machinesPage(): string {
  const sections = MACHINES.flatMap((machine) => [
    `## ${machine.id}`,
    `\`\`\`mermaid\n${diagram(machine.root)}\n\`\`\``,
    `Events: ${eventsOf(machine)}.`,
  ]);
  const intro =
    'What each actor can be in, and what moves it. Events are control only: no message is ever one. `any_…` stands for every state of a machine.';
  return page(
    'State machines',
    intro,
    ...phasesSection('gateway', PHASES, 'the gateway as a whole'),
    ...sections,
    ...phasesSection('log-link', LINK_PHASES, 'the link to the log'),
  );
}

type Phases = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Not everything with a life has a machine: the first of its phases, and why one follows on another. */
function phasesSection(name: string, table: Phases, what: string): string[] {
  const phases = Object.entries(table);
  const lines = [
    `  [*] --> ${phases[0]?.[0]}`,
    ...phases.flatMap(([phase, next]) => (Object.keys(next).length === 0 ? [`  ${phase} --> [*]`] : [])),
    ...phases.flatMap(([phase, next]) => Object.entries(next).map(([to, why]) => `  ${phase} --> ${to} : ${why}`)),
  ];
  return [
    `## ${name}`,
    `\`\`\`mermaid\n${['stateDiagram-v2', ...lines].join('\n')}\n\`\`\``,
    `Phases of ${what}; the labels say why one ends.`,
  ];
}

function diagram(root: AnyStateNode): string {
  return ['stateDiagram-v2', ...states(root, '  '), ...transitionsOf(root)].join('\n');
}

function states(node: AnyStateNode, indent: string): string[] {
  const lines: string[] = [];
  const initial = node.initial?.target[0];
  if (initial !== undefined) lines.push(`${indent}[*] --> ${nameOf(initial)}`);
  for (const child of Object.values<AnyStateNode>(node.states)) {
    if (Object.keys(child.states).length > 0) {
      lines.push(`${indent}state ${nameOf(child)} {`, ...states(child, `${indent}  `), `${indent}}`);
    }
    if (child.type === 'final') lines.push(`${indent}${nameOf(child)} --> [*]`);
  }
  return lines;
}

/** Transitions of a whole machine leave from each of its top states, as Mermaid has no arrow from "anywhere". */
function transitionsOf(node: AnyStateNode): string[] {
  const own = [...node.transitions.values()].flat().flatMap(({ eventType, target }) =>
    (target ?? []).map((to: AnyStateNode) => {
      const from = node.parent === undefined ? `any_${node.machine.id.replaceAll('-', '_')}` : nameOf(node);
      return `  ${from} --> ${nameOf(to)} : ${eventType}`;
    }),
  );
  const always = (node.always ?? []).flatMap(({ target }) =>
    (target ?? []).map((to: AnyStateNode) => `  ${nameOf(node)} --> ${nameOf(to)} : at once, when it may`),
  );
  const children = Object.values<AnyStateNode>(node.states).flatMap((child) => transitionsOf(child));
  return [...own, ...always, ...children];
}

function nameOf(node: AnyStateNode): string {
  return node.path.join('_').replaceAll('-', '_');
}

function eventsOf(machine: AnyStateMachine): string {
  const events = [...new Set(machine.events)].filter((event) => !event.startsWith('xstate.')).sort();
  return events.map((event) => `\`${event}\``).join(', ');
}
