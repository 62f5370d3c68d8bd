import { ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { TraceContext } from '../core/message.ts';
import { paramsOf } from './span-attributes.ts';
import { under } from './spans.ts';
import { parseTraceContext } from './traceparent.ts';
import type { Handshake, HandshakeRequest } from './tracing.ts';

/** What the client continues: by the header `traceparent`, else by the query. */
export function handshakeParent(request: HandshakeRequest): SpanContext | undefined {
  const { traceparent, tracestate } = request.headers;
  const header = typeof traceparent === 'string' ? parseTraceContext(traceOf(traceparent, tracestate)) : undefined;
  if (header !== undefined) return header;
  const query = request.query.traceparent;
  return query === undefined ? undefined : parseTraceContext(traceOf(query, request.query.tracestate));
}

function traceOf(traceparent: string, tracestate: string | string[] | undefined): TraceContext {
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate: String(tracestate) };
}

export function startHandshake(tracer: Tracer, request: HandshakeRequest, parent: SpanContext | undefined): Handshake {
  const span = tracer.startSpan(
    `GET ${request.route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'GET',
        'http.route': request.route,
        // The query may hold a token.
        'url.path': request.url.split('?', 1)[0] ?? '',
        'url.scheme': 'ws',
        'user_agent.original': String(request.headers['user-agent'] ?? ''),
        'tidegate.endpoint': request.endpoint,
        ...paramsOf(request.params ?? {}),
      },
    },
    parent === undefined ? ROOT_CONTEXT : under(parent),
  );
  return {
    context: span.spanContext(),
    end(status) {
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
